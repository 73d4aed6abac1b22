"""A term of a pack on one server: which of our labels it has, and how its series are selected."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signals.packs import Label, Pack, Term
from signals.promql import label_name, quote
from signals.spelling import Spelled, label_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where the series of a term carry one of our labels.

    Attributes:
        names: The stack's labels; of several, each series has one. Empty for a constant.
        label: How its values are translated, if they are.
        constant: The value that all of the term's series have.
    """

    names: tuple[str, ...] = ()
    label: Label | None = None
    constant: str | None = None

    @property
    def is_plain(self) -> bool:
        """Say that one label holds our value as it is."""
        return len(self.names) == 1 and self.label is None


@dataclass(frozen=True, kw_only=True, eq=False)
class Bound:
    """A term on one server, under one name of its metric."""

    term: Term
    metric: Spelled
    pack: Pack

    def column(self, name: str) -> Column | None:
        """Return where our label `name` is, or None if the series do not carry it."""
        if (constant := dict(self.term.says).get(name)) is not None:
            return Column(constant=constant)
        if self.term.bare:
            return None
        label = self.pack.labels.get(name)
        if label is not None:
            names = label_of(label, self.metric)
            return Column(names=names, label=label if label.values else None) if names else None
        # Any other label is asked for by the name it has.
        known = self.metric.labels
        return Column(names=(name,)) if known is not None and name in known else None

    def matchers(self, scope: Sequence[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
        """Return the ways to select the series of a scope; none when it excludes them all."""
        ways: list[tuple[str, ...]] = [tuple(self._where())]
        for name, value in scope:
            column = self.column(name)
            if column is None:
                return
            narrowed = list(_narrowed(column, value))
            ways = [(*way, *more) for way in ways for more in narrowed]
        yield from ways

    @property
    def narrowed(self) -> list[str]:
        """Return the stack's labels by which the term is narrowed to begin with."""
        return [
            self.metric.label(name) or self.metric.default_label(name)
            for name, _ in self.term.where
        ]

    def _where(self) -> Iterator[str]:
        for spelled, (_, matcher) in zip(self.narrowed, self.term.where, strict=True):
            operator, value = _split(matcher)
            yield f"{label_name(spelled)}{operator}{quote(value)}"


def _narrowed(column: Column, value: str) -> Iterator[tuple[str, ...]]:
    """Return the ways to select the series that have `value`; none if no series can."""
    if column.constant is not None:
        if column.constant == value:
            yield ()
    elif column.label is not None:
        yield from _translated(column.label, label_name(column.names[0]), value)
    else:
        for place, name in enumerate(column.names):
            without = (f'{label_name(other)}=""' for other in column.names[:place])
            yield (*without, f"{label_name(name)}={quote(value)}")


def _translated(label: Label, name: str, value: str) -> Iterator[tuple[str, ...]]:
    patterns = list(label.values.items())
    if value in label.values:
        place = list(label.values).index(value)
        yield (
            f"{name}=~{quote(label.values[value])}",
            *(f"{name}!~{quote(pattern)}" for _, pattern in patterns[place + 1 :]),
        )
    elif value == label.rest:
        yield tuple(f"{name}!~{quote(pattern)}" for _, pattern in patterns)


def _split(matcher: str) -> tuple[str, str]:
    found = re.match(r"(=~|!~|!=|=)\s*(.*)", matcher, re.DOTALL)
    assert found is not None  # noqa: S101 - the pack was checked when it was loaded
    return found[1], found[2]
