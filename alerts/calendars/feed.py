"""A schedule as a calendar that others subscribe to (RFC 5545). Escaping and folding: icalendar.

The same shifts give the same bytes, whenever they are asked for: an event's UID is made of the
schedule and the instant at which the shift begins, and every stamp is when the schedule last
changed. So calendars update an event that changes hands instead of showing two, and a server may
answer that nothing changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import icalendar

from alerts.layers import Shift
from alerts.notifiers import people

REFRESH = timedelta(hours=1)


def feed(
    name: str, shifts: Sequence[Shift], *, uid: str, revised_at: datetime, notes: Sequence[str]
) -> bytes:
    """Return the calendar of a schedule.

    Args:
        name: Of the schedule.
        shifts: Whole ones: one cut at the bounds of what is given out would change every day.
        uid: What no other schedule anywhere has.
        revised_at: When the schedule last changed, UTC.
        notes: For each shift, where it comes from; empty for nothing to say.
    """
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//Wakeful//On call//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", f"On call: {name}")
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", icalendar.vDuration(REFRESH))
    for shift, note in zip(shifts, notes, strict=True):
        calendar.add_component(_event(name, shift, note, uid, revised_at))
    return bytes(calendar.to_ical())


def _event(name: str, shift: Shift, note: str, uid: str, revised_at: datetime) -> icalendar.Event:
    person = people.read(shift.person)
    attendee = icalendar.vCalAddress(f"mailto:{person.email}")
    attendee.params["CN"] = person.name
    event = icalendar.Event()
    event.add("UID", f"{shift.start:%Y%m%dT%H%M%SZ}-{uid}@wakeful")
    event.add("DTSTAMP", revised_at.replace(microsecond=0))
    event.add("LAST-MODIFIED", revised_at.replace(microsecond=0))
    event.add("DTSTART", shift.start)
    event.add("DTEND", shift.end)
    event.add("SUMMARY", f"{person.name} on call: {name}")
    event.add("ATTENDEE", attendee, encode=False)
    event.add("TRANSP", "TRANSPARENT")  # being on call does not make anybody busy
    if note:
        event.add("DESCRIPTION", note)
    return event
