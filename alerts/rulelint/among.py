"""What a rule is beside the other rules: the same once more, or an SLO too many. Pure."""

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from alerts.conditions import AnyCondition, BurnRate, Composite, Promql
from alerts.rulelint import Check, Finding, Grade, Written, itself
from models.vocabulary import Needed
from signals.units import span

# "Pick 3-4 of these for your SLO. Too many and none get met."
# Source: Observability in Production, on SLOs.
MOST_SLOS = 4


class Others:
    """Rules that others are held against, looked up by what they watch: there may be thousands.

    One that is switched off tells nobody and guards nothing.

    Args:
        rules: Each behind what tells it apart.
    """

    def __init__(self, rules: Iterable[tuple[Hashable, Written]]) -> None:
        self._same: dict[Hashable, list[tuple[Hashable, Written]]] = defaultdict(list)
        self._slos: dict[str, list[tuple[Hashable, Hashable]]] = defaultdict(list)
        self._named: dict[str, Written] = {}
        for key, rule in rules:
            self._named[rule.name] = rule
            if not rule.enabled:
                continue
            self._same[_subject(rule.condition)].append((key, rule))
            if (slo := _slo(rule.condition)) is not None:
                self._slos[rule.owner].append((key, slo))

    def findings(self, rule: Written, key: Hashable) -> list[Finding]:
        """Return what is wrong with a rule beside the others; `key` is its own among them."""
        parts = self._parts(rule.condition) if isinstance(rule.condition, Composite) else ()
        return [*self._duplicate(rule, key), *self._many(rule, key), *parts]

    def _parts(self, condition: Composite) -> Iterator[Finding]:
        """Yield what the rules that a composite is made of make of it."""
        there = {name: self._named[name] for name in condition.rules if name in self._named}
        off = [name for name, rule in there.items() if not rule.enabled]
        if off:
            yield Finding(
                check=Check.NEVER_FIRES,
                grade=Grade.ERROR,
                sentence=f"It is not evaluated while {off[0]!r} is switched off: switch that on, "
                "or take it out.",
            )
        dead = [name for name, rule in there.items() if _never_fires(rule)]
        if dead and (condition.needed is Needed.ALL or len(dead) == len(condition.rules)):
            yield Finding(
                check=Check.NEVER_FIRES,
                grade=Grade.ERROR,
                sentence=f"It can never fire, for {dead[0]!r} never does: mend that rule, or take "
                "it out.",
            )
        if len(condition.rules) == 1:
            yield Finding(
                check=Check.DUPLICATE,
                grade=Grade.HINT,
                sentence=f"It fires when {condition.rules[0]!r} does: one of the two is enough.",
            )

    def _duplicate(self, rule: Written, key: Hashable) -> Iterator[Finding]:
        same = [one for k, one in self._same.get(_subject(rule.condition), ()) if k != key]
        if not same:
            return
        other = next((one for one in same if one.hold == rule.hold), same[0])
        if other.hold == rule.hold:
            grade, rest = Grade.WARNING, "people are told twice: delete one of the two."
        else:
            grade = Grade.HINT
            rest = f"only waits {span(other.hold)}: one rule may be enough."
        yield Finding(
            check=Check.DUPLICATE,
            grade=grade,
            sentence=f"The rule {other.name!r} watches exactly the same, and {rest}",
        )

    def _many(self, rule: Written, key: Hashable) -> Iterator[Finding]:
        slo = _slo(rule.condition)
        if slo is None:
            return
        known = {other for k, other in self._slos.get(rule.owner, ()) if k != key}
        if slo not in known and len(known) >= MOST_SLOS:
            yield Finding(
                check=Check.TOO_MANY_SLOS,
                grade=Grade.WARNING,
                sentence=f"{rule.owner} has {len(known)} SLOs already, and a dashboard bears 3 to "
                f"{MOST_SLOS}: of too many none is met. Drop one, or give this one to another "
                "owner.",
            )


def _subject(condition: AnyCondition) -> Hashable:
    """Return what a condition amounts to, however it is written."""
    if isinstance(condition, Promql):
        return "promql", " ".join(condition.expression.split())
    data = condition.model_dump(mode="json")
    if "by" in data:
        data["by"] = sorted(data["by"])
    return json.dumps(data, sort_keys=True)


def _never_fires(rule: Written) -> bool:
    found = itself.findings(rule)
    return any(f.check is Check.NEVER_FIRES and f.grade is Grade.ERROR for f in found)


def _slo(condition: AnyCondition) -> Hashable:
    """Return whose objective a condition guards; several rules may guard one. None for none."""
    if not isinstance(condition, BurnRate):
        return None
    scope = tuple(sorted(condition.scope.items()))
    return condition.signal, condition.objective, scope, tuple(sorted(condition.by))
