"""What the next person on duty needs to know, as Markdown to paste. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from models.vocabulary import AlertState, Severity
from signals.units import span

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A note, or something that somebody did."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A group of alerts that is open.

    Attributes:
        summary: What is wrong, of its worst alert.
        holders: Who has it; empty for nobody.
        until: When it is nobody's again; None for never, or if nobody has it.
        muted: Why nobody is told; empty if somebody is.
        next_at: When the policy tells the next; None if it tells nobody else.
        said: The last notes, newest first.
    """

    title: str
    summary: str
    severity: Severity
    since: datetime
    url: str
    holders: str = ""
    until: datetime | None = None
    muted: str = ""
    next_at: datetime | None = None
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An alert that was open at some time within the shift."""

    rule: str
    summary: str
    state: AlertState
    fired_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    taken_by: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What is open, and what happened lately.

    Attributes:
        opened: The worst first.
        past: The newest first.
        left_out: How many more alerts there were.
    """

    opened: tuple[Held, ...]
    past: tuple[Past, ...]
    left_out: int = 0


def markdown(shift: Shift, *, since: datetime, now: datetime, zone: tzinfo) -> str:
    """Return the hand-over of a shift that began at `since`, by the clock of `zone`."""
    here = now.astimezone(zone)
    lines = [f"# Hand-over, {here:%Y-%m-%d %H:%M %Z}", ""]
    lines += [f"## Open: {len(shift.opened) or 'nothing'}", ""]
    for held in shift.opened:
        lines += _held(held, now=now, zone=zone)
    lines += ["", f"## The last {span(now - since)}", ""]
    lines += [_past(one, zone=zone) for one in shift.past] or ["Nothing fired."]
    if shift.left_out:
        lines.append(f"- and {shift.left_out} more")
    lines += _counts(shift.past)
    return "\n".join(lines).rstrip() + "\n"


def _held(held: Held, *, now: datetime, zone: tzinfo) -> Iterable[str]:
    yield (
        f"- **{_plain(held.title)}** ({held.severity}, for {span(now - held.since)}): "
        f"{_plain(held.summary)}. {_whose(held, now=now, zone=zone)} <{held.url}>"
    )
    for said in held.said:
        yield f"  - {_clock(said.at, zone)} {_plain(said.by)}: {_plain(said.text)}"


def _whose(held: Held, *, now: datetime, zone: tzinfo) -> str:
    if held.holders:
        until = f" until {_clock(held.until, zone)}" if held.until else ""
        return f"{_plain(held.holders)} has it{until}."
    if held.muted:
        return f"Nobody has it, and nobody is told: {_plain(held.muted)}."
    if held.next_at:
        ahead = max(held.next_at - now, timedelta())
        return f"Nobody has it; the next are told in {span(ahead)}."
    return "Nobody has it, and nobody else will be told."


def _past(one: Past, *, zone: tzinfo) -> str:
    taken = f"taken by {_plain(one.taken_by)}" if one.taken_by else "taken by nobody"
    if one.resolved_at is None:
        ended = one.state.value
    else:
        by = f"by {_plain(one.resolved_by)}" if one.resolved_by else "by itself"
        ended = f"over {by} after {span(one.resolved_at - one.fired_at)}"
    fired = _clock(one.fired_at, zone)
    return f"- {fired} {_plain(one.rule)}: {_plain(one.summary)}; {taken}, {ended}. <{one.url}>"


def _counts(past: Sequence[Past]) -> list[str]:
    if len(past) < 2:
        return []
    taken = sum(bool(one.taken_by) for one in past)
    return ["", f"{len(past)} alerts, {taken} of them taken by somebody."]


def _plain(text: str) -> str:
    """Return `text` on one line, so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%b %-d, %H:%M}"
