"""Which alerts people are told of together, and where such a group stands. Pure.

Grouping follows Alertmanager: https://prometheus.io/docs/alerting/latest/alertmanager/#grouping
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.vocabulary import AlertState, Severity

RULE = "rule"  # the label, in `group_by` and in matchers, that stands for the rule's name
WORST_FIRST = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Open alerts of one group that are alike.

    Attributes:
        state: Firing or acknowledged.
        muted: Whether a silence or an inhibition keeps people from being told.
        count: How many there are.
    """

    state: AlertState
    severity: Severity
    muted: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a group stands.

    Attributes:
        state: Firing while nobody has one of its alerts, acknowledged while somebody has each of
            them, resolved once none is open.
        severity: The worst of its open alerts; once resolved, what it was.
        size: How many of its alerts are open.
        muted: Whether all that fire are muted, so that there is nothing to tell.
    """

    state: AlertState
    severity: Severity
    size: int
    muted: bool = False

    @property
    def audible(self) -> bool:
        """Say whether somebody has to be told."""
        return self.size > 0 and self.state is AlertState.FIRING and not self.muted


def standing(members: Iterable[Members], *, before: Severity) -> Standing:
    """Return where a group of `members` stands; `before` is its severity until now."""
    opened = list(members)
    if not opened:
        return Standing(state=AlertState.RESOLVED, severity=before, size=0)
    firing = [m for m in opened if m.state is AlertState.FIRING]
    return Standing(
        state=AlertState.FIRING if firing else AlertState.ACKNOWLEDGED,
        severity=min((m.severity for m in opened), key=WORST_FIRST.index),
        size=sum(m.count for m in opened),
        muted=bool(firing) and all(m.muted for m in firing),
    )


def shared(labels: Mapping[str, str], group_by: Sequence[str] | None) -> dict[str, str]:
    """Return the labels by which an alert is grouped; all of them if each alert is alone.

    Args:
        labels: The alert's, with `rule` for its rule's name.
        group_by: The policy's; a label that the alert lacks counts as empty.
    """
    if group_by is None:
        return dict(labels)
    return {name: labels.get(name, "") for name in group_by}


def key(policy_id: int, labels: Mapping[str, str]) -> str:
    """Return what the open alerts of one group have in common; `labels` are those `shared`."""
    return json.dumps([policy_id, sorted(labels.items())])


def storm_key(policy_id: int) -> str:
    """Return the key of the group that takes what is too much for groups of their own."""
    return json.dumps([policy_id, "storm"])


def vendor_key(dedup_key: str, epoch: int) -> str:
    """Return a group's identity at a vendor that folds events, such as PagerDuty.

    When escalation goes on after an acknowledgement, a trigger under the old key would be folded
    into the acknowledged incident, and nobody woken: each time the key is a new one.
    """
    return f"{dedup_key}-{epoch}" if epoch else dedup_key


def parse_vendor_key(text: str) -> tuple[str, int]:
    """Return the dedup key and the epoch that `vendor_key` made `text` from."""
    start, _, end = text.rpartition("-")
    if start.count("-") and end.isascii() and end.isdigit() and len(end) < 10:
        return start, int(end)
    return text, 0
