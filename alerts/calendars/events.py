"""Taking a calendar apart: who is on call, from when until when.

Recurrence (RRULE, RDATE, EXDATE, moved and cancelled occurrences), time zones and durations are
the libraries'. Times without zone, and whole days, are by the clocks of the schedule's zone. The
person is who attends (ATTENDEE), else an e-mail address in the title, else a name in it that
exactly one person we know goes by.

Run as a module, it takes apart what comes in and writes what it found: see `apart`.
"""

import json
import re
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from alerts.calendars import Agenda, CalendarError, Event, event
from alerts.notifiers import people
from models.wallclock import instant

MOST_EVENTS = 5000
MOST_UNKNOWN = 20
LONGEST_ADDRESS = 254  # RFC 5321, and what is kept of a name
LONGEST_NAME = 80
CPU_SECONDS = 10
MEMORY_BYTES = 1 << 30
# A shift does not recur within the hour, and there is no end to counting what does.
TOO_OFTEN = ("SECONDLY", "MINUTELY")
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def read(
    text: bytes, *, zone: tzinfo, known: Sequence[str], start: datetime, end: datetime
) -> Agenda:
    """Return the events of a calendar that touch the time from `start` to `end`.

    Args:
        text: The calendar.
        zone: Whose clocks count where an event names no zone.
        known: Mailboxes of people whom a title may name.
        start: Aware.
        end: Aware.

    Raises:
        CalendarError: It is no calendar, or says more than can be taken in.
    """
    calendar = _parsed(text)
    _check(calendar)
    found: list[Event] = []
    unknown: Counter[str] = Counter()
    for one in _occurrences(calendar, start, end):
        begins, ends = _instant(one.start, zone), _instant(one.end, zone)
        person = _person(one, known)
        if person is None:
            unknown[_title(one)] += 1
        elif begins < ends:
            found.append(event(person, begins, ends))
    if len(found) > MOST_EVENTS:
        raise CalendarError(f"the calendar has more than {MOST_EVENTS} shifts in a year")
    found.sort(key=lambda one: one["start"])
    return Agenda(events=tuple(found), unknown=tuple(_counted(unknown)))


def _parsed(text: bytes) -> icalendar.Component:
    start = text.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start[:15].upper().startswith(b"BEGIN:VCALENDAR"):
        what = "a web page" if start[:1] == b"<" else "something else"
        raise CalendarError(f"the address leads to {what} instead of a calendar")
    try:
        return icalendar.Calendar.from_ical(start)
    except (ValueError, KeyError, IndexError) as error:
        raise CalendarError("the calendar is damaged: it does not follow its format") from error


def _check(calendar: icalendar.Component) -> None:
    """Refuse what would take for ever, and what the parser leaves out of an event's times."""
    for component in calendar.walk():
        for name, _ in component.errors:
            if str(name).upper() in _TIMES:
                raise CalendarError(f"{_title(component)} has a {name} that cannot be read")
        rules = component.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            often = any(str(word).upper() in TOO_OFTEN for word in rule.get("FREQ", []))
            if often or any(step < 1 for step in rule.get("INTERVAL", [])):
                raise CalendarError(
                    f"{_title(component)} recurs every minute or more often, as no shift does"
                )


def _occurrences(
    calendar: icalendar.Component, start: datetime, end: datetime
) -> Iterator[icalendar.Event]:
    try:
        found = recurring_ical_events.of(calendar).between(start, end)
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise CalendarError("the calendar has an event whose times make no sense") from error
    for one in found:
        if str(one.get("STATUS", "")).upper() != "CANCELLED":
            yield one


def _instant(at: date, zone: tzinfo) -> datetime:
    if isinstance(at, datetime) and at.tzinfo is not None:
        return at.astimezone(UTC)
    local = at if isinstance(at, datetime) else datetime.combine(at, time())
    return instant(local, zone)


def _title(component: icalendar.Component) -> str:
    return " ".join(str(component.get("SUMMARY", "")).split())[:80] or "an event without a title"


def _person(one: icalendar.Event, known: Sequence[str]) -> str | None:
    title = _title(one)
    attending = one.get("ATTENDEE", [])
    addresses = [
        _mailbox(attendee, known)
        for attendee in (attending if isinstance(attending, list) else [attending])
    ]
    in_title = [_mailbox(address, known) for address in _EMAIL.findall(title)]
    found = [mailbox for mailbox in (*addresses, *in_title) if mailbox]
    return found[0] if found else _named(title, known)


def _mailbox(attendee: Any, known: Sequence[str]) -> str | None:
    """Return the mailbox behind `mailto:ada@example.org`, by the name we know if we do."""
    address = re.sub(r"^mailto:", "", str(attendee).strip(), flags=re.IGNORECASE)
    try:
        person = people.read(address[: LONGEST_ADDRESS + 1])
    except ValueError:
        return None
    if len(address) > LONGEST_ADDRESS:
        return None
    for mailbox in known:
        if people.same(mailbox, address):
            return mailbox
    name = str(getattr(attendee, "params", {}).get("CN", ""))[:LONGEST_NAME]
    called = f"{name} <{person.email}>"
    try:
        return people.write(people.read(called)) if name else people.write(person)
    except ValueError:
        return people.write(person)


def _named(title: str, known: Sequence[str]) -> str | None:
    """Return who alone goes by the longest name in `title`; None for nobody, or for two."""
    named: dict[str, list[str]] = {}
    for mailbox in known:
        name = people.read(mailbox).name
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", title, re.IGNORECASE):
            named.setdefault(name.casefold(), []).append(mailbox)
    longest = named[max(named, key=len)] if named else []
    return longest[0] if len(longest) == 1 else None


def _counted(titles: Counter[str]) -> Iterator[str]:
    for title, times in titles.most_common(MOST_UNKNOWN):
        yield title if times == 1 else f"{title} ({times} times)"


def main() -> None:
    """Take apart what comes in on standard input, within limits; see `apart.read`."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked, text = json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()
    start, end = map(datetime.fromisoformat, (asked["start"], asked["end"]))
    try:
        zone = ZoneInfo(asked["zone"])
        found = read(text, zone=zone, known=asked["known"], start=start, end=end)
    except CalendarError as error:
        answer: dict[str, Any] = {"error": str(error)}
    except (MemoryError, RecursionError):
        answer = {"error": "the calendar takes more memory than it may"}
    except Exception as error:  # noqa: BLE001 - the top of a process that reads what anyone wrote
        answer = {"error": f"the calendar cannot be read: {type(error).__name__}"}
    else:
        answer = {"events": found.events, "unknown": found.unknown}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
