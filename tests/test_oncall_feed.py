"""A schedule as a calendar that others subscribe to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts import rota, rota_changes
from alerts.calendars import events
from alerts.schedule import shifts
from alerts.settings import Settings
from app.gate import Gate, Visitors
from app.http.oncall import address, oncall_routes
from models.tables import OnCallSchedule
from tests.made_rotas import ADA, CLEO, DAY, NOW, draft, layer, override, saved

LONG = "Zahlungen & Rückbuchungen, \\ Tag/Nacht; 100% 支払い"


class Door:
    """The door, and a clock that tests push."""

    def __init__(self, db: Engine) -> None:
        self.db, self.now = db, NOW
        app = Starlette(routes=oncall_routes(db, lambda: self.now))
        strangers = Visitors(Settings(host="0.0.0.0", access_token="secret"))
        self.http = TestClient(Gate(app, strangers), follow_redirects=False)

    def row(self, name: str = "payments") -> OnCallSchedule:
        with Session(self.db) as session:
            found = rota.by_name(session, name)
            assert found is not None
            return found

    def get(self, name: str = "payments", **headers: str) -> bytes:
        answer = self.http.get(address("", self.row(name)), headers=headers)
        assert answer.status_code == 200
        return answer.content

    def events(self, name: str = "payments") -> list[icalendar.Event]:
        return list(icalendar.Calendar.from_ical(self.get(name)).walk("VEVENT"))


@pytest.fixture
def door(sqlite_db: Engine) -> Door:
    return Door(sqlite_db)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("wakeful_calendar_requests_total", {"outcome": outcome}) or 0


def test_strangers_with_the_address_get_the_calendar(door: Door) -> None:
    saved(door.db)
    answer = door.http.get(address("", door.row()))
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")


def test_it_holds_the_past_month_and_the_next_three(door: Door) -> None:
    saved(door.db)
    found = door.events()
    assert found[0].start <= NOW - 30 * DAY < found[0].end
    assert found[-1].start < NOW + 90 * DAY < found[-1].end + DAY
    assert {str(event["SUMMARY"]) for event in found} == {
        "Ada Lovelace on call: payments",
        "Ben Okri on call: payments",
    }


def test_no_shift_is_cut_off_at_the_bounds(door: Door) -> None:
    saved(door.db)
    berlin = ZoneInfo("Europe/Berlin")
    begins = {event.start.astimezone(berlin).strftime("%a %H:%M") for event in door.events()}
    assert begins == {"Mon 09:00"}


def test_lines_are_folded_by_octets_and_text_is_escaped(door: Door) -> None:
    saved(door.db, name=LONG, layers=[layer(people=['Ada "; Lovelace, Ärztin <a@example.org>'])])
    body = door.get(LONG)
    assert max(map(len, body.split(b"\r\n"))) <= 75
    assert str(door.events(LONG)[0]["SUMMARY"]).endswith(f"on call: {LONG}")
    unfolded = body.decode().replace("\r\n ", "")
    assert "Rückbuchungen\\, \\\\ Tag/Nacht\\; 100%" in unfolded


def test_the_same_day_gives_the_same_bytes(door: Door) -> None:
    saved(door.db)
    first = door.get()
    door.now += timedelta(hours=5)
    assert door.get() == first


def test_a_shift_that_changes_hands_keeps_its_uid(door: Door) -> None:
    schedule_id = saved(door.db)
    before = {str(event["UID"]): str(event["SUMMARY"]) for event in door.events()}
    override(door.db, schedule_id, CLEO, "2026-06-08 09:00", "2026-06-15 09:00")
    after = {str(event["UID"]): str(event["SUMMARY"]) for event in door.events()}
    changed = {uid for uid in before if before[uid] != after[uid]}
    assert before.keys() == after.keys()
    assert [after[uid] for uid in changed] == ["Cleo Laine on call: payments"]


def test_a_change_is_stamped(door: Door) -> None:
    schedule_id = saved(door.db)
    later = NOW + timedelta(hours=3)
    rota_changes.save_schedule(door.db, draft(), by="g", now=later, schedule_id=schedule_id)
    assert {event["DTSTAMP"].dt for event in door.events()} == {later}


def test_an_override_says_by_whom_and_why(door: Door) -> None:
    override(door.db, saved(door.db), CLEO, "2026-06-08 09:00", "2026-06-15 09:00")
    notes = [str(event["DESCRIPTION"]) for event in door.events() if "DESCRIPTION" in event]
    assert notes == ["Override by grace: x"]


def test_what_is_unchanged_is_not_sent_again(door: Door) -> None:
    saved(door.db)
    where = address("", door.row())
    etag = door.http.get(where).headers["etag"]
    again = door.http.get(where, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda row: "/oncall/payments.ics",
        lambda row: "/oncall/payments.ics?token=",
        lambda row: f"/oncall/payments.ics?token={row.feed_token[:-1]}",
        lambda row: f"/oncall/search.ics?token={row.feed_token}",
        lambda row: "/oncall/search.ics?token=no+such+schedule",
        lambda row: "/oncall/payments.ics?token=%F0%9F%A4%96",
    ],
)
def test_a_wrong_address_is_not_found_and_counted(
    door: Door, wrong: Callable[[OnCallSchedule], str]
) -> None:
    saved(door.db)
    before = counted("refused")
    assert door.http.get(wrong(door.row())).status_code == 404
    assert counted("refused") == before + 1


def test_a_new_address_ends_the_old_one(door: Door) -> None:
    schedule_id = saved(door.db)
    old = address("", door.row())
    rota_changes.new_feed_token(door.db, schedule_id, by="grace")
    assert door.http.get(old).status_code == 404
    assert door.get()


def test_nothing_else_is_open_to_strangers(door: Door) -> None:
    assert door.http.get("/oncall/_stcore/health").status_code == 303
    assert door.http.get("/oncall").status_code == 303


def test_a_database_that_is_down_asks_to_come_again(door: Door) -> None:
    saved(door.db)
    where = address("", door.row())
    with door.db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE oncallcalendar")
    assert door.http.get(where).status_code == 503


def test_what_is_given_out_reads_back_the_same(door: Door) -> None:
    schedule_id = saved(door.db)
    override(door.db, schedule_id, CLEO, "2026-06-09 12:00", "2026-06-10 12:00")
    start, end = NOW, NOW + 60 * DAY
    zone = ZoneInfo("UTC")
    read = events.read(door.get(), zone=zone, known=[ADA], start=start, end=end)
    with Session(door.db) as session:
        plan = rota.load(session, door.row(), at=NOW).schedule
    planned = [(one.person, one.end) for one in shifts(plan, start, end)]  # type: ignore[union-attr]
    told = [(one["person"], datetime.fromisoformat(one["end"])) for one in read.events]
    assert told[:-1] == planned[:-1]
    assert told[-1][0] == planned[-1][0]
