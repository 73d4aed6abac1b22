"""From the settings to what hears of PagerDuty: by webhook, or by asking."""

import hashlib
import hmac
import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts.delivery import Channels
from alerts.jobs import Jobs
from alerts.settings import Settings
from alerts.wiring import Role, Wiring, wire
from app.asgi import doors
from models.clock import utc_now
from models.tables import Poll

KEY = "0123456789abcdefSECRET0123456789"
SECRET = "a-webhook-secret"


def wired(folder: Path, **settings: str) -> Wiring:
    given = {"trace_store_url": "none", "pagerduty_routing_key": KEY, "pagerduty_api_token": "t"}
    return wire(Settings(data_dir=str(folder), **given | settings), Role.TOOL)


@pytest.mark.parametrize(
    ("settings", "asks"),
    [
        ({}, True),
        ({"pagerduty_webhook_secret": SECRET}, False),
        ({"pagerduty_api_token": ""}, False),
        ({"pagerduty_routing_key": ""}, False),
    ],
)
def test_pagerduty_is_asked_where_no_webhook_tells(
    tmp_path: Path, settings: dict[str, str], asks: bool
) -> None:
    wiring = wired(tmp_path, **settings)

    assert (wiring.jobs().poll is not None) is asks

    wiring.close()


def test_a_signed_webhook_reaches_what_follows_it(tmp_path: Path) -> None:
    wiring = wired(tmp_path, pagerduty_webhook_secret=f"an-old-one,{SECRET}")
    event = {
        "id": "01E",
        "event_type": "incident.acknowledged",
        "occurred_at": "2026-01-01T12:00:00Z",
        "agent": None,
        "data": {"id": "Q1", "incident_key": "somebody-elses"},
    }
    body = json.dumps({"event": event}).encode()
    signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()

    with TestClient(Starlette(routes=doors(wiring, engine=False))) as client:
        answer = client.post(
            "/pagerduty/webhooks", content=body, headers={"X-PagerDuty-Signature": f"v1={signed}"}
        )

    assert (answer.status_code, answer.text) == (
        202,
        "not followed: it is about no alert of ours\n",
    )
    wiring.close()


def test_the_engine_asks_by_itself(sqlite_db: Engine) -> None:
    asked = threading.Event()
    jobs = Jobs(
        db=sqlite_db,
        clock=utc_now,
        ask=lambda questions, at: {},
        usable=Channels(),
        poll=lambda _now: asked.set(),
    )

    jobs.start()
    try:
        assert asked.wait(timeout=20)
    finally:
        jobs.stop()


def test_trouble_of_asking_is_forgotten_once_nobody_asks(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        session.add(Poll(name="pagerduty", next_at=utc_now(), error="it limits us"))
        session.commit()
    jobs = Jobs(db=sqlite_db, clock=utc_now, ask=lambda questions, at: {}, usable=Channels())

    jobs.start()
    jobs.stop()

    with Session(sqlite_db) as session:
        assert session.get(Poll, "pagerduty") is None
