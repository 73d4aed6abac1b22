"""Budgets as sentences, tables and series. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Final

import pandas as pd

from alerts.conditions import Budget
from app import local_time
from app.cached_budgets import Kept, Part, Standing
from app.parts import Look
from models.vocabulary import Unit
from signals import Labels, Series
from signals.units import render, span

OVER: Final[tuple[str, Look]] = ("over budget", ("red", "money_off"))
HEADING: Final[tuple[str, Look]] = ("heads over", ("orange", "trending_up"))
WITHIN: Final[tuple[str, Look]] = ("within budget", ("green", "check_circle"))
UNKNOWN: Final[tuple[str, Look]] = ("nothing known", ("gray", "help"))


def state(condition: Budget, standing: Standing | None) -> tuple[str, Look]:
    """Return how a budget stands, by the worst of its parts."""
    if standing is None or not standing.parts:
        return UNKNOWN
    if any(part.spent > condition.amount_usd for part in standing.parts):
        return OVER
    heads = standing.parts[0].heads_for > condition.amount_usd
    return HEADING if heads else WITHIN


def what(condition: Budget) -> str:
    """Return what is allowed: `$50.00 a day in Europe/Berlin for each tenant, feature chat`."""
    during = f"a day in {condition.zone}" if condition.zone else f"in any {span(condition.window)}"
    each = f" for each {' and '.join(condition.by)}" if condition.by else ""
    narrowed = "".join(f", {label} {value}" for label, value in sorted(condition.scope.items()))
    return f"{render(condition.amount_usd, Unit.USD)} {during}{each}{narrowed}"


def kept_by(kept: Kept) -> str:
    """Return whether anybody is told when it is spent."""
    if not kept.enabled:
        return "the rule is switched off: nobody is told"
    firing = f"{kept.open_alerts} open alerts" if kept.open_alerts != 1 else "1 open alert"
    return firing if kept.open_alerts else f"{kept.owner} is told"


def leads(condition: Budget, standing: Standing, *, now: datetime, zone: tzinfo) -> str:
    """Return what the worst part has left and where it leads."""
    if not standing.parts:
        return "Nothing was spent in this time, as far as sources tell."
    part = standing.parts[0]
    whose = f"{name(part.labels)}: " if condition.by else ""
    left = condition.amount_usd - part.spent
    said = f"{whose}{render(part.spent, Unit.USD)} spent, "
    said += f"{render(left, Unit.USD)} left" if left >= 0 else f"{render(-left, Unit.USD)} over"
    said += f"; heads for {render(part.heads_for, Unit.USD)}"
    if part.spent_up_at is not None:
        said += f", used up at {local_time.short(part.spent_up_at, now=now, zone=zone)}"
    return f"{said}, at the pace of the last {span(standing.pace)}."


def name(labels: Labels) -> str:
    """Return whose budget it is."""
    return ", ".join(value or "none" for value in labels.values()) or "All"


def movers(parts: Sequence[Part]) -> list[str]:
    """Return what changed most against one window earlier, up or down, in words."""
    moved = [(part.spent - part.before, part) for part in parts if part.before is not None]
    moved.sort(key=lambda one: -abs(one[0]))
    return [
        f"{name(part.labels)} {'+' if by >= 0 else '-'}{render(abs(by), Unit.USD)}"
        for by, part in moved[:3]
        if by
    ]


def table(condition: Budget, parts: Sequence[Part]) -> pd.DataFrame:
    """Return the parts of a budget, one a row; money in dollars, what is left in percent."""
    amount = condition.amount_usd
    return pd.DataFrame(
        {
            "Of": [name(part.labels) for part in parts],
            "Spent": [part.spent for part in parts],
            "Left": [100 * (1 - part.spent / amount) for part in parts],
            "Heads for": [part.heads_for for part in parts],
            "Before": pd.Series([part.before for part in parts], dtype="float64"),
            "Verdict": [_verdict(part, amount) for part in parts],
        }
    )


def _verdict(part: Part, amount: float) -> str:
    if part.spent > amount:
        return f"✕ {OVER[0]}"
    return f"↗ {HEADING[0]}" if part.heads_for > amount else f"✓ {WITHIN[0]}"


def left(condition: Budget, series: Sequence[Series], parts: Sequence[Part]) -> list[Any]:
    """Return what was left of the worst parts over time, named, in [.., 1]; below 0 is over."""
    order = {tuple(sorted(part.labels.items())): n for n, part in enumerate(parts)}
    known = [one for one in series if tuple(sorted(one.labels.items())) in order]
    known.sort(key=lambda one: order[tuple(sorted(one.labels.items()))])
    return [
        (name(one.labels), replace(one, values=[1 - v / condition.amount_usd for v in one.values]))
        for one in known
    ]
