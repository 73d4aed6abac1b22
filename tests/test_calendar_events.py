"""Calendars as vendors write them: who is on call, from when until when."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.calendars import Agenda, CalendarError, apart, events
from tests.made_calendars import calendar, event

BERLIN = ZoneInfo("Europe/Berlin")
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 30, tzinfo=UTC)
ADA = "Ada Lovelace <ada@example.org>"
BEN = "Ben Okri <ben@example.org>"
KNOWN = (ADA, BEN)
ENDLESS = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"


ONCE = ("DTSTART:20260310T080000Z", "DTEND:20260310T160000Z")


def read(text: bytes, known: tuple[str, ...] = KNOWN) -> Agenda:
    return events.read(text, zone=BERLIN, known=known, start=START, end=END)


def spans(text: bytes) -> list[str]:
    """What the calendar says, in Berlin's time: `03-10 09:00 to 03-10 17:00`."""

    def local(instant: str) -> str:
        return datetime.fromisoformat(instant).astimezone(BERLIN).strftime("%m-%d %H:%M")

    return [f"{local(one['start'])} to {local(one['end'])}" for one in read(text).events]


def people(text: bytes, known: tuple[str, ...] = KNOWN) -> list[str]:
    return [one["person"] for one in read(text, known).events]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(ONCE, ["03-10 09:00 to 03-10 17:00"], id="UTC"),
        pytest.param(
            ("DTSTART;TZID=America/New_York:20260309T090000", "DURATION:PT8H"),
            ["03-09 14:00 to 03-09 22:00"],
            id="a zone, and a duration",
        ),
        pytest.param(
            ("DTSTART:20260310T090000", "DTEND:20260310T170000"),
            ["03-10 09:00 to 03-10 17:00"],
            id="no zone: the schedule's",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330"),
            ["03-28 00:00 to 03-30 00:00"],
            id="whole days, one of 23 h",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20260328",), ["03-28 00:00 to 03-29 00:00"], id="a day alone"
        ),
        pytest.param(
            (
                "DTSTART;TZID=Europe/Berlin:20260316T090000",
                "DTEND;TZID=Europe/Berlin:20260323T090000",
                "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3",
                "EXDATE;TZID=Europe/Berlin:20260330T090000",
            ),
            ["03-16 09:00 to 03-23 09:00", "04-13 09:00 to 04-20 09:00"],
            id="recurring over summer time, one left out",
        ),
        pytest.param(
            (*ONCE, "RDATE:20260311T080000Z"),
            ["03-10 09:00 to 03-10 17:00", "03-11 09:00 to 03-11 17:00"],
            id="one more by its date",
        ),
        pytest.param((*ONCE, "STATUS:CANCELLED"), [], id="cancelled"),
        pytest.param(("DTSTART:20260310T080000Z", "DTEND:20260310T080000Z"), [], id="no time"),
        pytest.param(("DTSTART:20250310T080000Z", "DURATION:PT1H"), [], id="long over"),
    ],
)
def test_an_event_is_read_by_the_rules(lines: tuple[str, ...], expected: list[str]) -> None:
    assert spans(calendar(event(*lines))) == expected


def test_a_moved_occurrence_replaces_the_one_it_was() -> None:
    daily = event("DTSTART:20260310T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    moved = event("RECURRENCE-ID:20260311T080000Z", "DTSTART:20260311T100000Z", "DURATION:PT1H")
    assert spans(calendar(daily, moved)) == [
        "03-10 09:00 to 03-10 10:00",
        "03-11 11:00 to 03-11 12:00",
    ]


def test_googles_zone_for_the_whole_calendar_is_kept() -> None:
    daily = event("DTSTART:20260327T080000Z", "DURATION:PT8H", "RRULE:FREQ=DAILY;COUNT=3")
    assert spans(calendar(daily, head="X-WR-TIMEZONE:Europe/Berlin"))[-1].startswith("03-29 09:00")


@pytest.mark.parametrize(
    ("title", "attendee", "expected"),
    [
        pytest.param("On call", "ATTENDEE:mailto:ada@example.org", ADA, id="PagerDuty"),
        pytest.param("On call", "ATTENDEE:MAILTO:ADA@example.org", ADA, id="in capitals"),
        pytest.param(
            "Shift", 'ATTENDEE;CN="Zed Zee":mailto:z@example.org', "Zed Zee <z@example.org>",
            id="a stranger with a name",
        ),
        pytest.param("zed.zee@example.org", "", "Zed Zee <zed.zee@example.org>", id="a title"),
        pytest.param("ben okri (payments)", "", BEN, id="Opsgenie: a name in the title"),
        pytest.param("Ben Okri", "ATTENDEE:mailto:ada@example.org", ADA, id="who attends wins"),
    ],
)  # fmt: skip
def test_the_person_is_found(title: str, attendee: str, expected: str) -> None:
    lines = (*ONCE, attendee) if attendee else ONCE
    assert people(calendar(event(*lines, title=title))) == [expected]


def test_the_longest_name_in_a_title_counts() -> None:
    short = "Ben <b@example.org>"
    assert people(calendar(event(*ONCE, title="On call: Ben Okri")), (short, BEN)) == [BEN]


def test_a_name_that_two_people_share_names_nobody() -> None:
    namesake = "Ada Lovelace <ada@example.com>"
    found = read(calendar(event(*ONCE, title="Ada Lovelace")), (ADA, namesake))
    assert (found.events, found.unknown) == ((), ("Ada Lovelace",))


def test_part_of_a_word_is_not_a_name() -> None:
    assert people(calendar(event(*ONCE, title="Ramadan")), ("Ada <a@example.org>",)) == []


def test_events_that_name_nobody_are_listed() -> None:
    lunches = event("DTSTART:20260310T110000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3",
                    title="Lunch")  # fmt: skip
    found = read(calendar(lunches, event(*ONCE, uid="2"), event(*ONCE, uid="3", title="")))
    assert len(found.events) == 1
    assert found.unknown == ("Lunch (3 times)", "an event without a title")


def test_an_address_of_any_length_is_nobodys() -> None:
    endless = f"ATTENDEE:mailto:{'a' * 5000}@example.org"
    assert people(calendar(event(*ONCE, endless, title="Shift"))) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"<!doctype html><title>Sign in</title>", "a web page instead of a calendar"),
        (b"", "something else instead of a calendar"),
        (b"\x00\xff\xfe", "something else instead of a calendar"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART", "damaged"),
        (calendar(event(*ONCE, "RRULE:FREQ=SECONDLY")), "recurs every minute or more"),
        (calendar(event(*ONCE, "RRULE:FREQ=MINUTELY;INTERVAL=5")), "every minute or more"),
        (calendar(event(*ONCE, "RRULE:FREQ=WEEKLY;INTERVAL=0")), "recurs every minute"),
        (calendar(event(*ONCE, "RRULE:FREQ=BIWEEKLY")), "has a RRULE that cannot be read"),
        (calendar(event("DTSTART:tomorrow")), "has a DTSTART that cannot be read"),
        (calendar(event("DTEND:20260310T160000Z")), "times make no sense"),
        (
            calendar(*(event(*ONCE, f"RRULE:FREQ=DAILY;COUNT={n}", uid=str(n))
                       for n in range(40, 180))),
            "more than 5000 shifts",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_rota_is_refused_in_a_sentence(text: bytes, complaint: str) -> None:
    with pytest.raises(CalendarError, match=complaint):
        read(text)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert len(read(b"\xef\xbb\xbf" + calendar(event(*ONCE))).events) == 1


def aside(text: bytes, patience: timedelta = timedelta(seconds=30)) -> Agenda:
    return apart.read(
        text, zone="Europe/Berlin", known=KNOWN, start=START, end=END, patience=patience
    )


def test_a_calendar_is_taken_apart_in_a_process_of_its_own() -> None:
    text = calendar(event(*ONCE), event(*ONCE, uid="2", title="Lunch"))
    assert aside(text) == read(text)


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda: aside(b"<html>"), "a web page"),
        (
            lambda: aside(
                calendar(*(event("DTSTART:19000101T000000Z", "DURATION:PT1H", f"RRULE:{ENDLESS}",
                                 uid=str(n)) for n in range(100))),
                timedelta(seconds=2),
            ),
            "takes longer",
        ),
    ],
)  # fmt: skip
def test_what_goes_wrong_there_is_told_in_time(ask: Callable[[], Agenda], complaint: str) -> None:
    started = time.monotonic()
    with pytest.raises(CalendarError, match=complaint):
        ask()
    assert time.monotonic() - started < 20
