"""Which metric and label names a server has, by whichever of its doors is open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signals import Reading, UnreachableError
from signals.prometheus_faults import NotThereError
from signals.promql import quote, selector

MOST_NAMES = 20_000


class Evaluate(Protocol):
    """Returns the vector that PromQL yields; raises SignalError."""

    def __call__(self, expression: str, *, at: datetime) -> Reading:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one server; see `signals.discovery.Catalogue`.

    `/api/v1/metadata` is not asked: VictoriaMetrics and most gateways have none, and names and
    labels alone tell every stack that we know from the others.

    Attributes:
        get: Returns the data behind a path below `/api/v1`; raises SignalError.
        evaluate: Evaluates PromQL.
    """

    get: Callable[[str, Mapping[str, str]], Any]
    evaluate: Evaluate

    def names(self, prefixes: str, *, start: datetime, end: datetime) -> frozenset[str]:
        """Return the metric names that match `prefixes`, and were there in that time.

        Where only queries are let through, those of the last five minutes.
        """
        matching = f"{{__name__=~{quote(prefixes)}}}"
        try:
            return self._told("label/__name__/values", matching, start, end)
        except NotThereError:
            counted = f"count by (__name__) ({matching})"
            named = f'label_replace({counted}, "name", "$1", "__name__", "(.*)")'
            found = self.evaluate(named, at=end).samples
            return frozenset(sample.labels.get("name", "") for sample in found)

    def labels(self, metric: str, *, start: datetime, end: datetime) -> frozenset[str]:
        """Return the label names of a metric.

        Raises:
            NotThereError: The server does not tell labels.
            SignalError: It does not tell these, or did not answer.
        """
        return self._told("labels", selector(metric), start, end)

    def _told(self, path: str, matching: str, start: datetime, end: datetime) -> frozenset[str]:
        words = self.get(
            path,
            {
                "match[]": matching,
                "start": f"{start.timestamp():.0f}",
                "end": f"{end.timestamp():.0f}",
                "limit": str(MOST_NAMES),
            },
        )
        if not isinstance(words, list):
            raise UnreachableError(f"the server tells no names at /api/v1/{path}: check the URL")
        return frozenset(map(str, words))
