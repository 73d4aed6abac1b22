"""Several trace stores asked side by side: a slow or hanging one holds up nobody.

A page asks, gets an `Inquiry`, and looks at its findings as often as it is drawn:

    inquiry = several.look_up(trace_id)
    for finding in inquiry.findings():   # at once; stores that have not answered are SEARCHING

A store that does not answer in time has failed with a sentence, whatever comes later. While so many
of its late calls are still under way as it has threads, it is not asked again.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Generic, TypeVar

from signals import QueryError, SignalError, UnreachableError
from signals.traces import Abilities, Order, Trace, TraceQuery, TraceStore, TraceSummary
from signals.traces.bounds import check, check_values

logger = logging.getLogger(__name__)

T = TypeVar("T")
THREADS = 4  # calls to one store at a time
PATIENCE = timedelta(seconds=12)  # a little more than each call's own


class State(StrEnum):
    """Where one store stands with a question."""

    SEARCHING = "searching"
    FOUND = "found"
    NOTHING = "nothing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Generic[T]):
    """What one store has to say.

    Attributes:
        store: Who.
        answer: None unless it was found.
        error: One sentence when it failed; empty otherwise.
        abilities: How long the store keeps traces and how late they come, for why one is missing.
    """

    store: str
    state: State
    answer: T | None = None
    error: str = ""
    abilities: Abilities = field(default_factory=Abilities)


@dataclass(slots=True)
class _Desk:
    """One store's threads, and what they are at."""

    store: TraceStore
    threads: ThreadPoolExecutor
    limit: int
    waiting: set[Future[object]] = field(default_factory=set)

    def submit(self, call: Callable[[TraceStore], T | None]) -> "Future[T | None] | SignalError":
        self.waiting = {future for future in self.waiting if not future.done()}
        if len(self.waiting) >= self.limit:
            return UnreachableError(
                f"{self.store.name} is still busy with what it was asked before"
            )
        future = self.threads.submit(call, self.store)
        self.waiting.add(future)  # type: ignore[arg-type]  # a set of futures of anything
        return future


@dataclass(frozen=True, slots=True)
class _Asked(Generic[T]):
    store: TraceStore
    future: "Future[T | None] | SignalError"


class Inquiry(Generic[T]):
    """One question under way. Any thread may look at it, any number of times."""

    def __init__(self, asked: Sequence[_Asked[T]], patience: timedelta) -> None:
        self._asked = asked
        self._patience = patience
        self._deadline = monotonic() + patience.total_seconds()
        self._late: dict[int, Finding[T]] = {}

    @property
    def done(self) -> bool:
        """Say whether no store is searching any more."""
        return all(finding.state is not State.SEARCHING for finding in self.findings())

    def findings(
        self, *, within: timedelta = timedelta(), until_found: bool = False
    ) -> tuple[Finding[T], ...]:
        """Return what each store has said so far, in the order of the stores.

        Args:
            within: Wait so long at most for those that are searching.
            until_found: Wait no longer once one has found something.
        """
        until = min(self._deadline, monotonic() + within.total_seconds())
        while True:
            found = tuple(self._finding(number) for number in range(len(self._asked)))
            searching = [
                asked.future
                for asked, finding in zip(self._asked, found, strict=True)
                if finding.state is State.SEARCHING and isinstance(asked.future, Future)
            ]
            left = until - monotonic()
            enough = until_found and any(finding.state is State.FOUND for finding in found)
            if not searching or enough or left <= 0:
                return found
            wait(searching, timeout=left, return_when=FIRST_COMPLETED)

    def _finding(self, number: int) -> Finding[T]:
        if number in self._late:
            return self._late[number]
        asked = self._asked[number]
        plain: Finding[T] = Finding(
            store=asked.store.name, state=State.SEARCHING, abilities=asked.store.abilities
        )
        future = asked.future
        if isinstance(future, SignalError):
            return replace(plain, state=State.FAILED, error=str(future))
        if not future.done():
            if monotonic() < self._deadline:
                return plain
            future.cancel()
            seconds = self._patience.total_seconds()
            late = f"{asked.store.name} did not answer within {seconds:g} s"
            self._late[number] = replace(plain, state=State.FAILED, error=late)
            return self._late[number]
        try:
            answer = future.result()
        except SignalError as error:
            return replace(plain, state=State.FAILED, error=str(error))
        except Exception:
            logger.exception("store_failed store=%s", asked.store.name)
            fault = f"{asked.store.name} gave an answer that we could not read; the log says why"
            return replace(plain, state=State.FAILED, error=fault)
        if answer is None or answer == []:
            return replace(plain, state=State.NOTHING)
        return replace(plain, state=State.FOUND, answer=answer)


class Several:
    """Many stores as one `TraceStore`, and side by side.

    As one, a trace comes from whichever has it, and a list from the first that can make it; to
    show what each says, use `look_up` and `find`.
    """

    def __init__(
        self,
        stores: Sequence[TraceStore],
        *,
        patience: timedelta = PATIENCE,
        threads: int = THREADS,
    ) -> None:
        self.stores = tuple(stores)
        self.name = " and ".join(store.name for store in self.stores)
        self._patience = patience
        self._desks = [
            _Desk(store, ThreadPoolExecutor(threads, thread_name_prefix=store.name), threads)
            for store in self.stores
        ]

    @property
    def abilities(self) -> Abilities:
        """Return what some store can do."""
        every = [store.abilities for store in self.stores]
        kept = [each.retention for each in every]
        telling = [each for each in every if "attributes" in each.narrows] or every
        return Abilities(
            filters=frozenset().union(*(each.filters for each in every)),
            values=frozenset().union(*(each.values for each in every)),
            orders=tuple(order for order in Order if any(order in each.orders for each in every)),
            narrows=frozenset().union(*(each.narrows for each in every)),
            untold=frozenset.intersection(*(each.untold for each in telling)),
            most_attributes=max(each.most_attributes for each in telling),
            listed=frozenset.intersection(*(each.listed for each in every)),
            signals=frozenset().union(*(each.signals for each in every)),
            estimates=frozenset().union(*(each.estimates for each in every)),
            some=any(each.some for each in every),
            retention=None if None in kept else max(known for known in kept if known),
            lag=max(each.lag for each in every),
            notes=tuple(note for each in every for note in each.notes),
        )

    def look_up(self, trace_id: str) -> Inquiry[Trace]:
        """Ask every store for a trace."""
        return self.ask(lambda store: store.trace(trace_id))

    def find(self, query: TraceQuery) -> Inquiry[list[TraceSummary]]:
        """Ask every store for the traces that match; one that cannot says so."""
        return self.ask(lambda store: store.search(query))

    def ask(self, call: Callable[[TraceStore], T | None]) -> Inquiry[T]:
        """Ask every store something, side by side."""
        asked = [_Asked(desk.store, desk.submit(call)) for desk in self._desks]
        return Inquiry(asked, self._patience)

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace from the first store that has it; see `TraceStore`.

        Raises:
            UnreachableError: No store has it, and some could not tell.
        """
        findings = self.look_up(trace_id).findings(within=self._patience, until_found=True)
        for finding in findings:
            if finding.answer is not None:
                return finding.answer
        errors = [finding.error for finding in findings if finding.error]
        if errors:
            raise UnreachableError("; ".join(errors))
        return None

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces of the first store that can list them so; see `TraceStore`."""
        return self._first(partial(_can_search, query)).search(query)

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of the first store that lists them; see `TraceStore`."""
        able = self._first(
            lambda store: check_values(field, start, end, store.abilities, store.name)
        )
        return able.values(field, start=start, end=end)

    def web_url(self, trace_id: str) -> str | None:  # noqa: ARG002  the protocol's
        """Return None: which store has the trace is known to `look_up` only."""
        return None

    def check(self) -> str:
        """Return what every store says of itself; see `TraceStore`."""
        return "; ".join(store.check() for store in self.stores)

    def close(self) -> None:
        """Let go of the threads and the stores."""
        for desk in self._desks:
            desk.threads.shutdown(wait=False, cancel_futures=True)
            desk.store.close()

    def _first(self, able: Callable[[TraceStore], None]) -> TraceStore:
        """Return the first store for which `able` raises nothing."""
        refusals = []
        for store in self.stores:
            try:
                able(store)
            except QueryError as error:
                refusals.append(str(error))
            else:
                return store
        raise QueryError("; ".join(refusals))


def _can_search(query: TraceQuery, store: TraceStore) -> None:
    check(query, store.abilities, store.name)
