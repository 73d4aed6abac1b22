"""What a rule alone tells: whether it can ever fire, or ever not, and who is helped by it. Pure."""

import math
from collections.abc import Iterator

from alerts.conditions import AnyCondition, BurnRate, Drift, Promql, Spans, Threshold, Window
from alerts.rulelint import Check, Finding, Grade, Written
from models.vocabulary import Comparison, Measure, Severity, Unit
from signals.catalog import LATENCY, Signal
from signals.measures import ATTRIBUTE
from signals.promql_names import names
from signals.units import render, span

NOBODY = ("", "-", "nobody", "none")
URGENT = (Severity.CRITICAL, Severity.ERROR)
RUNBOOKS = ("runbook_url", "runbook")  # as Prometheus' annotations call it
# Labels with a value of their own for each request or person.
BOUNDLESS = (
    "request_id", "trace_id", "span_id", "session_id", "conversation_id", "message_id", "user",
    "user_id", "prompt", "query", "url", "ip",
)  # fmt: skip
_CLOSE = 1e-9  # 1 - 0.9 is not quite 0.1


def findings(rule: Written) -> list[Finding]:
    """Return what is wrong with the rule, whatever its source says."""
    return [*_reach(rule.condition), *_split(rule.condition), *_people(rule)]


def _reach(condition: AnyCondition) -> Iterator[Finding]:
    match condition:
        case BurnRate():
            yield from _burning(condition)
        case Threshold() | Spans():
            yield from _beyond(condition)
        case Drift():
            yield from _too_far(condition)
        case _:
            # Something may always be absent, and any sum be spent. What a composite is made of
            # `among` knows; of PromQL nobody can tell without its values.
            pass


def _burning(condition: BurnRate) -> Iterator[Finding]:
    """Yield the pairs of windows that not even a total outage burns fast enough.

    An outage is an error ratio of 1, which must exceed factor times budget.
    Source: https://sre.google/workbook/alerting-on-slos/
    """
    budget = 1 - condition.objective
    dead = [pair for pair in condition.windows if pair.factor * budget >= 1 - _CLOSE]
    if not dead:
        return
    most = (math.ceil(round(10 / budget, 6)) - 1) / 10
    mend = f"Lower the factor to {most:g} or less, or raise the objective."
    if len(dead) == len(condition.windows):
        yield Finding(
            check=Check.NEVER_FIRES,
            grade=Grade.ERROR,
            sentence=f"It can never fire, not even when every request fails: "
            f"{_asks(dead[0], budget)}. {mend}",
        )
        return
    for pair in dead:
        yield Finding(
            check=Check.NEVER_FIRES,
            grade=Grade.WARNING,
            sentence=f"Over {span(pair.long)} and {span(pair.short)} it can never fire, not even "
            f"when every request fails: {_asks(pair, budget)}. {mend}",
        )


def _asks(pair: Window, budget: float) -> str:
    needed = render(pair.factor * budget, Unit.RATIO)
    return f"{pair.factor:g} times a budget of {render(budget, Unit.RATIO)} is {needed} of them"


def _beyond(condition: Threshold | Spans) -> Iterator[Finding]:
    title, unit, (low, high) = _watched(condition)
    bound = condition.bound
    shown = render(bound, unit)
    if condition.comparison is Comparison.ABOVE:
        never, always = bound >= high, bound < low
    else:
        never, always = bound <= low, bound > high
    end = high if condition.comparison is Comparison.ABOVE else low
    if never:
        yield Finding(
            check=Check.NEVER_FIRES,
            grade=Grade.ERROR,
            sentence=f"It can never fire: {title} never goes {condition.comparison} "
            f"{render(end, unit)}, and the threshold is {shown}. Move the "
            "threshold.",
        )
    if always:
        yield Finding(
            check=Check.ALWAYS_FIRES,
            grade=Grade.ERROR,
            sentence=f"It always fires: {title} is {condition.comparison} {shown} whatever "
            "happens. Move the threshold, or turn the comparison round.",
        )


def _too_far(condition: Drift) -> Iterator[Finding]:
    """Yield a change that the signal has no room for, or a baseline that is an anecdote."""
    about, bound = condition.about, condition.bound
    low, high = limits(about)
    title, side = about.title, condition.comparison
    if condition.measure is Measure.ABSOLUTE:
        never = bound >= high - low
        why = f"{title} only goes from {render(low, about.unit)} to {render(high, about.unit)}"
    else:
        never = side is Comparison.BELOW and low >= 0 and bound >= 1
        why = f"{title} cannot fall by more than all of what it was"
    if never:
        yield Finding(
            check=Check.NEVER_FIRES,
            grade=Grade.ERROR,
            sentence=f"It can never fire: {why}, and the change is to be more than "
            f"{condition.said(bound)}. Choose a smaller one.",
        )
    if not condition.baseline_requests and (about.unit is Unit.RATIO or about.name in LATENCY):
        yield Finding(
            check=Check.LITTLE_TRAFFIC,
            grade=Grade.WARNING,
            sentence=f"A single request {span(condition.offset)} before is baseline enough: say "
            "how many it takes, such as 20.",
        )


def _watched(condition: Threshold | Spans) -> tuple[str, Unit, tuple[float, float]]:
    """Return what is watched, its unit, and the least and the most that it can be."""
    if isinstance(condition, Threshold):
        about = condition.about
        return about.title, about.unit, limits(about)
    unit = condition.measure.unit
    # A sum of attributes may be of numbers below zero.
    low = -math.inf if condition.measure.of.startswith(ATTRIBUTE) else 0.0
    return condition.measure.title, unit, (low, 1.0 if unit is Unit.RATIO else math.inf)


def limits(signal: Signal) -> tuple[float, float]:
    """Return the least and the most that a signal can be."""
    if signal.name == "eval_score":
        return 0.0, 100.0
    match signal.unit:
        case Unit.RATIO:
            return 0.0, 1.0
        case Unit.POINTS:
            return -math.inf, math.inf
        case _:
            return 0.0, math.inf


def _split(condition: AnyCondition) -> Iterator[Finding]:
    for label in _split_by(condition):
        if label.removeprefix(ATTRIBUTE).lower().replace(".", "_") in BOUNDLESS:
            yield Finding(
                check=Check.CARDINALITY,
                grade=Grade.WARNING,
                sentence=f"One alert for each {label} is one for every request or person: split "
                "by something that has few values, such as feature or model.",
            )


def _split_by(condition: AnyCondition) -> tuple[str, ...]:
    if isinstance(condition, Promql):
        return tuple(sorted(names(condition.expression).grouped))
    by: tuple[str, ...] = getattr(condition, "by", ())
    return by


def _people(rule: Written) -> Iterator[Finding]:
    if rule.owner.strip().lower() in NOBODY:
        yield Finding(
            check=Check.NO_OWNER,
            grade=Grade.WARNING,
            sentence="Nobody owns it: name who keeps its threshold honest, or it will be muted "
            "instead of mended.",
        )
    if not rule.runbook_url and not any(rule.annotations.get(name) for name in RUNBOOKS):
        yield Finding(
            check=Check.NO_RUNBOOK,
            grade=Grade.WARNING if rule.severity in URGENT else Grade.HINT,
            sentence="It has no runbook: link a page that tells whoever is woken what to do first.",
        )
