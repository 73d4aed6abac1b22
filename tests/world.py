"""A whole product in memory: real database, real clients, vendors' rules at the wire.

Time is pushed: `minutes` lets it pass, the engine's jobs running every minute as they would.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select
from werkzeug import Request, Response

from alerts import actions, delivery, policies, rulebook
from alerts.jobs import LANES, Jobs
from alerts.outbox import THREAD_WAIT
from alerts.policies import PolicyDraft
from alerts.recording import Claim
from alerts.ruledraft import RuleDraft
from alerts.settings import Settings
from alerts.wired_channels import usable_channels
from models.tables import Alert, Delivery, Escalation, Group, Notification, Transition
from signals.prometheus import Prometheus, PrometheusAccess
from signals.reading import Readers
from signals.routing import Sources
from tests.vendors import ADA, API_TOKEN, ROUTING_KEY, SENDER, SLACK_TOKEN, FakePagerDuty, FakeSlack

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
POLICY = {
    "name": "standard",
    "steps": [
        {"after": "0s", "channels": ["slack:#llm"]},
        {"after": "5m", "channels": ["pagerduty:default"]},
        {"after": "5m", "channels": ["oncall:default"]},
    ],
}
RULE = {
    "name": "Errors",
    "owner": "ada",
    "severity": "critical",
    "condition": {
        "kind": "threshold",
        "signal": "error_ratio",
        "bound": 0.05,
        "window": "5m",
        "by": ["feature"],
    },
    "for": "2m",
    "keep_firing_for": "2m",
    "interval": "30s",
    "policy": "standard",
}


class World:
    def __init__(self, server: HTTPServer, db: Engine, **settings: str) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.db = db
        self.value: float | None = 0.0
        self.values: dict[str, float] = {}
        self.prometheus_status = 200
        self.slack = FakeSlack(server)
        self.pagerduty = FakePagerDuty(server)
        self.pagerduty.on_call("Ada Lovelace", ADA)
        server.expect_request("/api/v1/query").respond_with_handler(self._prometheus)
        url = server.url_for("").rstrip("/")
        given = {
            "slack_bot_token": SLACK_TOKEN,
            "slack_url": self.slack.url,
            "pagerduty_routing_key": ROUTING_KEY,
            "pagerduty_api_token": API_TOKEN,
            "pagerduty_from": SENDER,
            "pagerduty_events_url": self.pagerduty.url,
            "pagerduty_api_url": self.pagerduty.url,
        }
        self.settings = Settings(**given | settings)
        prometheus = Prometheus(PrometheusAccess(url=url, timeout=timedelta(seconds=2)))
        readers = Readers(Sources((prometheus,)), prometheus)
        self.jobs = Jobs(
            db=db,
            clock=lambda: self.now,
            ask=lambda questions, at: readers.read_all(questions, at=at),
            usable=usable_channels(self.settings, db),
        )
        policies.save_policy(db, PolicyDraft.model_validate(POLICY))
        self.rule_id = self.save(RULE)

    def policy(self, **changes: Any) -> None:
        """Change the policy; open groups go on with the one they have."""
        draft = PolicyDraft.model_validate(POLICY | changes)
        policies.save_policy(self.db, draft, policy_id=1)

    def save(self, rule: dict[str, Any], rule_id: int | None = None) -> int:
        draft = RuleDraft.model_validate(rule)
        return rulebook.save_rule(self.db, draft, by="ada", now=self.now, rule_id=rule_id)

    def minutes(self, count: int, *, value: float | None) -> None:
        """Let time pass with the signal of chat at `value`; None is a series that is not there.

        Other features are at what `values` says.
        """
        self.value = value
        for _ in range(count):
            self.now += MINUTE
            self.tick()

    def tick(self) -> None:
        """Run every job once, at this instant."""
        self.jobs.beat()
        self.jobs.audit()
        self.jobs.evaluate()
        self.jobs.escalate()
        self.deliver()

    def deliver(self) -> None:
        """Let every lane run dry; people are found before they are told, threads a moment later."""
        for lane in ("people", "slack", "pagerduty"):
            while self.deliver_next(lane):
                pass
        while self.deliver_next("slack_thread", after=THREAD_WAIT + SECOND):
            pass

    def deliver_next(self, lane: str, *, after: timedelta = timedelta()) -> Delivery | None:
        """Make one attempt on a lane."""
        return delivery.deliver_next(
            self.db, self.jobs.usable, LANES[lane], now=self.now + after, by=self.jobs.engine_id
        )

    def claim(self, lane: str) -> Claim:
        """Lease what is due on a lane, as an engine does that is killed before its record."""
        self.jobs.beat()
        claim = delivery._claim(
            self.db, self.jobs.usable, LANES[lane], now=self.now, by=self.jobs.engine_id
        )
        assert claim is not None
        return claim

    def acknowledge(self, by: str) -> actions.Taken:
        return actions.acknowledge(self.db, self.alert.id or 0, by=by, now=self.now)

    @property
    def alert(self) -> Alert:
        """The newest alert."""
        with Session(self.db) as session:
            return session.exec(select(Alert).order_by(Alert.id.desc())).first()  # type: ignore[union-attr, return-value]

    @property
    def group(self) -> Group:
        """The newest group."""
        with Session(self.db) as session:
            return session.exec(select(Group).order_by(Group.id.desc())).first()  # type: ignore[union-attr, return-value]

    @property
    def alerts(self) -> list[str]:
        with Session(self.db) as session:
            return [row.state.value for row in session.exec(select(Alert).order_by(Alert.id))]  # type: ignore[arg-type]

    @property
    def pages(self) -> list[str]:
        return [event["event_action"] for event in self.pagerduty.events]

    @property
    def posts(self) -> list[str]:
        """What each post in Slack says by now, first line."""
        return [post["text"] for post in self.slack.posts.values()]

    def timeline(self) -> Iterator[str]:
        with Session(self.db) as session:
            for change in session.exec(select(Transition).order_by(Transition.id)):  # type: ignore[arg-type]
                yield f"{change.to_state} by {change.actor}"

    def steps(self) -> list[tuple[int, str]]:
        """The steps taken: minutes since the start of the world, and the channels told."""
        start = datetime(2026, 1, 1, tzinfo=UTC)
        with Session(self.db) as session:
            rows = session.exec(select(Escalation).order_by(Escalation.id))  # type: ignore[arg-type]
            return [(int((r.at - start) / MINUTE), " ".join(r.channels)) for r in rows]

    @property
    def groups(self) -> list[Group]:
        with Session(self.db) as session:
            return list(session.exec(select(Group).order_by(Group.id)))  # type: ignore[arg-type]

    @property
    def notifications(self) -> list[Notification]:
        with Session(self.db) as session:
            return list(session.exec(select(Notification)))

    def outbox(self) -> dict[str, Notification]:
        with Session(self.db) as session:
            return {row.channel: row for row in session.exec(select(Notification))}

    def ledger(self, *, threads: bool = False) -> list[str]:
        """The attempts at the policy's channels, or at the threads that follow from them."""
        with Session(self.db) as session:
            rows = session.exec(select(Delivery).order_by(Delivery.id)).all()  # type: ignore[arg-type]
        return [
            f"{row.event} {row.channel} {row.outcome}"
            for row in rows
            if row.channel.startswith("slack-thread:") is threads
        ]

    def _prometheus(self, request: Request) -> Response:
        if self.prometheus_status != 200:
            return Response("down", status=self.prometheus_status)
        by_feature = {"chat": self.value} | self.values
        result = [
            {"metric": {"feature": feature}, "value": [0, str(value)]}
            for feature, value in by_feature.items()
            if value is not None
        ]
        body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return Response(json.dumps(body), content_type="application/json")
