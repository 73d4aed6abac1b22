"""The engine's jobs, ticking for real."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts.delivery import Channels
from alerts.jobs import Jobs
from alerts.notifiers import LinkState
from models.clock import utc_now
from models.tables import Heartbeat, Link, SourceStatus
from models.vocabulary import DataState
from signals import SignalError
from tests.memory_source import MemorySource
from tests.world import World

JOBS = {
    *(
        "evaluate",
        "escalate",
        "deliver_slack",
        "deliver_slack_thread",
        "deliver_pagerduty",
        "deliver_people",
    ),
    *("test", "beat", "audit", "look", "sweep"),
}


def ticking(db: Engine, **parts: object) -> Jobs:
    given: dict[str, object] = {"ask": lambda questions, at: {}, "usable": Channels()}
    return Jobs(db=db, clock=utc_now, **given | parts)  # type: ignore[arg-type]


def until(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def beats(db: Engine) -> dict[str, str]:
    with Session(db) as session:
        return {beat.job: beat.error for beat in session.exec(select(Heartbeat))}


def test_every_job_beats_once_started(db: Engine) -> None:
    jobs = ticking(db, watched=(MemorySource(),))
    jobs.start()
    try:
        until(lambda: set(beats(db)) >= JOBS)
    finally:
        jobs.stop()
    assert set(beats(db).values()) == {""}


def test_a_job_that_fails_says_so_and_ticks_on(sqlite_db: Engine) -> None:
    def broken(_now: object) -> None:
        raise SignalError("the disk is full")

    jobs = ticking(sqlite_db, sweep=broken)
    jobs.start()
    try:
        until(lambda: "evaluate" in beats(sqlite_db) and "sweep" in beats(sqlite_db))
    finally:
        jobs.stop()
    assert beats(sqlite_db)["sweep"] == "SignalError: the disk is full"
    assert beats(sqlite_db)["evaluate"] == ""


class Ear:
    """Listens to nobody, and says whether it does."""

    name = "slack"

    def __init__(self) -> None:
        self.state = LinkState()
        self.done: list[str] = []

    def start(self) -> None:
        self.state = LinkState(connected=True, since=utc_now())
        self.done.append("started")

    def stop(self) -> None:
        self.done.append("stopped")

    def check(self) -> str:
        return "it listens"


def test_listeners_listen_while_the_jobs_run_and_are_reported(sqlite_db: Engine) -> None:
    ear = Ear()
    jobs = ticking(sqlite_db, listeners=(ear,))
    jobs.start()
    try:
        until(lambda: "report" in beats(sqlite_db))
        with Session(sqlite_db) as session:
            (link,) = session.exec(select(Link)).all()
    finally:
        jobs.stop()
    assert (link.engine_id, link.name, link.connected) == (jobs.engine_id, "slack", True)
    assert ear.done == ["started", "stopped"]
    with Session(sqlite_db) as session:
        assert session.exec(select(Link)).all() == []


def test_what_is_no_more_is_forgotten_at_the_start(sqlite_db: Engine) -> None:
    long_ago = utc_now() - timedelta(days=30)
    with Session(sqlite_db) as session:
        session.add(Heartbeat(job="renamed", at=long_ago, duration_ms=1))
        session.add(SourceStatus(name="gone", checked_at=long_ago, state=DataState.UNREACHABLE))
        session.commit()
    jobs = ticking(sqlite_db)
    jobs.start()
    jobs.stop()
    assert "renamed" not in beats(sqlite_db)
    with Session(sqlite_db) as session:
        assert session.exec(select(SourceStatus)).all() == []


def test_stopping_waits_until_what_is_being_sent_is_recorded(
    httpserver: HTTPServer, sqlite_db: Engine
) -> None:
    world = World(httpserver, sqlite_db)
    world.minutes(2, value=0.2)
    world.now += timedelta(minutes=1)
    world.jobs.evaluate()  # fires: a post is due, and not sent yet
    sending, go_on = threading.Event(), threading.Event()
    slack = world.jobs.usable.notifiers["slack"]

    class Slow:
        def send(self, target: str, message: object) -> object:
            sending.set()
            assert go_on.wait(10)
            return slack.send(target, message)  # type: ignore[arg-type]

    notifiers = dict(world.jobs.usable.notifiers) | {"slack": Slow()}
    jobs = ticking(sqlite_db, usable=Channels(notifiers=notifiers))  # type: ignore[arg-type]
    jobs.start()
    assert sending.wait(10)
    stopping = threading.Thread(target=jobs.stop)
    stopping.start()
    go_on.set()
    stopping.join(timeout=10)
    assert not stopping.is_alive()
    assert "trigger slack:#llm delivered" in world.ledger()


def test_a_step_that_becomes_due_while_stopping_does_not_hang_the_stop(
    httpserver: HTTPServer, sqlite_db: Engine
) -> None:
    world = World(httpserver, sqlite_db)
    world.minutes(2, value=0.2)  # pending: the next evaluation fires
    asked, go_on = threading.Event(), threading.Event()

    def slow(questions: object, at: object) -> object:
        asked.set()
        assert go_on.wait(10)
        return world.jobs.ask(questions, world.now)  # type: ignore[arg-type]

    world.now += timedelta(minutes=1)
    jobs = ticking(sqlite_db, ask=slow, usable=world.jobs.usable)
    jobs.start()
    scheduler = jobs._scheduler
    assert asked.wait(10)
    stopping = threading.Thread(target=jobs.stop, daemon=True)
    stopping.start()
    until(lambda: scheduler is not None and not scheduler.running)
    go_on.set()
    stopping.join(timeout=10)
    assert not stopping.is_alive()
    assert world.alerts == ["firing"]
