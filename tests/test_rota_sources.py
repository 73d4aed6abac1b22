"""Schedules that are kept elsewhere: read when due, and kept while nobody answers."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import rota, rota_changes
from alerts.calendars import Agenda, CalendarError, event, events
from alerts.notifiers import NotifyError, Person, people
from alerts.notifiers.pagerduty_rest import PagerDutySchedules
from alerts.oncall import ScheduledPeople
from alerts.rota import RotaError
from alerts.rota_sources import INTERVAL, RENEWED, Sources, read_next
from models.tables import OnCallCalendar
from models.vocabulary import RotaSource
from tests.made_calendars import calendar
from tests.made_calendars import event as written
from tests.made_rotas import ADA, BEN, CLEO, DAY, NOW, draft, name_at, override, saved, told
from tests.vendors import API_TOKEN, FakePagerDuty

URL = "https://cal.example.org/secret.ics"
ICAL = {"source": "ical", "address": URL, "layers": []}
PAGERDUTY = {"source": "pagerduty", "address": "SCHED1", "layers": []}


class Elsewhere:
    """Someone else's calendar, which may be down; it counts how often it is taken apart."""

    def __init__(self) -> None:
        self.text = week("ada@example.org")
        self.down = ""
        self.taken_apart = 0
        self.meanwhile = lambda: None

    def sources(self, pagerduty: PagerDutySchedules | None = None) -> Sources:
        return Sources(fetch=self._fetch, read=self._read, pagerduty=pagerduty)

    def _fetch(self, url: str) -> bytes:
        assert url == URL
        self.meanwhile()
        if self.down:
            raise CalendarError(self.down)
        return self.text

    def _read(
        self, text: bytes, *, zone: str, known: list[str], start: datetime, end: datetime
    ) -> Agenda:
        self.taken_apart += 1
        return events.read(text, zone=ZoneInfo(zone), known=known, start=start, end=end)


def week(title: str) -> bytes:
    return calendar(written("DTSTART:20260601T000000Z", "DTEND:20260608T000000Z", title=title))


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


def kept(db: Engine) -> OnCallCalendar:
    with Session(db) as session:
        row = rota.by_name(session, "payments")
        assert row is not None
        return session.get_one(OnCallCalendar, row.id)


def test_a_calendar_is_read_when_it_is_due(db: Engine, elsewhere: Elsewhere) -> None:
    saved(db, **ICAL)
    assert read_next(db, elsewhere.sources(), now=NOW)
    assert name_at(db, NOW) == "Ada"
    assert not read_next(db, elsewhere.sources(), now=NOW + INTERVAL / 2)
    assert read_next(db, elsewhere.sources(), now=NOW + INTERVAL)


def test_an_outage_keeps_the_last_known_rota_and_says_so(db: Engine, elsewhere: Elsewhere) -> None:
    saved(db, **ICAL)
    read_next(db, elsewhere.sources(), now=NOW)
    elsewhere.down = "cal.example.org answered HTTP 503"
    read_next(db, elsewhere.sources(), now=NOW + INTERVAL)
    assert name_at(db, NOW + DAY) == "Ada"
    row = kept(db)
    assert (row.read_at, row.tried_at) == (NOW, NOW + INTERVAL)
    assert row.error == "cal.example.org answered HTTP 503"


def test_after_an_outage_nothing_is_said_of_it(sqlite_db: Engine, elsewhere: Elsewhere) -> None:
    saved(sqlite_db, **ICAL)
    elsewhere.down = "gone"
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    elsewhere.down = ""
    read_next(sqlite_db, elsewhere.sources(), now=NOW + INTERVAL)
    assert kept(sqlite_db).error == ""


def test_a_calendar_that_is_none_keeps_the_last_known_rota(
    sqlite_db: Engine, elsewhere: Elsewhere
) -> None:
    saved(sqlite_db, **ICAL)
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    elsewhere.text = b"<html>Please sign in</html>"
    read_next(sqlite_db, elsewhere.sources(), now=NOW + INTERVAL)
    assert name_at(sqlite_db, NOW) == "Ada"
    assert "a web page instead of a calendar" in kept(sqlite_db).error


def test_a_calendar_never_read_says_why(sqlite_db: Engine, elsewhere: Elsewhere) -> None:
    saved(sqlite_db, **ICAL)
    elsewhere.down = "cal.example.org answered HTTP 404"
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    with pytest.raises(RotaError, match=r"not been read yet: cal\.example\.org answered HTTP 404"):
        name_at(sqlite_db, NOW)


def test_the_same_calendar_is_taken_apart_once_a_day(
    sqlite_db: Engine, elsewhere: Elsewhere
) -> None:
    saved(sqlite_db, **ICAL)
    for now in (NOW, NOW + INTERVAL, NOW + 2 * INTERVAL, NOW + RENEWED):
        read_next(sqlite_db, elsewhere.sources(), now=now)
    assert elsewhere.taken_apart == 2
    assert kept(sqlite_db).changed_at == NOW


def test_a_person_who_becomes_known_is_recognised(sqlite_db: Engine, elsewhere: Elsewhere) -> None:
    elsewhere.text = week("Cleo Laine")
    schedule_id = saved(sqlite_db, **ICAL)
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    assert kept(sqlite_db).unknown == ["Cleo Laine"]
    known = draft(**ICAL, people=[CLEO])
    rota_changes.save_schedule(sqlite_db, known, by="g", now=NOW, schedule_id=schedule_id)
    read_next(sqlite_db, elsewhere.sources(), now=NOW + INTERVAL)
    assert name_at(sqlite_db, NOW) == "Cleo Laine"


def test_an_override_goes_above_a_calendar(sqlite_db: Engine, elsewhere: Elsewhere) -> None:
    schedule_id = saved(sqlite_db, **ICAL)
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    override(sqlite_db, schedule_id, BEN, "2026-06-02 09:00", "2026-06-02 17:00")
    assert told(sqlite_db, NOW, NOW + 10 * DAY) == "Ada Ben Ada -"


def test_what_the_old_address_said_is_not_kept_for_the_new(
    sqlite_db: Engine, elsewhere: Elsewhere
) -> None:
    schedule_id = saved(sqlite_db, **ICAL)
    moved = draft(**ICAL | {"address": "https://other.example.org/x.ics"})

    def move() -> None:
        later = NOW + timedelta(seconds=1)
        rota_changes.save_schedule(sqlite_db, moved, by="g", now=later, schedule_id=schedule_id)

    elsewhere.meanwhile = move
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    assert kept(sqlite_db).read_at is None


def test_two_engines_read_a_calendar_once(db: Engine, elsewhere: Elsewhere) -> None:
    saved(db, **ICAL)
    asked = []
    elsewhere.meanwhile = lambda: asked.append(read_next(db, Elsewhere().sources(), now=NOW))
    read_next(db, elsewhere.sources(), now=NOW)
    assert asked == [False]


@pytest.fixture
def pagerduty(httpserver: HTTPServer) -> FakePagerDuty:
    return FakePagerDuty(httpserver)


def asking(account: FakePagerDuty, token: str = API_TOKEN) -> PagerDutySchedules:
    return PagerDutySchedules(token, url=account.url, timeout_seconds=2)


TURNS = (("2026-05-31T22:00:00Z", "2026-06-07T22:00:00Z"), ("2026-06-07T22:00:00Z", None))


def two_turns(account: FakePagerDuty) -> None:
    for policy in ("E1", "E2"):  # PagerDuty lists a turn for every policy that uses the schedule
        account.on_call("Ada Lovelace", "ada@example.org", schedule="SCHED1", policy=policy,
                        turn=TURNS[0])  # fmt: skip
        account.on_call("Ben Okri", "ben@example.org", schedule="SCHED1", policy=policy,
                        turn=TURNS[1])  # fmt: skip
    account.on_call("Zed", "zed@example.org", schedule="SCHED2")


def test_a_schedule_in_pagerduty_is_read_for_the_calendar(
    sqlite_db: Engine, elsewhere: Elsewhere, pagerduty: FakePagerDuty
) -> None:
    saved(sqlite_db, **PAGERDUTY)
    two_turns(pagerduty)
    read_next(sqlite_db, elsewhere.sources(asking(pagerduty)), now=NOW)
    assert told(sqlite_db, NOW, NOW + 20 * DAY) == "Ada Ben"
    ada = people.write(Person(name="Ada Lovelace", email="ada@example.org"))
    first = datetime.fromisoformat(TURNS[0][0]), datetime.fromisoformat(TURNS[0][1] or "")
    assert kept(sqlite_db).bookings[0] == dict(event(ada, *first))


def test_overrides_of_before_do_not_count_over_pagerdutys(
    sqlite_db: Engine, elsewhere: Elsewhere, pagerduty: FakePagerDuty
) -> None:
    schedule_id = saved(sqlite_db)
    override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")
    moved = draft(**PAGERDUTY)
    rota_changes.save_schedule(sqlite_db, moved, by="g", now=NOW, schedule_id=schedule_id)
    two_turns(pagerduty)
    read_next(sqlite_db, elsewhere.sources(asking(pagerduty)), now=NOW)
    assert told(sqlite_db, NOW, NOW + 20 * DAY) == "Ada Ben"


def test_a_schedule_in_pagerduty_needs_a_token(sqlite_db: Engine, elsewhere: Elsewhere) -> None:
    saved(sqlite_db, **PAGERDUTY)
    read_next(sqlite_db, elsewhere.sources(), now=NOW)
    assert "set WAKEFUL_PAGERDUTY_API_TOKEN" in kept(sqlite_db).error


def emails(found: list[Person]) -> list[str]:
    return [person.email for person in found]


def test_who_is_paged_is_asked_of_pagerduty_there_and_then(
    sqlite_db: Engine, pagerduty: FakePagerDuty
) -> None:
    saved(sqlite_db, **PAGERDUTY)
    directory = ScheduledPeople(sqlite_db, asking(pagerduty))
    two_turns(pagerduty)
    assert emails(directory.find("payments", at=NOW)) == ["ada@example.org"]
    assert emails(directory.find("payments", at=NOW + 9 * DAY)) == ["ben@example.org"]


def test_while_pagerduty_is_down_the_last_known_rota_answers(
    sqlite_db: Engine, elsewhere: Elsewhere, pagerduty: FakePagerDuty
) -> None:
    saved(sqlite_db, **PAGERDUTY)
    two_turns(pagerduty)
    read_next(sqlite_db, elsewhere.sources(asking(pagerduty)), now=NOW)
    directory = ScheduledPeople(sqlite_db, asking(pagerduty, token="revoked"))
    assert emails(directory.find("payments", at=NOW + DAY)) == ["ada@example.org"]
    with pytest.raises(NotifyError, match="PagerDuty refused"):
        directory.find("payments", at=NOW + 90 * DAY)


def test_a_schedule_of_our_own_is_asked_nowhere(sqlite_db: Engine) -> None:
    saved(sqlite_db)
    found = ScheduledPeople(sqlite_db).find("payments", at=NOW)
    assert found == [people.read(BEN)]
    assert ScheduledPeople(sqlite_db).find("payments", at=NOW - 900 * DAY) == []


@pytest.mark.parametrize(
    ("source", "complaint", "permanent"),
    [
        (RotaSource.OWN, "no schedule named 'search': correct the policy", True),
        (RotaSource.ICAL, "has not been read yet", False),
    ],
)
def test_a_schedule_that_cannot_say_is_told_apart_from_a_gap(
    sqlite_db: Engine, source: RotaSource, complaint: str, permanent: bool
) -> None:
    if source is RotaSource.ICAL:
        saved(sqlite_db, **ICAL, name="search")
    with pytest.raises(NotifyError, match=complaint) as raised:
        ScheduledPeople(sqlite_db).find("search", at=NOW)
    assert raised.value.permanent is permanent


def test_a_database_that_is_down_is_worth_another_attempt(sqlite_db: Engine) -> None:
    with sqlite_db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE oncallcalendar")
        connection.exec_driver_sql("DROP TABLE oncalloverride")
        connection.exec_driver_sql("DROP TABLE oncallschedule")
    with pytest.raises(NotifyError, match="does not answer") as raised:
        ScheduledPeople(sqlite_db).find("payments", at=NOW)
    assert not raised.value.permanent


def test_a_person_is_written_as_they_are_read() -> None:
    assert people.write(people.read(ADA)) == ADA
