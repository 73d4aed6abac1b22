"""Several signals of the same requests, answered by one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from signals.traces.from_spans import ANSWERS, COST, Of, shared_facts

Row = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The facts of some of `SHARING`, their values as columns, and where in a row each is.

    Attributes:
        facts: The SELECT of the facts.
        values: SQL of the aggregates.
        known: SQL that says of each x, in the order of `values`, whether it has any fact.
    """

    facts: str
    values: tuple[str, ...]
    known: tuple[str, ...]
    _places: Mapping[str, tuple[int, int | None]]  # column, and which of its quantiles

    @classmethod
    def of(
        cls, signals: Sequence[str], labels: Sequence[str], *, o: str, window: timedelta
    ) -> "Bundle":
        """Return the bundle of `signals`; for `o` and `window` see `Answer.sql`."""
        facts, columns = shared_facts(signals, labels)
        values: list[str] = []
        known: list[str] = []
        places: dict[str, tuple[int, int | None]] = {}
        for column in dict.fromkeys(columns.values()):
            of_it = [one for one in signals if columns[one] == column]
            # All quantiles of an x at once are hardly more than one.
            quantiles = [one for one in of_it if ANSWERS[one].of is Of.QUANTILE]
            if quantiles:
                places |= {one: (len(values), at) for at, one in enumerate(quantiles)}
                wanted = ", ".join(str(ANSWERS[one].q) for one in quantiles)
                values.append(f"quantile_cont({column}, [{wanted}]){o}")
                known.append(f"count({column}) > 0")
            for one in of_it:
                if one not in quantiles:
                    places[one] = (len(values), None)
                    values.append(ANSWERS[one].sql(o=o, before="", window=window, x=column))
                    # Of a cost requests are facts too, whatever it cost.
                    known.append("true" if one == COST else f"count({column}) > 0")
        return cls(facts=facts, values=tuple(values), known=tuple(known), _places=places)

    def value(self, signal: str, values: Row) -> float | None:
        """Return the value of a signal among those of a row."""
        column, quantile = self._places[signal]
        value = values[column]
        if value is None or quantile is None:
            return None if value is None else float(value)
        return None if value[quantile] is None else float(value[quantile])

    def is_known(self, signal: str, known: Row) -> bool:
        """Say whether a signal has any fact, from what a row says of `known`."""
        return bool(known[self._places[signal][0]])
