"""What the tests of the stand-ins share: the vendors' own clients, and who is called back."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pagerduty
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from examples.standins.pagerduty import GRACE, PagerDutyConfig
from examples.standins.slack import SlackConfig

BUTTON = {
    "type": "button",
    "action_id": "acknowledge",
    "text": {"type": "plain_text", "text": "Acknowledge"},
    "value": "key-1",
}
BLOCKS = [
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*Slow answers* <https://x.example|open>"},
    },
    {"type": "actions", "elements": [BUTTON]},
]


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class App:
    """The app behind Slack's buttons: keeps what it is sent, answers as told."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.starlette = Starlette(routes=[Route("/press", self._press, methods=["POST"])])

    async def _press(self, request: Request) -> Response:
        self.received.append((dict(request.headers), await request.body()))
        return PlainTextResponse("", self.status)

    @property
    def payload(self) -> dict[str, Any]:
        form = dict(httpx2.QueryParams(self.received[-1][1].decode()))
        return dict(json.loads(form["payload"]))


class Slack:
    def __init__(self, url: str, config: SlackConfig) -> None:
        self.url, self.config = url, config
        self.client = self.as_("xoxb-stand-in")
        self.http = httpx2.Client(base_url=url, trust_env=False, verify=False, timeout=30)

    def as_(self, token: str) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", retry_handlers=[], timeout=5)

    def post(self, **changes: Any) -> Any:
        return self.client.chat_postMessage(**{"channel": "#llm-alerts", "text": "hello"} | changes)

    def refused(self, **changes: Any) -> str:
        with pytest.raises(SlackApiError) as caught:
            self.post(**changes)
        return str(caught.value.response["error"])

    def press(self, ts: str, **changes: str) -> httpx2.Response:
        place = {"channel": "C0ALERTS", "ts": ts, "block": "1", "element": "0", "as": "U0ADA"}
        return self.http.post("/press", data=place | changes)

    def state(self) -> Any:
        return self.http.get("/_state").json()


def a_section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


KEY = PagerDutyConfig().routing_keys[0]
OTHER_KEY = "f" * 32
PATIENCE_SECONDS = 5


class Plain(httpx2.HTTPTransport):
    """Plain http to the stand-in, for a client that takes https only."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


class Receiver:
    """Where webhooks arrive."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.starlette = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.received.append((request.headers["x-pagerduty-signature"], body))
        return PlainTextResponse("", 202)


class PagerDuty:
    def __init__(self, url: str, config: PagerDutyConfig) -> None:
        self.url, self.config = url, config
        self.http = httpx2.Client(base_url=url, trust_env=False, verify=False, timeout=30)
        secure = {"base_url": url.replace("http:", "https:"), "transport": Plain(verify=False)}
        self.events = pagerduty.EventsApiV2Client(KEY, **secure)
        self.rest = pagerduty.RestApiV2Client(
            config.token, default_from=GRACE.email, **secure | {"transport": Plain(verify=False)}
        )
        for client in (self.events, self.rest):
            client.retry, client.sleep_timer, client.max_network_attempts = {}, 0, 0

    def close(self) -> None:
        for client in (self.http, self.events, self.rest):
            client.close()

    def send(self, **changes: Any) -> httpx2.Response:
        payload = {"summary": "Slow", "source": "copilot", "severity": "critical"}
        event = {"routing_key": KEY, "event_action": "trigger", "payload": payload}
        return self.http.post("/v2/enqueue", json=event | changes)

    def state(self) -> Any:
        return self.http.get("/_state").json()

    def incidents(self) -> list[dict[str, Any]]:
        return list(self.state()["incidents"])


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"


def rest(pd: PagerDuty, method: str, path: str, body: Any, **headers: str) -> httpx2.Response:
    token = {"authorization": f"Token token={pd.config.token}"}
    return pd.http.request(method, path, json=body, headers=token | headers)
