"""What some traces have in common that others have not: each value's share among both. Pure."""

from collections import Counter
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
        selected, rest: How many of each have it.
        selected_ratio, rest_ratio: Of how many of each, [0, 1].
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
    ours = Counter(pair for trace in selected for pair in _told(trace, fields))
    theirs = Counter(pair for trace in rest for pair in _told(trace, fields))
    found = [
        Share(
            field=field,
            value=value,
            selected=count,
            rest=theirs[field, value],
            selected_ratio=count / len(selected),
            rest_ratio=theirs[field, value] / len(rest),
        )
        for (field, value), count in ours.items()
    ]
    telling = [share for share in found if share.difference > 0]
    return sorted(telling, key=lambda share: (-share.difference, share.field, share.value))[:MOST]


def _told(trace: TraceSummary, fields: Collection[str]) -> Iterator[tuple[str, str]]:
    for field in EXPLAINING:
        if field not in fields:
            continue
        if field == "tools":
            yield from ((field, tool) for tool in trace.tools)
        else:
            yield field, str(getattr(trace, field) or "")
