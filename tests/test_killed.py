"""The engine as a real process, killed at the worst moments."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select
from werkzeug import Request, Response

from alerts import intake
from models.clock import utc_now
from models.database import read_only
from models.tables import Escalation, Notification
from tests.vendors import API_TOKEN, ROUTING_KEY, SLACK_TOKEN, FakePagerDuty, FakeSlack

RULES = """
version: 1
policies:
  - name: short
    steps:
      - {after: 0s, channels: ["slack:#llm"]}
      - {after: 2s, channels: ["pagerduty:default"]}
rules:
  - name: Errors
    owner: ada
    condition: {kind: threshold, signal: error_ratio, bound: 0.05, window: 5m}
    for: 1s
    interval: 1s
    policy: short
"""
PATIENCE_SECONDS = 40


class Killable:
    """`wakeful engine`, started anew as often as it is killed."""

    def __init__(self, server: HTTPServer, db: Engine, folder: Path) -> None:
        self.slack = FakeSlack(server)
        self.pagerduty = FakePagerDuty(server)
        server.expect_request("/api/v1/query").respond_with_handler(_breach)
        url = server.url_for("").rstrip("/")
        self._env = {
            "PATH": os.environ["PATH"],
            "WAKEFUL_DATABASE_URL": db.url.render_as_string(hide_password=False),
            "WAKEFUL_DATA_DIR": str(folder),
            "WAKEFUL_TRACE_STORE_URL": "none",
            "WAKEFUL_PROMETHEUS_URL": url,
            "WAKEFUL_SLACK_BOT_TOKEN": SLACK_TOKEN,
            "WAKEFUL_SLACK_URL": self.slack.url,
            "WAKEFUL_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
            "WAKEFUL_PAGERDUTY_API_TOKEN": API_TOKEN,
            "WAKEFUL_PAGERDUTY_EVENTS_URL": url,
            "WAKEFUL_PAGERDUTY_API_URL": url,
        }
        self._log = (folder / "engine.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [Path(sys.executable).parent / "wakeful", "engine"]
        self._process = subprocess.Popen(
            command, env=self._env, stdout=self._log, stderr=subprocess.STDOUT
        )

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log.close()

    @property
    def triggers(self) -> list[dict[str, Any]]:
        return [e for e in self.pagerduty.events if e["event_action"] == "trigger"]


@pytest.fixture
def alone(httpserver: HTTPServer, sqlite_db: Engine, tmp_path: Path) -> Iterator[Killable]:
    """On SQLite an engine is alone, so a restart need not wait for the dead one's leases."""
    yield from _killable(httpserver, sqlite_db, tmp_path)


@pytest.fixture
def engine(httpserver: HTTPServer, db: Engine, tmp_path: Path) -> Iterator[Killable]:
    yield from _killable(httpserver, db, tmp_path)


def _killable(httpserver: HTTPServer, db: Engine, tmp_path: Path) -> Iterator[Killable]:
    intake.load(db, RULES, by="ada", now=utc_now())
    killable = Killable(httpserver, db, tmp_path)
    yield killable
    killable.close()


def test_a_page_due_while_the_engine_was_dead_goes_out_once(engine: Killable, db: Engine) -> None:
    engine.start()
    until(lambda: _recorded(db))  # the post is made; the page is due in 2 s
    engine.kill()
    assert engine.triggers == []
    engine.start()
    until(lambda: engine.triggers)
    with Session(db) as session:
        assert len(session.exec(select(Escalation)).all()) == 2
    assert len(engine.slack.posts) == 1
    assert len(engine.triggers) == 1


def test_killed_before_the_vendors_answer_it_pages_again_under_the_same_key(
    alone: Killable, httpserver: HTTPServer
) -> None:
    taken: list[dict[str, Any]] = []

    def take_and_kill(request: Request) -> Response:
        taken.append(json.loads(request.get_data()))
        alone.kill()
        return Response(status=500)

    httpserver.expect_oneshot_request("/v2/enqueue").respond_with_handler(take_and_kill)
    alone.start()
    until(lambda: taken)
    alone.start()
    until(lambda: alone.triggers)
    assert {event["dedup_key"] for event in alone.triggers} == {taken[0]["dedup_key"]}


def _recorded(db: Engine) -> bool:
    with Session(read_only(db)) as session:
        return any(row.sent for row in session.exec(select(Notification)))


def _breach(request: Request) -> Response:
    """Answer half of everything, scraped this very instant."""
    value = request.args["time"] if "timestamp(" in request.args["query"] else "0.5"
    vector = [{"metric": {}, "value": [0, value]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": vector}}
    return Response(json.dumps(body), content_type="application/json")


def until(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
