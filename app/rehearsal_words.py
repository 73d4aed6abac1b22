"""A dry run of a policy as a table and in sentences, for its page and for the command. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from alerts import lookups, rehearsal
from alerts.escalation import Plan
from alerts.lookups import Asked, Found
from alerts.rehearsal import Turn
from app import channel_words, local_time
from signals.units import span

Row = dict[str, str]  # by the name of the column


def clocks(plan: Plan, viewer: tzinfo) -> tuple[tzinfo, ...]:
    """Return the zones to show times in: the policy's own, the viewer's, UTC, each once."""
    named = {name: ZoneInfo(name) for name in rehearsal.zones(plan)}
    return tuple({**named, local_time.zone_name(viewer): viewer, "UTC": UTC}.values())


def asked(turns: Sequence[Turn]) -> list[Asked]:
    """Return whom to look up: every channel of a step that is taken, at its time."""
    return [(channel, t.at) for t in turns if not t.skipped for channel in t.channels]


def table(
    turns: Sequence[Turn],
    found: Mapping[Asked, Found],
    zones: Sequence[tzinfo],
    *,
    began: datetime,
) -> list[Row]:
    """Return a row for each step, in order; `began` is when the alert fired."""
    several = any(turn.round for turn in turns)
    return [
        {
            "Step": f"{turn.step + 1}, round {turn.round + 1}" if several else f"{turn.step + 1}",
            "After": local_time.offset(turn.at, since=began),
            **{local_time.zone_name(zone): _at(turn.at, zone) for zone in zones},
            "Tells": whom(turn, found),
        }
        for turn in turns
    ]


def whom(turn: Turn, found: Mapping[Asked, Found]) -> str:
    """Return whom a step tells, with the people found for it; or that it is skipped, and why."""
    if turn.skipped:
        would = channel_words.all_words(turn.channels)
        return f"nobody: skipped, {turn.skipped} (would tell {would})"
    return "; ".join(_told(channel, found.get((channel, turn.at))) for channel in turn.channels)


def remarks(turns: Sequence[Turn], zones: Sequence[tzinfo], *, began: datetime) -> list[str]:
    """Return what the table alone does not say: how it ends, and what clocks do meanwhile."""
    if not turns:
        return ["The policy has no step: nobody is told."]
    said = [_ending(turns, began)]
    for zone in zones:
        for change in rehearsal.clock_changes(zone, began, turns[-1].at):
            way = "forward" if change.after > change.before else "back"
            said.append(
                f"Clocks in {local_time.zone_name(zone)} go {way} meanwhile, from "
                f"{_ahead(change.before)} to {_ahead(change.after)} at {change.at:%H:%M} UTC on "
                f"{change.at:%b %-d}: delays count real time, hours follow the clock."
            )
    return said


def gaps(turns: Sequence[Turn], found: Mapping[Asked, Found], *, began: datetime) -> list[str]:
    """Return a sentence for each person that a step tells and nobody was found for."""
    return [
        f"Step {turn.step + 1}, {local_time.offset(turn.at, since=began)}, "
        f"{channel_words.words(channel)}: {one.problem}."
        for turn in turns
        for channel in turn.channels
        if (one := found.get((channel, turn.at))) and one.problem
    ]


def lines(rows: Sequence[Row]) -> list[str]:
    """Return `rows` as aligned text, with a head."""
    if not rows:
        return []
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    head = {name: name for name in widths}
    return [
        "  ".join(f"{row[name]:<{width}}" for name, width in widths.items()).rstrip()
        for row in (head, *rows)
    ]


def _told(channel: str, found: Found | None) -> str:
    said = channel_words.words(channel)
    if found is None or not lookups.names_people(channel):
        return said
    if not found.people:
        return f"{said}: nobody known"
    first, *others = found.people
    rest = f" ({', '.join(p.name for p in others)} too)" if others else ""
    return f"{said}: {first.name} <{first.email}>{rest}"


def _ending(turns: Sequence[Turn], began: datetime) -> str:
    if all(turn.skipped for turn in turns):
        return "Every step is skipped: nobody would be told at all."
    last = [turn for turn in turns if not turn.skipped][-1]
    if last.at == began:
        return "Nobody else is told after that."
    return f"Nobody else is told after {span(last.at - began)}."


def _at(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %b %-d, %H:%M:%S %Z}"


def _ahead(offset: timedelta) -> str:
    minutes = round(offset / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"
