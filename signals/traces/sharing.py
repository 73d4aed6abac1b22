"""What some traces have in common that others have not: each value's share among both. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from signals.traces import TraceSummary

# Fields of TraceSummary that may explain why a request went wrong.
EXPLAINING = (
    *("model", "provider", "feature", "tenant", "prompt_version"),
    *("status", "outcome", "tools"),
)
MOST = 15  # as many as anybody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One value of one field, among the selected and among the rest.

    Attributes:
        field: Of `EXPLAINING`.
        value: Empty for traces that do not say.
        selected, rest: How many of each have it, among those listed.
        selected_ratio, rest_ratio: Of how many of each, [0, 1]; a trace that stands for several
            counts as so many.
    """

    field: str
    value: str
    selected: int
    rest: int
    selected_ratio: float
    rest_ratio: float

    @property
    def difference(self) -> float:
        """Return how much more of the selected have it, [-1, 1]."""
        return self.selected_ratio - self.rest_ratio


def shares(
    selected: Sequence[TraceSummary],
    rest: Sequence[TraceSummary],
    *,
    fields: Collection[str] = EXPLAINING,
) -> list[Share]:
    """Return the values that more of the selected have, the greatest difference first.

    Args:
        selected: The traces to explain; without any, or without a rest, nothing differs.
        rest: Those to hold them against.
        fields: Of `EXPLAINING`, those that the store lists and that did not select.
    """
    if not selected or not rest:
        return []
    ours, theirs = _counted(selected, fields), _counted(rest, fields)
    our_weight = sum(trace.weight for trace in selected)
    their_weight = sum(trace.weight for trace in rest)
    none = _Counted()
    found = [
        Share(
            field=field,
            value=value,
            selected=count.traces,
            rest=theirs.get((field, value), none).traces,
            selected_ratio=count.weight / our_weight,
            rest_ratio=theirs.get((field, value), none).weight / their_weight,
        )
        for (field, value), count in ours.items()
    ]
    telling = [share for share in found if share.difference > 0]
    return sorted(telling, key=lambda share: (-share.difference, share.field, share.value))[:MOST]


@dataclass(slots=True)
class _Counted:
    traces: int = 0
    weight: int = 0


def _counted(
    traces: Sequence[TraceSummary], fields: Collection[str]
) -> dict[tuple[str, str], _Counted]:
    found: dict[tuple[str, str], _Counted] = defaultdict(_Counted)
    for trace in traces:
        for pair in _told(trace, fields):
            found[pair].traces += 1
            found[pair].weight += trace.weight
    return found


def _told(trace: TraceSummary, fields: Collection[str]) -> Iterator[tuple[str, str]]:
    for field in EXPLAINING:
        if field not in fields:
            continue
        if field == "tools":
            yield from ((field, tool) for tool in trace.tools)
        else:
            yield field, str(getattr(trace, field) or "")
