"""Which source is asked: the first that has the signal with the labels of the question."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from signals import Query, QueryError, Source
from signals.catalog import CATALOG
from signals.measures import ATTRIBUTE, Measure


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources there are, in order of preference.

    Metrics come before traces: they are cheaper to ask, and complete where traces are sampled.
    Traces answer for what metrics must not have a label for, such as tenants.
    """

    sources: tuple[Source, ...] = ()

    def route(self, query: Query) -> Source:
        """Return the first source that answers `query`.

        Raises:
            QueryError: None does; the message says what is missing.
        """
        for source in self.sources:
            if source.answers(query):
                return source
        raise QueryError(self._explain(query))

    def _explain(self, query: Query) -> str:
        signal = query.signal
        if query.measure is not None:
            return self._explain_measure(query, query.measure)
        if signal not in CATALOG:
            return f"there is no signal {signal}; there are {', '.join(CATALOG)}"
        if not self.sources:
            return f"nobody to ask for {signal}: connect a Prometheus or send traces"
        knowing = [s for s in self.sources if s.answers(replace(query, scope=(), by=()))]
        if not knowing:
            return f"{_names(self.sources)} cannot tell {signal}: connect a source that can"
        lacks = "; ".join(f"{s.name} has it without {_missing(s, query)}" for s in knowing)
        return f"nobody can tell {signal} by {_spelled(_labels(query))}: {lacks}"

    def _explain_measure(self, query: Query, measure: Measure) -> str:
        alone = replace(query, scope=(), by=())
        knowing = next((one for one in self.sources if one.answers(alone)), None)
        if knowing is None:
            return f"{measure.words}: only the embedded trace store can tell"
        lacking = _missing(knowing, query)
        return (
            f"{knowing.name} cannot tell {measure.words} by {lacking}: an attribute is written "
            f"`{ATTRIBUTE}…`"
        )


def _labels(query: Query) -> list[str]:
    return list(dict.fromkeys([*(name for name, _ in query.scope), *query.by]))


def _missing(source: Source, query: Query) -> str:
    """Return the labels that `source` lacks for the signal of `query`."""
    alone = replace(query, scope=())
    missing = [name for name in _labels(query) if not source.answers(replace(alone, by=(name,)))]
    return _spelled(missing) if missing else "these labels together"


def _spelled(labels: list[str]) -> str:
    return f"the label {labels[0]}" if len(labels) == 1 else f"the labels {', '.join(labels)}"


def _names(sources: Iterable[Source]) -> str:
    return " and ".join(source.name for source in sources)
