"""What a rule makes of data states, as fields that widgets hold, and in words. Pure.

A part of `app.rule_form`, and in its terms. An empty field is a state for which nothing is chosen.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from alerts.conditions import AnyCondition, parse_condition
from alerts.datastates import KEPT, NAMED, DataStates, field_of
from app import condition_form, numbers
from app.condition_form import Fields, FormError
from models.tables import Alert
from models.vocabulary import AlertState, DataChoice, DataState

WORDS: Final = {
    DataChoice.KEEP: "Keep last: leave alerts as they are",
    DataChoice.ALERT: "Alert: it is the breach",
    DataChoice.RESOLVE: "Resolve: it is health",
    DataChoice.SAY: "Say so: keep last, and warn that the rule is blind",
    DataChoice.USE: "Use what there is, though it is old",
}
MEANINGS: Final = {
    DataState.NO_SERIES: "The source answers, but nothing of that name and scope exists.",
    DataState.NO_TRAFFIC: "The series exist, but nothing happened in the window.",
    DataState.QUERY_ERROR: "The source refuses the question.",
    DataState.UNREACHABLE: "The source does not answer in time.",
    DataState.STALE: "The source answers, but for two minutes nothing new has reached it: its "
    "scrapes fail, or what is written to it from afar stands still. Only of a Prometheus it can be "
    "told.",
}
_SHORT: Final = {
    DataChoice.KEEP: "keep last",
    DataChoice.ALERT: "alert",
    DataChoice.RESOLVE: "resolve",
    DataChoice.SAY: "keep last and say so",
    DataChoice.USE: "use what there is",
}


def fields_of(states: DataStates) -> Fields:
    """Return the fields that show `states`."""
    return {_field(state): states.of(state) or "" for state in NAMED}


def read(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the choices that the fields write, as data, without those that the kind leaves none.

    What was chosen for another kind stays in its field and has no effect.
    """
    settled, _ = by_kind(fields)
    return {
        field_of(state): choice
        for state in NAMED
        if (choice := fields.get(_field(state))) and settled.of(state) is None
    }


def by_kind(fields: Mapping[str, Any]) -> tuple[DataStates, DataStates]:
    """Return what the kind of rule settles, and what is usual for it."""
    try:
        condition = parse_condition(condition_form.read(fields))
    except (FormError, ValidationError):
        return DataStates(), KEPT
    return condition.settled, condition.usual


def options(state: DataState) -> Sequence[str]:
    """Return what can be chosen for a state, nothing first."""
    most = [choice for choice in DataChoice if choice is not DataChoice.USE]
    return ["", *most, *([DataChoice.USE] if state is DataState.STALE else [])]


def said(choice: str, settled: DataChoice | None, usual: DataChoice | None) -> str:
    """Return a choice in words; where none is made, what holds instead."""
    if settled is not None:
        return f"Settled by this kind: {_SHORT[settled]}"
    if not choice:
        return f"As usual for this kind: {_SHORT[usual or DataChoice.KEEP]}"
    return WORDS[DataChoice(choice)]


def line(condition: AnyCondition, states: DataStates) -> str:
    """Return what a rule makes of each state, in one line: `no series: keep last, …`."""
    made = {
        state: condition.settled.of(state) or states.of(state) or condition.usual.of(state)
        for state in NAMED
    }
    return ", ".join(f"{state}: {_SHORT[choice]}" for state, choice in made.items() if choice)


def standing(alert: Alert, condition: AnyCondition, states: DataStates, *, now: datetime) -> str:
    """Return in which data state an alert stands and what its rule makes of it; empty for none."""
    state = alert.data_state
    if state is DataState.OK:
        return ""
    made = condition.settled.of(state) or states.of(state) or condition.usual.of(state)
    rule_says = _SHORT[made or DataChoice.KEEP]
    if alert.state is AlertState.RESOLVED:
        return f"It was not seen to end: {state}, of which its rule says: {rule_says}."
    lasts = f" for {numbers.coarse(now - alert.data_since)}" if alert.data_since else ""
    return f"It cannot be seen{lasts}: {state}, of which its rule says: {rule_says}."


def _field(state: DataState) -> str:
    return f"on_{field_of(state)}"
