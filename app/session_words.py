"""Sessions as the page says them: the list, the figures, a turn. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import pandas as pd

from app import numbers, trace_facts
from app.local_time import clock
from app.trace_search import cost_word
from models.vocabulary import Unit
from signals.traces.people import mark
from signals.traces.sessions import Session, Sessions, Turn
from signals.units import span

_LABEL_LETTERS = 24
ENDINGS = {
    "resolved": "✓ resolved",
    "abandoned": "✕ abandoned",
    "rejected": "✕ rejected",
    "escalated": "! escalated",
    "reopened": "! reopened",
    "open": "… open",
    "ended": "ended, unsaid",
}


def label(session_id: str) -> str:
    """Return the short form of a session's id for a list: its end, where ids differ."""
    cut = session_id if len(session_id) <= _LABEL_LETTERS else f"…{session_id[-_LABEL_LETTERS:]}"
    return f":material/forum: {cut}"


def table(listed: Sequence[Session]) -> pd.DataFrame:
    """Return the list as shown: a row per session, cost in dollars, users as marks."""
    return pd.DataFrame(
        {
            "Session": [label(s.session_id) for s in listed],
            "Began": pd.Series([s.started_at for s in listed], dtype="datetime64[us, UTC]"),
            "Lasted": [numbers.coarse(s.ended_at - s.started_at) for s in listed],
            "Turns": [s.turns for s in listed],
            "Ended": [ENDINGS.get(s.ending, s.ending) for s in listed],
            "Failed turns": [s.failures for s in listed],
            "Failed spans": [s.errors for s in listed],
            "Cost": pd.Series([s.cost_usd for s in listed], dtype="float64"),
            "Cost is": [cost_word(s.cost_usd, s.cost_source) for s in listed],
            "Tokens": pd.Series([s.tokens for s in listed], dtype="Int64"),
            "Who": [mark(s.user_id) if s.user_id else "" for s in listed],
            "Feature": [s.feature or "" for s in listed],
        }
    )


def figures(found: Sessions) -> list[tuple[str, str, str]]:
    """Return what all sessions came to: (name, value, small print)."""
    least = "≥ " if found.at_least else ""
    per = found.cost_per_resolved
    concluded = found.count - found.open
    until = found.abandoned_turns
    return [
        ("Sessions", f"{found.count:,}", f"{found.open:,} still open"),
        ("Turns per session", _mean(found.turns / found.count if found.count else None), ""),
        ("Resolved", _part(found.resolved, concluded), f"{found.resolved:,} of {concluded:,}"),
        (
            "Cost per resolved",
            numbers.NO_VALUE if per is None else f"{least}{numbers.number(per, Unit.USD)}",
            "spend / resolved" if found.resolved else "none was resolved",
        ),
        ("Abandoned", _part(found.abandoned, concluded), f"{found.abandoned:,} of {concluded:,}"),
        ("Turns until then", _mean(until), "of the abandoned"),
    ]


def _mean(value: float | None) -> str:
    return numbers.NO_VALUE if value is None else f"{value:.1f}"


def _part(some: int, whole: int) -> str:
    return numbers.number(some / whole if whole else None, Unit.RATIO)


def headline(turn: Turn, number: int) -> str:
    """Return what a turn was, in a line without Markdown."""
    outcome = turn.outcome or ("failed" if turn.failed else "no outcome told")
    return f"Turn {number}: {outcome}"


def facts(turn: Turn, before: Turn | None, tz: tzinfo, *, now: datetime) -> str:
    """Return when a turn came, and what it took."""
    said = [clock(turn.started_at, now=now, zone=tz)]
    if before is not None:
        said.append(f"{_pause(before, turn)} after the answer before")
    said += [
        trace_facts.milliseconds(turn.duration_ms),
        trace_facts.cost(turn.cost_usd, turn.cost_source),
    ]
    if turn.model:
        said.append(turn.model)
    if turn.tools:
        said.append(f"tools: {', '.join(turn.tools)}")
    if turn.errors:
        said.append(f"{turn.errors} failed spans")
    return " · ".join(said)


def _pause(before: Turn, turn: Turn) -> str:
    answered = before.started_at + timedelta(milliseconds=before.duration_ms)
    return span(
        max(timedelta(seconds=round((turn.started_at - answered).total_seconds())), timedelta())
    )


def summary(turns: Sequence[Turn]) -> str:
    """Return whose session it is and what all its turns came to."""
    user = next((turn.user_id for turn in turns if turn.user_id), None)
    costs = [turn.cost_usd for turn in turns if turn.cost_usd is not None]
    said = [f"{len(turns):,} turn{'s' if len(turns) != 1 else ''}"]
    said.append(numbers.number(sum(costs), Unit.USD) if costs else "no known cost")
    failed = sum(turn.failed for turn in turns)
    said.append(f"{failed:,} failed" if failed else "none failed")
    return " · ".join([*said, mark(user)] if user else said)
