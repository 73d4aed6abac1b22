"""What a rule watches: in words, and as the question whose answer is drawn. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.conditions import (
    Absence,
    AnyCondition,
    Budget,
    BurnRate,
    Composite,
    Drift,
    OnSignal,
    Promql,
    Question,
    Spans,
    Threshold,
    Window,
)
from models.vocabulary import Comparison, Unit
from signals import Query
from signals.units import render, span

PROMETHEUS_LABEL = "__name__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The chart that shows a condition.

    Attributes:
        question: What is drawn over time.
        title: What each point is.
        line: What the line is called when it has no labels.
        bound: Where the breach begins, in `unit`; None where a line cannot say it.
        comparison: On which side of it.
        baseline: What the question is compared with, drawn beside it.
    """

    question: Question
    unit: Unit
    title: str
    line: str
    bound: float | None = None
    comparison: Comparison = Comparison.ABOVE
    baseline: Query | None = None


def sentence(condition: AnyCondition) -> str:
    """Return when the condition holds, in one line, without the rule's patience."""
    match condition:
        case Threshold():
            bound = render(condition.bound, condition.about.unit)
            over = f"over {span(condition.window)}"
            return (
                f"{condition.about.title} {condition.comparison} {bound} {over}{_part(condition)}"
            )
        case BurnRate():
            budget = render(1 - condition.objective, Unit.RATIO)
            pairs = ", or ".join(_pair(pair) for pair in condition.windows)
            title = condition.about.title
            return f"{title} burns its budget of {budget} more than {pairs}{_part(condition)}"
        case Drift():
            change = f"{condition.said(condition.bound)} {condition.comparison}"
            before = f"{span(condition.offset)} before, over {span(condition.window)}"
            return f"{condition.about.title} {change} that of {before}{_part(condition)}"
        case Composite():
            names = ", ".join(condition.rules)
            return f"{str(condition.needed).capitalize()} of these rules fire: {names}"
        case Budget():
            spent = f"Cost above {render(condition.amount_usd, Unit.USD)}"
            pace = f", or at the pace of the last {span(condition.pace)}" if condition.pace else ""
            return f"{spent} {_during(condition)}{pace}{_part(condition)}"
        case Absence():
            back = f", of those seen within {span(condition.seen_within)}" if condition.by else ""
            nothing = f"nothing for {span(condition.window)}"
            return f"{condition.about.title}: {nothing}{_part(condition)}{back}"
        case Spans():
            bound = render(condition.bound, condition.measure.unit)
            over = f"over {span(condition.window)}"
            what = f"{condition.measure.title}: {condition.comparison} {bound} {over}"
            return f"{what}{_part(condition)}"
        case Promql():
            return f"PromQL {condition.expression}"


def patience(hold: timedelta, keep_firing: timedelta) -> str:
    """Return the rule's `for` and `keep_firing_for` in words; empty when it has neither."""
    parts = []
    if hold:
        parts.append(f"once it lasts {span(hold)}")
    if keep_firing:
        parts.append(f"until clear for {span(keep_firing)}")
    return ", ".join(parts)


def value(condition: AnyCondition, number: float | None) -> str:
    """Return what a condition was decided on, with its unit; empty when that is not known."""
    match condition:
        case _ if number is None:
            return ""
        case Threshold() | Absence() | Budget():
            return render(number, condition.about.unit)
        case Spans():
            return render(number, condition.measure.unit)
        case BurnRate():
            return f"{number:.3g} times the budget"
        case Composite():
            return f"{number:.0f} of {len(condition.rules)} rules"
        case Drift():
            side = Comparison.BELOW if number < 0 else Comparison.ABOVE
            return f"{condition.said(number)} {side}"
        case Promql():
            return f"{number:.4g}"


def drawing(condition: AnyCondition, labels: Mapping[str, str] | None = None) -> Drawing:
    """Return what to draw for a condition.

    Args:
        condition: What is watched.
        labels: Those of one alert, to draw only the part of the traffic that it is about; None
            draws every part.
    """
    match condition:
        case Threshold():
            return Drawing(
                question=narrowed(condition.over(condition.window), labels),
                unit=condition.about.unit,
                title=f"{condition.about.title}, each point over {span(condition.window)}",
                line=condition.about.title,
                bound=condition.bound,
                comparison=condition.comparison,
            )
        case BurnRate():
            pair = condition.windows[0]
            return Drawing(
                question=narrowed(condition.over(pair.short), labels),
                unit=condition.about.unit,
                title=f"{condition.about.title}, each point over {span(pair.short)}, under the "
                f"rate that burns the budget {pair.factor:g} times too fast",
                line=condition.about.title,
                bound=pair.factor * (1 - condition.objective),
            )
        case Drift():
            return Drawing(
                question=narrowed(condition.now, labels),
                baseline=narrowed(condition.then, labels),
                unit=condition.about.unit,
                title=f"{condition.about.title}, each point over {span(condition.window)}, beside "
                f"what it was {span(condition.offset)} before",
                line=condition.about.title,
                comparison=condition.comparison,
            )
        case Composite():
            return Drawing(
                question=condition.questions[0],
                unit=Unit.COUNT,
                title=f"How many of the {len(condition.rules)} rules fire",
                line="rules that fire",
                bound=condition.least,
            )
        case Budget():
            return Drawing(
                question=narrowed(condition.spent, labels),
                unit=Unit.USD,
                title=_spending(condition),
                line="Cost",
                bound=condition.amount_usd,
            )
        case Absence():
            return Drawing(
                question=narrowed(condition.lately, labels),
                unit=condition.about.unit,
                title=f"{condition.about.title}, each point over {span(condition.window)}",
                line=condition.about.title,
                comparison=Comparison.BELOW,
            )
        case Spans():
            return Drawing(
                question=narrowed(condition.asked, labels),
                unit=condition.measure.unit,
                title=f"{condition.measure.title}, each point over {span(condition.window)}",
                line=condition.measure.title,
                bound=condition.bound,
                comparison=condition.comparison,
            )
        case Promql():
            expression = condition.expression
            return Drawing(
                question=expression, unit=Unit.COUNT, title=f"PromQL {expression}", line="value"
            )


def narrowed(query: Query, labels: Mapping[str, str] | None) -> Query:
    """Return a question for the part of the traffic that an alert with `labels` is about."""
    if labels is None:
        return query
    own = {name: labels[name] for name in query.by if name in labels}
    return Query(
        signal=query.signal,
        window=query.window,
        scope=tuple(sorted({**dict(query.scope), **own}.items())),
        offset=query.offset,
        day=query.day,
        measure=query.measure,
    )


def _during(budget: Budget) -> str:
    return f"in a day of {budget.zone}" if budget.zone else f"in {span(budget.window)}"


def _spending(budget: Budget) -> str:
    if budget.zone:
        return f"Cost, each point since midnight in {budget.zone}"
    return f"Cost, each point over {span(budget.window)}"


def belongs(series: Mapping[str, str], alert: Mapping[str, str]) -> bool:
    """Say whether a series with these labels is what an alert with those is about."""
    return all(
        alert.get(name) == value for name, value in series.items() if name != PROMETHEUS_LABEL
    )


def _part(condition: OnSignal | Spans) -> str:
    parts = []
    if condition.scope:
        parts.append("where " + " and ".join(f"{k} = {v}" for k, v in condition.scope.items()))
    if condition.by:
        parts.append(f"for each {' and '.join(condition.by)}")
    return "".join(f", {part}" for part in parts)


def _pair(pair: Window) -> str:
    return f"{pair.factor:g} times too fast over {span(pair.long)} and {span(pair.short)}"
