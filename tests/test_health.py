from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts.notifiers import LinkState
from alerts.running import leave, report
from alerts.selfwatch import SelfWatch, look
from app.http.health import health, health_routes
from models import database
from models.tables import Heartbeat
from signals import Query
from tests.memory_source import MemorySource

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def beat(db: Engine, *, ago: int = 1, error: str = "", job: str = "evaluate") -> None:
    with Session(db) as session:
        at = NOW - timedelta(seconds=ago)
        session.add(Heartbeat(job=job, at=at, duration_ms=3.0, error=error))
        session.commit()


def test_a_ticking_engine_is_ok(db: Engine) -> None:
    beat(db)
    assert health(db, now=NOW, engine=True)["status"] == "ok"


@pytest.mark.parametrize(
    ("ago", "error", "reason"),
    [
        (120, "", "evaluate has not finished for 120 s"),
        (1, "KeyError: 'x'", "evaluate fails: KeyError: 'x'"),
    ],
)
def test_a_stuck_or_failing_job_is_red_with_the_reason(
    sqlite_db: Engine, ago: int, error: str, reason: str
) -> None:
    beat(sqlite_db, ago=ago, error=error)
    answer = health(sqlite_db, now=NOW, engine=True)
    assert (answer["status"], answer["reasons"]) == ("red", [reason])


def test_an_engine_that_never_ticked_is_red(sqlite_db: Engine) -> None:
    assert health(sqlite_db, now=NOW, engine=True)["reasons"] == ["the engine has not ticked yet"]


def test_the_hourly_sweep_may_take_its_time(sqlite_db: Engine) -> None:
    beat(sqlite_db)
    beat(sqlite_db, job="sweep", ago=3000)
    assert health(sqlite_db, now=NOW, engine=True)["status"] == "ok"


def link(db: Engine, engine_id: str = "e1", *, now: datetime = NOW, **state: object) -> None:
    report(db, engine_id, {"slack": LinkState(**state)}, now=now)  # type: ignore[arg-type]


LONG_AGO = NOW - timedelta(minutes=3)
AWAY = {"since": LONG_AGO, "error": "Slack refused it", "error_at": NOW}
SAID = ["buttons in slack do not work, not connected for 3 min: Slack refused it"]


def test_buttons_that_do_not_work_are_a_warning_and_not_red(db: Engine) -> None:
    beat(db)
    link(db, **AWAY)
    answer = health(db, now=NOW, engine=True)
    assert (answer["status"], answer["warnings"]) == ("ok", SAID)
    assert answer["links"][0]["connected_since"] is None
    assert answer["links"][0]["last_error"] == "Slack refused it"


def test_one_engine_that_hears_is_enough(sqlite_db: Engine) -> None:
    link(sqlite_db, **AWAY)
    link(sqlite_db, "e2", connected=True, since=LONG_AGO)
    answer = health(sqlite_db, now=NOW, engine=True)
    assert answer["warnings"] == []
    assert [one["connected_since"] for one in answer["links"]] == [None, LONG_AGO.isoformat()]


def test_a_connection_that_is_being_renewed_is_no_warning(sqlite_db: Engine) -> None:
    link(sqlite_db, since=NOW - timedelta(seconds=59), error="Slack closed the connection")
    assert health(sqlite_db, now=NOW, engine=True)["warnings"] == []


def test_what_an_engine_that_is_gone_said_of_its_connection_does_not_count(
    sqlite_db: Engine,
) -> None:
    link(sqlite_db, connected=True, since=LONG_AGO, now=NOW - timedelta(minutes=1))
    link(sqlite_db, "e2", **AWAY)
    assert health(sqlite_db, now=NOW, engine=True)["warnings"] == SAID


def test_an_engine_that_stops_takes_its_connections_along(sqlite_db: Engine) -> None:
    link(sqlite_db, **AWAY)
    leave(sqlite_db, "e1")
    assert health(sqlite_db, now=NOW, engine=True)["links"] == []


def test_a_database_that_does_not_answer_is_red() -> None:
    gone = database.connect("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "the database does not answer" in health(gone, now=NOW, engine=True)["reasons"][0]
    gone.dispose()


def test_the_doors_answer_by_http(sqlite_db: Engine) -> None:
    routes = health_routes(sqlite_db, lambda: NOW, engine=True)
    client = TestClient(Starlette(routes=routes))
    assert client.get("/healthz").status_code == 503
    beat(sqlite_db)
    assert client.get("/healthz").status_code == 200
    metrics = client.get("/metrics").text
    assert "wakeful_outbox_oldest_seconds 0.0" in metrics
    assert 'wakeful_job_last_tick_timestamp_seconds{job="evaluate"}' in metrics


def test_a_silent_source_grows_older_and_an_answer_makes_it_young(db: Engine) -> None:
    source = MemorySource()
    look(db, source, now=NOW)
    source.down = "it is down"
    look(db, source, now=NOW + timedelta(seconds=90))
    query = Query(signal="source_silence", window=timedelta(minutes=1), by=("source",))
    [sample] = SelfWatch(db=db).read(query, at=NOW + timedelta(seconds=90)).samples
    assert sample.value == 90
    source.down = ""
    look(db, source, now=NOW + timedelta(seconds=100))
    [sample] = SelfWatch(db=db).read(query, at=NOW + timedelta(seconds=101)).samples
    assert sample.value == 0


def test_a_source_that_nobody_asked_is_not_silent(sqlite_db: Engine) -> None:
    look(sqlite_db, MemorySource(), now=NOW)
    an_hour_of_downtime = NOW + timedelta(hours=1)
    query = Query(signal="source_silence", window=timedelta(minutes=1), by=("source",))
    [sample] = SelfWatch(db=sqlite_db).read(query, at=an_hour_of_downtime).samples
    assert sample.value == 0
