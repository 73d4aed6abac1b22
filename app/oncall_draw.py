"""What the on-call pages share: who has it, how well it is covered, the calendar."""

from datetime import date, datetime, timedelta, tzinfo

import streamlit as st

from alerts.layers import Shift
from alerts.rota import Rota
from alerts.schedule import Gap, shifts
from app import oncall_grid, oncall_words, parts
from app.oncall_grid import Look
from app.oncall_words import WATCHED
from app.parts import plain, small


def headline(rota: Rota, *, now: datetime, zone: tzinfo) -> str:
    """Return Markdown for who has it until when, and how well the next two weeks are covered."""
    if rota.unread:
        return parts.mark("unknown", ("red", "help"))
    stands = oncall_words.standing(rota, now=now)
    called = oncall_words.names(oncall_words.people_of(rota))
    said = plain(oncall_words.holds(stands, called, now=now, zone=zone))
    if stands.now is None:
        first = f"{parts.mark('nobody', ('red', 'person_off'))} {said}"
    else:
        who = called.get(stands.now.person, stands.now.person)
        first = f"{parts.mark(who, ('green', 'person'))} {said}"
        if stands.now.override is not None:
            first += f" {parts.mark(_marks(rota)[stands.now.override.id], ('violet', 'sync_alt'))}"
    covered = oncall_words.coverage(stands.gaps, zone, until=stands.until)
    look: parts.Look = ("red", "event_busy") if stands.gaps else ("green", "event_available")
    short, _, listed = covered.partition(": ")
    second = parts.mark(short, look) + (f" {plain(listed)}" if listed else "")
    return f"{first}  \n{second}"


def warnings(rota: Rota, *, now: datetime) -> None:
    """Say why what is shown may not be what is."""
    said = oncall_words.source(rota, now=now)
    if said and rota.unread:
        st.error(plain(said), icon=":material/cloud_off:")
    elif said:
        st.warning(plain(said), icon=":material/schedule:")
    unknown = rota.calendar.unknown if rota.calendar else []
    if unknown:
        listed = ", ".join(unknown[:5]) + ("…" if len(unknown) > 5 else "")
        st.warning(
            f"Events of the calendar that name nobody who is known: {plain(listed)}. Write an "
            "e-mail address into their titles, or add their people to the schedule.",
            icon=":material/person_search:",
        )


def strip(rota: Rota, *, now: datetime, zone: tzinfo) -> None:
    """Draw the next two weeks in one line."""
    if rota.unread:
        return
    pieces = pieces_of(rota, now, now + WATCHED)
    st.html(oncall_grid.STYLE + oncall_grid.strip(pieces, look_of(rota, zone)))


def calendar(rota: Rota, first: date, days: int, *, now: datetime, zone: tzinfo) -> None:
    """Draw `days` days from `first` on, and list the gaps in them."""
    start, end = oncall_grid.bounds(first, days, zone)
    pieces, look = pieces_of(rota, start, end), look_of(rota, zone)
    today = now.astimezone(zone).date()
    drawn = oncall_grid.calendar(pieces, first, days, look, today=today)
    st.html(oncall_grid.STYLE + drawn)
    known = rota.known_until or end
    gaps = [one for one in pieces if isinstance(one, Gap) and one.start < known and one.end > now]
    if gaps:
        listed = "; ".join(oncall_words.stretch(g.start, g.end, zone) for g in gaps[:8])
        more = f" and {len(gaps) - 8} more" if len(gaps) > 8 else ""
        st.markdown(f"{parts.mark('nobody', ('red', 'event_busy'))} {plain(listed)}{more}")
    st.markdown(small(_clocks(rota, zone)))


def pieces_of(rota: Rota, start: datetime, end: datetime) -> list[Shift | Gap]:
    """Return shifts and gaps; beyond what a source was asked for, one gap that is none."""
    known = rota.known_until
    if known is None or known >= end:
        return shifts(rota.schedule, start, end)
    middle = max(known, start)
    return [*shifts(rota.schedule, start, middle), Gap(start=middle, end=end)]


def look_of(rota: Rota, zone: tzinfo) -> Look:
    """Return how the schedule is drawn."""
    return Look(
        zone=zone,
        names=oncall_words.names(oncall_words.people_of(rota)),
        marks=_marks(rota),
        known_until=rota.known_until,
    )


def monday(day: date) -> date:
    """Return the Monday of that day's week."""
    return day - timedelta(days=day.weekday())


def _marks(rota: Rota) -> dict[int, str]:
    return {one.id or 0: "swap" if one.swap_id else "override" for one in rota.overrides}


def _clocks(rota: Rota, zone: tzinfo) -> str:
    here = f"Times are by your clock, {plain(str(zone))}"
    if str(zone) == rota.row.zone:
        return f"{here}, which is the schedule's too."
    return f"{here}; hand-overs are by the schedule's, {plain(rota.row.zone)}."
