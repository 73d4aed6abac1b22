"""How a policy's alerts are told together, and for how long somebody may have them. Pure.

As fields that widgets hold, and back.
"""

from collections.abc import Mapping
from typing import Any, Final

from alerts import durations
from alerts.policies import PolicyDraft
from models.vocabulary import Severity

ALONE: Final = "Each alert alone"
BY_LABELS: Final = "By labels"
ALL: Final = "All in one"
HOW: Final = {
    ALONE: "Each alert has messages and an incident of its own.",
    BY_LABELS: "Alerts with the same values of these labels share one message and one incident.",
    ALL: "All open alerts of this policy share one message and one incident.",
}
NEVER: Final = "never"


def timeout_field(severity: Severity) -> str:
    """Return the name of the field that holds how long an acknowledgement lasts."""
    return f"ack_{severity.value}"


def fields(draft: PolicyDraft | None = None) -> dict[str, Any]:
    """Return the fields that show `draft`, or those of a new policy."""
    values = draft or PolicyDraft.model_construct(name="", steps=())
    return {
        "grouping": ALONE if values.group_by is None else BY_LABELS if values.group_by else ALL,
        "group_by": list(values.group_by or ()),
        "group_wait": durations.write(values.group_wait),
        "group_interval": durations.write(values.group_interval),
        "storm_limit": values.storm_limit,
        **{timeout_field(one): _written(values, one) for one in Severity},
    }


def read(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields write, for PolicyDraft to judge."""
    grouping = found.get("grouping") or ALONE
    limit = found.get("storm_limit")
    chosen = {one: found.get(timeout_field(one)) or NEVER for one in Severity}
    return {
        "group_by": None if grouping == ALONE else _labels(found) if grouping == BY_LABELS else (),
        "group_wait": found.get("group_wait") or "0s",
        "group_interval": found.get("group_interval") or "0s",
        "storm_limit": PolicyDraft.model_fields["storm_limit"].default if limit is None else limit,
        "ack_timeouts": {one: after for one, after in chosen.items() if after != NEVER},
    }


def _labels(found: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(name).strip() for name in found.get("group_by") or ())


def _written(draft: PolicyDraft, severity: Severity) -> str:
    after = draft.ack_timeouts.get(severity)
    return NEVER if after is None else durations.write(after)
