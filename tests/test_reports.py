"""Weekly reports: due by a column, written once, sent at most once, by engines that come and go."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import report_delivery, reports, running
from alerts.notifiers import Bulletin
from alerts.reports import Addressed, ReportError, Schedule, Writer
from models.tables import Report, ReportMessage
from models.vocabulary import Outcome, ReportKind
from signals import UnreachableError
from tests.vendors import ADA
from tests.world import World

SPEND = ReportKind.SPEND
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 08:00 is when it is due
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    return at_work(World(httpserver, sqlite_db))


@pytest.fixture
def either(httpserver: HTTPServer, db: Engine) -> World:
    """A world on SQLite, and one on PostgreSQL."""
    return at_work(World(httpserver, db))


def at_work(world: World) -> World:
    world.now = MONDAY - HOUR
    return world


def schedule(**changes: Any) -> Schedule:
    return Schedule(**{"channel": "slack:#llm", **changes})


def keep(world: World, *, on: bool = True, **changes: Any) -> Report:
    return reports.keep(world.db, SPEND, schedule(**changes), on=on, by="ana", now=world.now)


def saying(*channels: str) -> Writer:
    """Return what writes one line to each channel: the day that the report is of."""

    def write(_schedule: Schedule, at: datetime) -> Sequence[Addressed]:
        said = Bulletin(title="Spend", lines=(f"{at:%b %-d}",), url="http://127.0.0.1:8501")
        return [Addressed(channel=channel, bulletin=said) for channel in channels]

    return write


def refusing(_schedule: Schedule, _at: datetime) -> Sequence[Addressed]:
    raise UnreachableError("the trace store is closed")


def engine_runs(world: World, *channels: str, by: str = "engine") -> None:
    writers = {SPEND: saying(*channels or ("slack:#llm",))}
    running.beat(world.db, by, now=world.now)
    reports.write_due(world.db, writers, now=world.now)
    while report_delivery.deliver_next(world.db, world.jobs.usable, now=world.now, by=by):
        pass


def ledger(world: World) -> list[str]:
    with Session(world.db) as session:
        rows = reports.messages(session)
    return [f"{one.lines[0]} {one.channel} {one.outcome} {one.attempts}" for one in rows]


# When


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T07:59+00:00", "2026-03-02T08:00+00:00"),
        ("2026-03-02T08:00+00:00", "2026-03-09T08:00+00:00"),
        ("2026-03-04T00:00+00:00", "2026-03-09T08:00+00:00"),
    ],
)
def test_it_is_due_once_a_week(now: str, due: str) -> None:
    assert schedule().after(datetime.fromisoformat(now)) == datetime.fromisoformat(due)


def test_the_hour_stays_when_clocks_change() -> None:
    berlin = schedule(zone="Europe/Berlin")
    before = berlin.after(datetime(2026, 3, 20, tzinfo=UTC))
    after = berlin.after(before)
    assert (before.hour, after.hour) == (7, 6)


def test_nothing_goes_out_before_its_time(world: World) -> None:
    keep(world)
    engine_runs(world)
    assert ledger(world) == []


def test_it_goes_out_once_when_it_is_due(either: World) -> None:
    keep(either)
    either.now = MONDAY
    engine_runs(either)
    either.now += MINUTE
    engine_runs(either)
    assert ledger(either) == ["Mar 2 slack:#llm delivered 1"]
    assert either.posts == ["Spend"]


def test_it_goes_out_again_the_week_after(world: World) -> None:
    keep(world)
    for week in range(2):
        world.now = MONDAY + week * WEEK
        engine_runs(world)
    assert ledger(world) == ["Mar 9 slack:#llm delivered 1", "Mar 2 slack:#llm delivered 1"]


def test_of_weeks_without_an_engine_the_last_is_sent(world: World) -> None:
    keep(world)
    world.now = MONDAY + 3 * WEEK + HOUR
    engine_runs(world)
    assert ledger(world) == ["Mar 23 slack:#llm delivered 1"]


def test_switched_off_it_does_not_go_out(world: World) -> None:
    keep(world)
    keep(world, on=False)
    world.now = MONDAY
    engine_runs(world)
    assert ledger(world) == []


def test_asked_for_it_goes_out_at_once_and_then_as_ever(world: World) -> None:
    keep(world)
    reports.ask_now(world.db, SPEND, by="ana", now=world.now)
    engine_runs(world)
    with Session(world.db) as session:
        assert session.get_one(Report, SPEND).due_at == MONDAY
    assert len(ledger(world)) == 1


def test_switched_off_it_cannot_be_asked_for(world: World) -> None:
    keep(world, on=False)
    with pytest.raises(ReportError, match="Switch the report on first"):
        reports.ask_now(world.db, SPEND, by="ana", now=world.now)


def test_what_cannot_be_written_stays_due_and_says_why(world: World) -> None:
    keep(world)
    world.now = MONDAY
    reports.write_due(world.db, {SPEND: refusing}, now=world.now)
    with Session(world.db) as session:
        held = session.get_one(Report, SPEND)
    assert (held.due_at, held.error) == (MONDAY, "the trace store is closed")
    engine_runs(world)
    assert ledger(world) == ["Mar 2 slack:#llm delivered 1"]


def test_a_report_written_by_another_engine_meanwhile_is_not_written_twice(either: World) -> None:
    keep(either)
    either.now = MONDAY

    def late(_schedule: Schedule, at: datetime) -> Sequence[Addressed]:
        engine_runs(either, by="other")
        return saying("slack:#llm")(_schedule, at)

    reports.write_due(either.db, {SPEND: late}, now=either.now)
    engine_runs(either)
    assert either.posts == ["Spend"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channel": "pagerduty:default"}, "goes to Slack"),
        ({"channel": "finance"}, "is not a channel"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"hour": 24}, "one of 24 hours"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(
    world: World, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReportError, match=said):
        keep(world, **changes)


# Sending


def test_a_person_is_told_directly(world: World) -> None:
    keep(world)
    world.now = MONDAY
    engine_runs(world, f"slack-dm:{ADA}")
    assert ledger(world) == [f"Mar 2 slack-dm:{ADA} delivered 1"]
    assert next(iter(world.slack.posts)).startswith("DU1/")


def test_what_slack_refuses_is_in_the_ledger(world: World) -> None:
    keep(world)
    world.now = MONDAY
    engine_runs(world, "slack:#nowhere")
    assert ledger(world) == ["Mar 2 slack:#nowhere refused 1"]


def test_what_did_not_arrive_is_tried_again(world: World) -> None:
    keep(world)
    world.now = MONDAY
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "ratelimited"}
    engine_runs(world)
    assert ledger(world) == ["Mar 2 slack:#llm retrying 1"]
    world.slack.errors.clear()
    world.now += 2 * MINUTE
    engine_runs(world)
    assert ledger(world) == ["Mar 2 slack:#llm delivered 2"]


def test_what_may_have_arrived_is_not_sent_again(world: World) -> None:
    keep(world)
    world.now = MONDAY
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "internal_error"}
    engine_runs(world)
    world.slack.errors.clear()
    world.now += HOUR
    engine_runs(world)
    assert ledger(world) == ["Mar 2 slack:#llm gave up 1"]
    assert world.posts == []


def test_an_engine_killed_while_it_sent_leaves_no_second_post(either: World) -> None:
    keep(either)
    either.now = MONDAY
    reports.write_due(either.db, {SPEND: saying("slack:#llm")}, now=either.now)
    with Session(either.db) as session:
        row = reports.messages(session)[0]
        row.leased_by, row.leased_until = "killed", either.now + MINUTE
        row.attempts, row.in_doubt = 1, True
        session.add(row)
        session.commit()
    either.now += MINUTE
    engine_runs(either)
    with Session(either.db) as session:
        found: ReportMessage = reports.messages(session)[0]
    assert (found.outcome, found.due_at) == (Outcome.GAVE_UP, None)
    assert "may have arrived" in found.answer
    assert either.posts == []


def test_without_slack_the_ledger_says_what_is_missing(world: World) -> None:
    keep(world)
    world.now = MONDAY
    bare = type(world.jobs.usable)()
    reports.write_due(world.db, {SPEND: saying("slack:#llm")}, now=world.now)
    told = report_delivery.deliver_next(world.db, bare, now=world.now, by="engine")
    assert told is not None
    assert told.answer == "slack is not configured: see the settings table"


def test_the_engine_does_so_by_itself(world: World) -> None:
    keep(world)
    world.now = MONDAY
    world.jobs.writers = {SPEND: saying("slack:#llm")}
    world.jobs.report_weekly()
    world.jobs.report_weekly()
    assert ledger(world) == ["Mar 2 slack:#llm delivered 1"]


def test_a_long_report_fits_into_slack_and_smuggles_nothing(world: World) -> None:
    said = Bulletin(
        title="<!channel> " + "t" * 300,
        lines=tuple("<https://evil.example|x> & " * 60 for _ in range(12)),
        url="http://127.0.0.1:8501/reports",
    )
    keep(world)
    world.now = MONDAY
    told = [Addressed(channel="slack:#llm", bulletin=said)]
    reports.write_due(world.db, {SPEND: lambda _schedule, _at: told}, now=world.now)
    report_delivery.deliver_next(world.db, world.jobs.usable, now=world.now, by="engine")
    (posted,) = world.slack.posts.values()
    assert all(len(block["text"]["text"]) <= 3000 for block in posted["blocks"])
    assert "<!channel>" not in str(posted)
    assert "<https://evil" not in str(posted)
