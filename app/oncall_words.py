"""On-call schedules in words: who has it until when, who is next, where gaps are. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from alerts.layers import WEEK, Shift
from alerts.notifiers import Person, people
from alerts.rota import Rota
from alerts.rota_drafts import LayerDraft, WindowDraft
from alerts.schedule import Gap, following, on_call, shifts
from models.vocabulary import RotaSource
from signals.units import span

WATCHED: Final = timedelta(days=14)
STALE_AFTER: Final = timedelta(minutes=30)  # a calendar is read every five
SOURCES: Final = {
    RotaSource.OWN: "Kept here",
    RotaSource.ICAL: "A calendar (iCal)",
    RotaSource.PAGERDUTY: "PagerDuty",
}
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTE: Final = timedelta(minutes=1)
_DAYS: Final = tuple(day[:3] for day in WEEKDAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a schedule stands at an instant.

    Attributes:
        now: Who is on call; None for nobody.
        after: Who takes over from them; None for nobody.
        gaps: When nobody is on call in the next `WATCHED`.
        until: The instant before its end beyond which nobody was asked; None when all is known.
    """

    now: Shift | None
    after: Shift | None
    gaps: tuple[Gap, ...]
    until: datetime | None = None


def standing(rota: Rota, *, now: datetime) -> Standing:
    """Return how the schedule stands at `now`."""
    found = on_call(rota.schedule, now)
    end = now + WATCHED
    until = rota.known_until if rota.known_until and rota.known_until < end else None
    return Standing(
        now=found,
        after=following(rota.schedule, found) if found else None,
        gaps=gaps(shifts(rota.schedule, now, until or end)),
        until=until,
    )


def gaps(pieces: Iterable[Shift | Gap]) -> tuple[Gap, ...]:
    """Return when nobody is on call."""
    return tuple(one for one in pieces if isinstance(one, Gap))


def names(mailboxes: Iterable[str]) -> dict[str, str]:
    """Return what to call each person: the name, with the address where two share it."""
    found = list(mailboxes)
    persons: dict[str, Person] = {}
    for mailbox in found:
        persons.setdefault(people.key(mailbox), people.read(mailbox))
    taken = Counter(person.name for person in persons.values())
    called = {
        key: f"{person.name} ({person.email})" if taken[person.name] > 1 else person.name
        for key, person in persons.items()
    }
    return {mailbox: called[people.key(mailbox)] for mailbox in found}


def people_of(rota: Rota) -> list[str]:
    """Return everybody in the schedule, in the order of its layers, then of what overrides them."""
    layers = [p for layer in rota.row.layers for p in layer.get("people", ())]
    booked = [one["person"] for one in (rota.calendar.bookings if rota.calendar else ())]
    overriding = [one.person for one in rota.overrides]
    return list(dict.fromkeys([*layers, *rota.row.people, *booked, *overriding]))


def moment(at: datetime, zone: tzinfo) -> str:
    """Return an instant by the clocks of `zone`: `Mon 8 Jun, 09:00`."""
    return f"{at.astimezone(zone):%a %-d %b, %H:%M}"


def stretch(start: datetime, end: datetime, zone: tzinfo) -> str:
    """Return a stretch of time by the clocks of `zone`: `Mon 8 Jun, 09:00 to 17:00`."""
    same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    ends = f"{end.astimezone(zone):%H:%M}" if same_day else moment(end, zone)
    return f"{moment(start, zone)} to {ends}"


def holds(stands: Standing, called: dict[str, str], *, now: datetime, zone: tzinfo) -> str:
    """Return until when the person on call is, and who is next."""
    shift = stands.now
    if shift is None:
        first = stands.gaps[0] if stands.gaps else None
        ends = first is not None and first.end < now + WATCHED
        until = f" until {moment(first.end, zone)}" if first and ends else " in the next 14 days"
        return f"Nobody is on call{until}: a page to this schedule waits for the next shift."
    if stands.after is None:
        after = "then nobody"
    elif people.same(stands.after.person, shift.person):
        after = "and nobody takes over"
    else:
        after = f"then {called.get(stands.after.person, stands.after.person)}"
    left = span(max(shift.end - now, _MINUTE) // _MINUTE * _MINUTE)
    return f"until {moment(shift.end, zone)}, for {left} more, {after}"


def coverage(found: Sequence[Gap], zone: tzinfo, *, until: datetime | None = None) -> str:
    """Return how much of the next two weeks nobody covers: `2 gaps in the next 14 days: …`.

    Or until `until`, beyond which it is not known.
    """
    within = f"until {moment(until, zone)}" if until else "in the next 14 days"
    if not found:
        return f"no gap {within}"
    listed = "; ".join(stretch(gap.start, gap.end, zone) for gap in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    one = len(found) == 1
    return f"{len(found)} {'gap' if one else 'gaps'} {within}: {listed}{more}"


def layers(rota: Rota) -> list[str]:
    """Return a sentence for each layer, the one that wins first; none for others' calendars."""
    drafts = rota.row.layers if rota.row.source is RotaSource.OWN else []
    read = [LayerDraft.model_validate(one) for one in reversed(drafts)]
    return [layer(one) for one in read]


def layer(draft: LayerDraft) -> str:
    """Return a layer in one sentence, by the clocks of its schedule."""
    called = ", ".join(people.read(mailbox).name for mailbox in draft.people)
    hours = f", only {'; '.join(map(window, draft.windows))}" if draft.windows else ""
    if len(draft.people) == 1:
        return f"{draft.name}: {called}{hours or ', always'}"
    return f"{draft.name}: {called} take turns, {turn(draft)}{hours}"


def turn(draft: LayerDraft) -> str:
    """Return how often a layer hands over, and when: `every week, on Monday at 09:00`."""
    every = {timedelta(days=1): "day", WEEK: "week"}.get(draft.turn, span(draft.turn))
    day = f"on {WEEKDAYS[draft.weekday]} " if draft.weekday is not None else ""
    return f"every {every}, {day}at {draft.handover:%H:%M}"


def window(draft: WindowDraft) -> str:
    """Return hours that recur every week: `Mon to Fri, 18:00 to 08:00`."""
    whole = draft.opens == draft.closes == draft.opens.min
    hours = "all day" if whole else f"{draft.opens:%H:%M} to {draft.closes:%H:%M}"
    return f"{days(draft.days)}, {hours}"


def days(numbers: Sequence[int]) -> str:
    """Return weekdays in few words: `every day`, `Mon to Fri`, `Sat, Sun`."""
    found = sorted(set(numbers))
    if len(found) == 7:
        return "every day"
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"{_DAYS[found[0]]} to {_DAYS[found[-1]]}"
    return ", ".join(_DAYS[number] for number in found)


def source(rota: Rota, *, now: datetime) -> str:
    """Return why what is shown may be out of date, or empty when it is as fresh as can be."""
    calendar = rota.calendar
    if calendar is None or rota.row.source is RotaSource.OWN:
        return ""
    where = "PagerDuty" if rota.row.source is RotaSource.PAGERDUTY else "the calendar"
    if calendar.read_at is None:
        return f"Nobody knows who is on call: {where} has not been read yet. {calendar.error}"
    age = now - calendar.read_at
    if calendar.error:
        return (
            f"{_capital(where)} was last read {span(age)} ago, and goes on here as it was then: "
            f"{calendar.error}"
        )
    if age > STALE_AFTER:
        return f"{_capital(where)} was last read {span(age)} ago: is the engine running?"
    return ""


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
