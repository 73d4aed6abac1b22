"""What the engine under fire talks to: a Prometheus that breaches on demand, and both vendors.

The vendors are the tests' own, which enforce the vendors' rules; here they also keep the order in
which everything arrived.
"""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.vendors import API_TOKEN, ROUTING_KEY, SLACK_TOKEN, FakePagerDuty, FakeSlack


@dataclass(slots=True)
class Vendors:
    """One server with all three.

    Attributes:
        breaching: The features whose error rate is beyond the bound.
    """

    server: HTTPServer
    breaching: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    slack: FakeSlack = field(init=False)
    pagerduty: FakePagerDuty = field(init=False)

    def __post_init__(self) -> None:
        self.slack = FakeSlack(self.server)
        self.pagerduty = FakePagerDuty(self.server)
        self.server.expect_request("/api/v1/query").respond_with_handler(self._query)

    @property
    def settings(self) -> dict[str, str]:
        """Return what the engine must be set to."""
        url = self.server.url_for("").rstrip("/")
        return {
            "WAKEFUL_TRACE_STORE_URL": "none",
            "WAKEFUL_PROMETHEUS_URL": url,
            "WAKEFUL_SLACK_BOT_TOKEN": SLACK_TOKEN,
            "WAKEFUL_SLACK_URL": self.slack.url,
            "WAKEFUL_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
            "WAKEFUL_PAGERDUTY_API_TOKEN": API_TOKEN,
            "WAKEFUL_PAGERDUTY_EVENTS_URL": url,
            "WAKEFUL_PAGERDUTY_API_URL": url,
            "WAKEFUL_LOG_LEVEL": "WARNING",
        }

    def breach(self, features: set[str]) -> None:
        """Let exactly these features breach."""
        with self.lock:
            self.breaching = set(features)
            self.known |= features

    def events(self, feature: str) -> list[dict[str, Any]]:
        """Return what PagerDuty took about a feature, in its order."""
        keys = {
            e["dedup_key"]
            for e in list(self.pagerduty.events)
            if e["event_action"] == "trigger"
            and e["payload"]["custom_details"]["labels"].get("feature") == feature
        }
        return [e for e in list(self.pagerduty.events) if e["dedup_key"] in keys]

    def posts(self, feature: str) -> list[dict[str, Any]]:
        """Return the posts about a feature in Slack, as they are by now."""
        return [p for p in list(self.slack.posts.values()) if f"feature={feature}" in p["text"]]

    def _query(self, request: Request) -> Response:
        asked = request.args.get("query", "")
        if "timestamp(" in asked:  # scraped this very instant
            return _vector([{"metric": {}, "value": [0, request.args["time"]]}])
        if "llm_requests_total" not in asked:
            return _vector([])
        with self.lock:
            values = {name: "0.5" if name in self.breaching else "0.0" for name in self.known}
        return _vector(
            [{"metric": {"feature": f}, "value": [0, value]} for f, value in values.items()]
        )


def _vector(result: list[dict[str, Any]]) -> Response:
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return Response(json.dumps(body), content_type="application/json")
