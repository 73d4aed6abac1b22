"""Which stacks' names a server has, and so who answers for each signal.

Looked up when the server is first asked, soon again while names still appear, and every five
minutes in the end. What was once found stays: a stack that is down answers "no series" and not
"nobody knows", and a server that is down changes nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from signals import Query, QueryError, SignalError
from signals.packs import PACKS, Pack
from signals.prometheus_faults import SilentError
from signals.promql import Asked
from signals.recipes import Recipe, recipe
from signals.spelling import Inventory, names_of, prefixes, probe, spell, spellings

logger = logging.getLogger(__name__)

REMEMBERED = timedelta(days=7)
LIVE = timedelta(days=1)
FIRST_AGAIN = timedelta(seconds=5)
KNOWN_FOR = timedelta(minutes=5)
NOTHING_FOR = timedelta(seconds=15)  # nobody waits five minutes for the first number
MOST_LABELLED = 100  # names whose labels are looked up


class Catalogue(Protocol):
    """A server that tells which names it has."""

    def names(self, prefixes: str, *, start: datetime, end: datetime) -> frozenset[str]:
        """Return the metric names that match the regular expression; raises SignalError."""
        ...

    def labels(self, metric: str, *, start: datetime, end: datetime) -> frozenset[str]:
        """Return the label names of the series called `metric`; raises SignalError."""
        ...


class Answerer(Protocol):
    """What can ask for one signal: a pack's recipe, or a user's own mapping."""

    @property
    def title(self) -> str:
        """Return whose numbers these are."""
        ...

    @property
    def created(self) -> tuple[str, ...]:
        """Return the names of what says when its counters were created."""
        ...

    def lacking(self, labels: Sequence[str]) -> list[str]:
        """Return those of `labels` that it can be neither scoped nor split by."""
        ...

    def ask(self, query: Query, *, grown: bool = False) -> Asked:
        """Return what to ask in the place of `query`; raises QueryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known of one server.

    Attributes:
        inventory: Its names; None while it never told any.
        stacks: The packs whose metrics it has, the preferred first.
        recipes: By signal, everything that can answer for it, the preferred first.
        looked_at: When it last told; None if it never did.
        error: Why it did not tell when it was last asked; empty if it did.
    """

    inventory: Inventory | None = None
    stacks: tuple[Pack, ...] = ()
    recipes: Mapping[str, tuple[Recipe, ...]] = field(default_factory=dict)
    looked_at: datetime | None = None
    error: str = ""


class Discovery:
    """The findings on one server, renewed when they are due. One object serves all threads.

    Args:
        catalogue: The server.
        packs: What to look for, the preferred first.
        own: Returns the user's own mappings, by signal; they come before any pack.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        packs: Sequence[Pack] = PACKS,
        own: Callable[[], Mapping[str, Answerer]] = dict,
    ) -> None:
        self._catalogue = catalogue
        self._packs = tuple(packs)
        self._own = own
        self._lock = Lock()
        # Until the server tells, the first pack is taken to be there: blindness is then said to be
        # blindness, instead of being answered from another source.
        assumed = self._packs[:1]
        self._findings = Findings(recipes=_recipes(assumed, None))
        self._asked_at: datetime | None = None
        self._pause = timedelta()

    @property
    def findings(self) -> Findings:
        """Return what is known, without asking."""
        return self._findings

    def look(self, *, at: datetime) -> None:
        """Look what the server has, if that is due at `at`.

        The first who come wait for the answer; later ones go on with what was known. A server
        that answers and does not tell is no failure: its error is in the findings.

        Raises:
            SilentError: It did not answer; who looked need not wait for it a second time.
        """
        if not self._lock.acquire(blocking=self._asked_at is None):
            return
        try:
            if self._is_due(at):
                self._asked_at = at
                self._look(at)
        finally:
            self._lock.release()

    def answerer(self, signal: str, labels: Sequence[str]) -> Answerer:
        """Return who answers for `signal` with `labels`: the user's own mapping, or a pack.

        Raises:
            QueryError: Nobody does; the message says what is missing.
        """
        own = self._own().get(signal)
        candidates: Sequence[Answerer] = (own,) if own else self._findings.recipes.get(signal, ())
        for candidate in candidates:
            if not candidate.lacking(labels):
                return candidate
        if not candidates:
            raise QueryError(f"no stack that this server knows has the signal {signal}")
        first = candidates[0]
        lacking = ", ".join(first.lacking(labels))
        raise QueryError(f"the {first.title} metrics have {signal} without the label {lacking}")

    @property
    def created(self) -> tuple[str, ...]:
        """Return the names of everything that says when counters were created."""
        recipes = (r for several in self._findings.recipes.values() for r in several)
        return tuple(sorted({name for r in recipes for name in r.created}))

    @property
    def heartbeats(self) -> tuple[str, ...]:
        """Return the sample names whose newest samples date the data."""
        found = self._findings
        if found.inventory is None:
            return tuple(sample for pack in self._packs[:1] for sample in _beats(pack, None))
        return tuple(sample for pack in found.stacks for sample in _beats(pack, found.inventory))

    def _is_due(self, at: datetime) -> bool:
        asked_at = self._asked_at
        return asked_at is None or at - asked_at >= self._pause

    def _longer(self) -> timedelta:
        most = KNOWN_FOR if self._findings.stacks else NOTHING_FOR
        return min(max(2 * self._pause, FIRST_AGAIN), most)

    def _look(self, at: datetime) -> None:
        before = self._findings
        try:
            inventory = _merged(before.inventory, self._taken(at))
        except SignalError as error:
            self._findings = replace(before, error=str(error))
            self._pause = self._longer()
            if isinstance(error, SilentError):
                raise
            return
        if inventory == before.inventory:
            self._findings = replace(before, looked_at=at, error="")
            self._pause = self._longer()
            return
        stacks = tuple(pack for pack in self._packs if _is_there(pack, inventory))
        self._findings = Findings(
            inventory=inventory,
            stacks=stacks,
            recipes=_recipes(stacks, inventory),
            looked_at=at,
        )
        self._pause = FIRST_AGAIN
        logger.info("stacks found=%s", ",".join(pack.name for pack in stacks) or "none")

    def _taken(self, at: datetime) -> Inventory:
        known = names_of(self._packs)
        matching = prefixes(known)
        ask = self._catalogue
        names = ask.names(matching, start=at - REMEMBERED, end=at) & known
        live = ask.names(matching, start=at - LIVE, end=at) & known
        return Inventory(names=names, live=live & names, labels=self._labels(names, at))

    def _labels(self, names: frozenset[str], at: datetime) -> dict[str, frozenset[str]]:
        labels = {}
        for name in sorted(_labelled(self._packs) & names)[:MOST_LABELLED]:
            try:
                labels[name] = self._catalogue.labels(name, start=at - REMEMBERED, end=at)
            except SilentError:
                raise
            except QueryError:
                continue  # too many series, perhaps: what the pack says must do
            except SignalError:
                break  # a server that tells no labels does not tell the next ones either
        return labels


def _merged(before: Inventory | None, now: Inventory) -> Inventory:
    """Return what is known after another look: names and labels are remembered, life is not."""
    if before is None:
        return now
    labels = {
        name: before.labels.get(name, frozenset()) | now.labels.get(name, frozenset())
        for name in before.labels.keys() | now.labels.keys()
    }
    return Inventory(names=before.names | now.names, live=now.live, labels=labels)


def _recipes(packs: Iterable[Pack], inventory: Inventory | None) -> dict[str, tuple[Recipe, ...]]:
    """Return by signal what can answer: what is alive first, then as preferred."""
    found: dict[str, list[Recipe]] = {}
    for pack in packs:
        for signal in pack.signals:
            if one := recipe(pack, signal, inventory):
                found.setdefault(signal, []).append(one)
    return {
        signal: tuple(sorted(several, key=lambda one: not one.is_live))
        for signal, several in found.items()
    }


def _is_there(pack: Pack, inventory: Inventory) -> bool:
    return any(_beats(pack, inventory, mark) for mark in pack.marks)


def _beats(pack: Pack, inventory: Inventory | None, mark: str = "") -> list[str]:
    """Return the sample names of a pack's heartbeat, or of another metric, on a server."""
    metric = pack.metrics[mark or pack.heartbeat]
    return [probe(metric, one.spelling) for one in spell(metric, inventory)]


def _labelled(packs: Iterable[Pack]) -> set[str]:
    """Return the sample names whose labels matter."""
    metrics = {metric for pack in packs for metric in pack.metrics.values()}
    return {probe(metric, spelling) for metric in metrics for spelling in spellings(metric)}
