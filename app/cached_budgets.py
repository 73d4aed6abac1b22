"""How budgets stand, shared by all viewers. A budget is a rule of that kind: there is no other.

What is asked is what the rule asks, so that the page and the alert cannot disagree. A rule without
a pace gets one here, for the forecast alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import streamlit as st

from alerts.conditions import Budget, Question
from app import cached_alerts, cached_watching, looking_back, rule_words, wired
from app.cached import Answer, floor
from app.cached_watching import Past
from models.tables import Rule
from signals import Labels, Query, SignalError, days, offsets

FRESH: Final = timedelta(minutes=1)
MOST_PARTS: Final = 200
DAY: Final = timedelta(days=1)
_HASH: Final[dict[str | type[Any], Any]] = {Budget: repr}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A budget: the rule that keeps it.

    Attributes:
        open_alerts: Of the rule that are not over.
    """

    rule_id: int
    name: str
    owner: str
    enabled: bool
    open_alerts: int
    condition: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How the budget of one label set stands; dollars.

    Attributes:
        spent: Within the window, or since midnight.
        heads_for: What it comes to at the pace of lately, as the rule judges it.
        before: What was spent one window earlier; None where nothing is known of it.
        spent_up_at: When it is used up at that pace; None if it is not, is by now, or the window
            rolls, so that old spend leaves it.
    """

    labels: Labels
    spent: float
    heads_for: float
    before: float | None
    spent_up_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The parts of a budget, those that head for the most first.

    Attributes:
        pace: Of the forecast.
        source: Who was asked, the same as for the rule.
        left_out: How many parts there were beyond `MOST_PARTS`.
    """

    parts: tuple[Part, ...]
    pace: timedelta
    source: str = ""
    left_out: int = 0


def listed() -> Answer[list[Kept]]:
    """Return the budgets there are, by name."""
    known = cached_alerts.rule_list()
    if known.data is None:
        return Answer(at=known.at, source=known.source, error=known.error)
    found = [
        _kept(rule, condition, len(known.data.open.get(rule.id or 0, ())))
        for rule, _ in known.data.rules
        if isinstance(condition := rule_words.condition_of(rule), Budget)
    ]
    return Answer(data=found, at=known.at, source=known.source, error=known.error)


def _kept(rule: Rule, condition: Budget, open_alerts: int) -> Kept:
    return Kept(
        rule_id=rule.id or 0,
        name=rule.name,
        owner=rule.owner,
        enabled=rule.enabled,
        open_alerts=open_alerts,
        condition=condition,
    )


def paced(condition: Budget) -> Budget:
    """Return `condition` with a pace: its own, or an hour or a day, by the window's length."""
    if condition.pace:
        return condition
    pace = timedelta(hours=1) if condition.window <= DAY else DAY
    return Budget.model_validate(condition.model_dump() | {"pace": min(pace, condition.window / 2)})


@st.cache_resource(
    ttl=FRESH, max_entries=128, show_spinner=False, refresh_mode="background", hash_funcs=_HASH
)
def standing(condition: Budget) -> Answer[Standing]:
    """Return how that budget stands."""
    now = wired.current().clock()
    return cached_watching.asked(
        ("budget stands", repr(condition)), lambda: _read(condition, now), now
    )


def burn_down(condition: Budget) -> Answer[Past]:
    """Return what was spent within the window, over the last window: the rule's own values."""
    step = cached_watching.past_step((condition.spent,))
    return looking_back.shelf.answer(condition.spent, condition.window, step)


def clear() -> None:
    """Forget everything that was read."""
    standing.clear()


def _read(condition: Budget, now: datetime) -> Standing:
    at, judged = floor(now, FRESH), paced(condition)
    spent, lately = _by_labels(judged.spent, at), _by_labels(judged.lately, at)
    before = _before(judged, at)
    parts = []
    for identity, (labels, usd) in spent.items():
        values: dict[Question, float] = {judged.spent: usd}
        if identity in lately:
            values[judged.lately] = lately[identity][1]
        parts.append(
            Part(
                labels=labels,
                spent=usd,
                heads_for=judged.value(values),
                before=before.get(identity, (labels, None))[1],
                spent_up_at=_spent_up_at(judged, usd, values.get(judged.lately), at),
            )
        )
    parts.sort(key=lambda part: -part.heads_for)
    kept = tuple(parts[:MOST_PARTS])
    return Standing(
        parts=kept,
        pace=judged.pace,
        source=wired.current().signals.route(judged.spent).name,
        left_out=len(parts) - len(kept),
    )


def _spent_up_at(
    condition: Budget, spent: float, rest: float | None, at: datetime
) -> datetime | None:
    """Return when a calendar day's amount is used up, if `rest` dollars come until it ends."""
    left = condition.amount_usd - spent
    if not condition.zone or not rest or not 0 < left < rest:
        return None
    return at + (days.ends(at, condition.zone) - at) * (left / rest)


Values = Mapping[tuple[tuple[str, str], ...], tuple[Labels, float]]


def _by_labels(query: Query, at: datetime) -> Values:
    source = wired.current().signals.route(query)
    reading = offsets.read(source, query, at=at)
    return {tuple(sorted(one.labels.items())): (one.labels, one.value) for one in reading.samples}


def _before(condition: Budget, at: datetime) -> Mapping[Any, tuple[Labels, float | None]]:
    """Return what was spent one window earlier; a source that cannot say leaves it unknown."""
    try:
        found = _by_labels(replace(condition.spent, offset=condition.window), at)
    except SignalError:
        return {}
    return cast(Mapping[Any, tuple[Labels, float | None]], found)
