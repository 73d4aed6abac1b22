"""The policy form: a policy as fields that widgets hold, and back. Pure.

Steps are known by a number that never changes while one types, so that moving a step up moves
what was typed with it; `order` lists these numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from alerts import durations, ruledraft
from alerts.escalation import Only, Plan
from alerts.policies import OnlyDraft, PolicyDraft, StepDraft
from app import policy_conditions, policy_grouping
from app.rule_form import NEEDED, FormError

DELAYS: Final = ("0s", "20s", "1m", "5m", "10m", "15m", "30m", "1h")
MOST_STEPS: Final = 20
MOST_REPEATS: Final = 20
_NO_CHANNEL: Final = "Tuple should have at least 1 item after validation, not 0"


def of(draft: PolicyDraft) -> dict[str, Any]:
    """Return the fields that show `draft`."""
    fields: dict[str, Any] = {
        "name": draft.name,
        "repeat": draft.repeat,
        "order": list(range(len(draft.steps))),
        "made": len(draft.steps),
        **policy_grouping.fields(draft),
    }
    for number, step in enumerate(draft.steps):
        fields |= step_fields(number, after=durations.write(step.after), channels=step.channels)
        fields |= policy_conditions.fields(step.only, number)
    return fields


def blank() -> dict[str, Any]:
    """Return the fields of a new policy: one step, at once, for nobody yet."""
    head = {"name": "", "repeat": 0, "order": [0], "made": 1}
    always = policy_conditions.fields(OnlyDraft(), 0)
    return head | policy_grouping.fields() | step_fields(0) | always


def step_fields(number: int, *, after: str = "0s", channels: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of one step."""
    return {after_field(number): after, channels_field(number): list(channels)}


def after_field(number: int) -> str:
    """Return the name of the field that holds how long a step waits."""
    return f"after_{number}"


def channels_field(number: int) -> str:
    """Return the name of the field that holds whom a step tells."""
    return f"channels_{number}"


def read_condition(fields: Mapping[str, Any], number: int) -> Only:
    """Return when a step is taken at all.

    Raises:
        FormError: It makes no sense; the message says why.
    """
    try:
        return OnlyDraft.model_validate(policy_conditions.read(fields, number)).only()
    except ValidationError as error:
        raise FormError(ruledraft.why(error)) from error


def read_step(fields: Mapping[str, Any], number: int) -> StepDraft:
    """Return one step.

    Raises:
        FormError: It makes no sense; the message says why.
    """
    try:
        return StepDraft.model_validate(
            {
                "after": fields.get(after_field(number)) or "0s",
                "channels": fields.get(channels_field(number)) or (),
                "only": policy_conditions.read(fields, number),
            }
        )
    except ValidationError as error:
        said = ruledraft.why(error).replace(_NO_CHANNEL, "say whom it tells")
        raise FormError(said.replace("channels.0: ", "")) from error


def read(fields: Mapping[str, Any]) -> PolicyDraft:
    """Return the policy that the fields write.

    Raises:
        FormError: Something in it makes no sense; the message says where and why.
    """
    steps = []
    for place, number in enumerate(fields.get("order") or (), start=1):
        try:
            steps.append(read_step(fields, number))
        except FormError as error:
            raise FormError(f"step {place}: {error}") from error
    together = policy_grouping.read(fields)
    if fields.get("grouping") == policy_grouping.BY_LABELS and not together["group_by"]:
        raise FormError("choose at least one label to tell alerts together by")
    try:
        return PolicyDraft(
            name=fields.get("name") or "",
            repeat=int(fields.get("repeat") or 0),
            steps=tuple(steps),
            **together,
        )
    except ValidationError as error:
        raise FormError(ruledraft.why(error).replace(NEEDED, "is needed")) from error


def plan(draft: PolicyDraft) -> Plan:
    """Return the draft as the engine would walk it."""
    return Plan(steps=tuple(step.step() for step in draft.steps), repeat=draft.repeat)


def total(draft: PolicyDraft) -> timedelta:
    """Return how long the first round takes until the last step."""
    return sum((step.after for step in draft.steps), timedelta())
