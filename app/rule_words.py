"""What the list of rules says about each: what it watches and how it fares. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import ValidationError

from alerts import rulebook
from alerts.conditions import AnyCondition, parse_condition
from app import numbers, watching
from models.tables import Policy, Rule
from signals.units import span

Known = tuple[Rule, Policy]


def condition_of(rule: Rule) -> AnyCondition | None:
    """Return what the rule watches; None when a newer or older version of Wakeful wrote it."""
    try:
        return parse_condition(rule.condition)
    except ValidationError:
        return None


def watches(rule: Rule) -> str:
    """Return what the rule watches and how patient it is, in one line."""
    condition = condition_of(rule)
    if condition is None:
        return "This version cannot read its condition: edit it, or import it again."
    patience = watching.patience(rule.hold, rule.keep_firing)
    return ", ".join(part for part in (watching.sentence(condition), patience) if part)


def looked_after(rule: Rule, policy: Policy, *, now: datetime) -> str:
    """Return who answers for the rule, whom it tells, and when it was last evaluated."""
    every = span(timedelta(seconds=rule.interval_seconds))
    last = numbers.age(rule.evaluated_at, now=now)
    checked = f"evaluated {last}, every {every}" if rule.enabled else "switched off"
    kept = f" · kept in {rulebook.origin_of(rule)}" if rule.source_file else ""
    return f"owner {rule.owner} · policy {policy.name} · {checked}{kept}"


def matching(rules: Iterable[Known], text: str) -> list[Known]:
    """Return the rules in whose words every word of `text` occurs."""
    wanted = text.lower().split()
    return [known for known in rules if all(word in _words(*known) for word in wanted)]


def _words(rule: Rule, policy: Policy) -> str:
    labels = " ".join(f"{name}={value}" for name, value in rule.labels.items())
    said = (rule.name, rule.owner, rule.summary, rule.severity, policy.name, watches(rule), labels)
    return " ".join(said).lower()
