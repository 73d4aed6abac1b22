"""Rules made of other rules: what they name, whether that makes sense, and how many of it fire."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from math import ceil
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from alerts.conditions import Composite
from models.tables import Alert, Rule
from signals import QueryError

KIND = "composite"
Parts = Mapping[str, Sequence[str]]  # by the name of a rule, those it names; of others nothing


def parts_of(condition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rules that a stored condition names."""
    return tuple(condition.get("rules", ())) if condition.get("kind") == KIND else ()


def fault(name: str, parts: Parts) -> str:
    """Return why a rule cannot be made of its parts: one is unknown, or it is its own; or "".

    Args:
        name: The rule.
        parts: All rules there are, this one as it would be.
    """
    for part in parts[name]:
        if part not in parts:
            return f"there is no rule named {part!r} to be made of"
    if circle := _circle(name, parts):
        return f"it would be made of itself: {' -> '.join(circle)}"
    return ""


def in_order(conditions: Mapping[str, object]) -> list[str]:
    """Return names of rules so that each comes after those it is made of.

    Raises:
        RecursionError: They are made of each other: see `fault`.
    """
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        condition = conditions.get(name)
        if name not in depths:
            found = condition.rules if isinstance(condition, Composite) else ()
            depths[name] = 1 + max(map(depth, found), default=-1)
        return depths[name]

    return sorted(conditions, key=depth)


def refusal(session: Session, condition: object, *, name: str, was: str) -> str:
    """Return why a rule cannot be so: what it is made of, or its new name; or "".

    Args:
        session: On the database that has the other rules.
        condition: What it watches from now on.
        name: Its name from now on.
        was: Its name so far.
    """
    if name == was and not isinstance(condition, Composite):
        return ""
    parts = _kept(session)
    wholes = sorted(one for one, named in parts.items() if was in named and one != was)
    if name != was and wholes:
        return f"{wholes[0]!r} is made of {was!r} by this name: take it out there first"
    if not isinstance(condition, Composite):
        return ""
    others = {one: named for one, named in parts.items() if one != was}
    return fault(name, {**others, name: condition.rules})


def firing_over(
    session: Session, names: Iterable[str], *, start: datetime, end: datetime, step: timedelta
) -> list[int]:
    """Return how many of the rules fire at `start`, `start + step` … `end`.

    A rule fires while it has an alert that does, acknowledged or not; as far back as alerts are
    kept.

    Raises:
        QueryError: One of them is gone or switched off.
    """
    ids, count = _ids(session, names), (end - start) // step + 1
    asked = select(Alert.rule_id, Alert.fired_at, Alert.resolved_at).where(
        col(Alert.rule_id).in_(ids),
        col(Alert.fired_at) <= end,
        or_(col(Alert.resolved_at).is_(None), col(Alert.resolved_at) > start),
    )
    changes = {rule_id: [0] * (count + 1) for rule_id in ids}
    for rule_id, fired_at, resolved_at in session.exec(asked):
        if fired_at is None:
            continue
        first = max(0, ceil((fired_at - start) / step))
        last = count if resolved_at is None else min(count, ceil((resolved_at - start) / step))
        if first < last:
            changes[rule_id][first] += 1
            changes[rule_id][last] -= 1
    alerts = [list(accumulate(of_rule))[:count] for of_rule in changes.values()]
    return [sum(number > 0 for number in numbers) for numbers in zip(*alerts, strict=True)]


def _kept(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the parts of every rule, by name."""
    rows = session.exec(select(Rule.name, Rule.condition))
    return {name: parts_of(condition) for name, condition in rows}


def _ids(session: Session, names: Iterable[str]) -> list[int]:
    wanted = list(names)
    asked = select(Rule.name, Rule.id, Rule.enabled).where(col(Rule.name).in_(wanted))
    found = {name: (rule_id, enabled) for name, rule_id, enabled in session.exec(asked)}
    for name in wanted:
        if name not in found:
            raise QueryError(f"there is no rule named {name!r} any more")
        if not found[name][1]:
            raise QueryError(f"the rule {name!r} is switched off, so that it cannot fire")
    return [rule_id for rule_id, _ in found.values() if rule_id is not None]


def _circle(name: str, parts: Parts) -> list[str]:
    """Return a way from a rule to itself, shortest first; empty if there is none."""
    ways, seen = [[name]], set[str]()
    while ways:
        way = ways.pop(0)
        for part in parts.get(way[-1], ()):
            if part == name:
                return [*way, name]
            if part not in seen:
                seen.add(part)
                ways.append([*way, part])
    return []
