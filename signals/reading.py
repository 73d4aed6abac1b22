"""Asking many questions at one instant: each distinct one once, the sources side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from signals import (
    Expressions,
    Query,
    QueryError,
    Reading,
    SignalError,
    Source,
    UnreachableError,
    offsets,
)
from signals.freshness import Fed, Freshness
from signals.grouping import Answer, Question, plan, share
from signals.routing import Sources


@dataclass(slots=True, kw_only=True)
class _Desk:
    """The threads that ask one source, and the answers they still wait for."""

    name: str
    threads: ThreadPoolExecutor
    waiting: set[Future[Reading]] = field(default_factory=set)
    is_late: bool = False

    def submit(self, fetch: Callable[[], Reading]) -> "_Pending":
        """Start `fetch`, unless the source is not done with an earlier call."""
        if self.is_late:
            late = UnreachableError(f"{self.name} is still busy with what it was asked before")
            return _Pending(name=self.name, future=late)
        future = self.threads.submit(fetch)
        self.waiting.add(future)
        return _Pending(name=self.name, future=future)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A question on its way to the source called `name`, or why it was not sent."""

    name: str
    future: Future[Reading] | SignalError


class Readers:
    """Threads that ask the sources: some for each, so that none waits for another's.

    Serves one caller at a time; close it in the end.

    Args:
        sources: Where golden signals are asked.
        expressions: Where PromQL is asked; None without a Prometheus.
        patience: How long one call may take. A source that was not done by then is not asked
            again until it is: it holds up one call, not every one.
        threads: At most this many questions at a time to each source.
        fed: The sources that get something new every minute, whatever happens, as a Prometheus
            does by its scrapes. Where they do not, their answers say since when. Of others, old
            data mean only that nothing happened.
    """

    def __init__(
        self,
        sources: Sources,
        expressions: Expressions | None = None,
        *,
        patience: timedelta = timedelta(seconds=10),
        threads: int = 8,
        fed: Sequence[Fed] = (),
    ) -> None:
        self._sources = sources
        self._expressions = expressions
        self._patience_seconds = patience.total_seconds()
        self._threads = threads
        self._desks: dict[int, _Desk] = {}
        self._refused: set[Query] = set()
        self._fed = {id(source): Freshness(source) for source in fed}

    def read_all(self, questions: Iterable[Question], *, at: datetime) -> dict[Question, Answer]:
        """Return the answer to every question, a query or PromQL.

        What fails has its SignalError in the place of an answer; none is raised.
        """
        for desk in self._desks.values():
            desk.waiting = {future for future in desk.waiting if not future.done()}
            desk.is_late = bool(desk.waiting)
        distinct = list(dict.fromkeys(questions))
        texts = [question for question in distinct if isinstance(question, str)]
        routed: dict[Query, Source] = {}
        refused: dict[Question, Answer] = {}
        for query in distinct:
            if isinstance(query, Query):
                try:
                    routed[query] = self._sources.route(query)
                except QueryError as error:
                    refused[query] = error
        asked = self._planned(routed)
        pending: dict[Question, _Pending] = {
            query: self._ask(query, at) for query in dict.fromkeys(asked.values())
        }
        pending |= {text: self._evaluate(text, at) for text in texts}
        dated = self._dated(routed)
        looks = [self._look(one, at) for one in dict.fromkeys(dated.values())]
        deadline = monotonic() + self._patience_seconds
        answers = self._wait(pending, deadline, looks)
        if alone := self._unshared(asked, answers):
            asked |= alone
            answers |= self._wait({query: self._ask(query, at) for query in alone}, deadline)
        told = share(asked, answers)
        for query, freshness in dated.items():
            answer, since = told[query], freshness.stale_since(at)
            if since is not None and isinstance(answer, Reading):
                told[query] = replace(answer, stale_since=since)
        return refused | {text: answers[text] for text in texts} | told

    def close(self) -> None:
        """Drop the questions not asked yet, and wait for those that are."""
        for desk in self._desks.values():
            desk.threads.shutdown(cancel_futures=True)

    def _dated(self, routed: Mapping[Query, Source]) -> dict[Query, Freshness]:
        """Return what dates the answer to each query, where anything does."""
        if not self._fed:
            return {}
        found = {}
        for query, source in routed.items():
            freshness = self._fed.get(id(source))
            # An offset asks for the past, which is as old as it is meant to be.
            if freshness and not query.offset and freshness.source.dates(query):
                found[query] = freshness
        return found

    def _look(self, freshness: Freshness, at: datetime) -> Future[None] | None:
        """Have a source's newest data looked up beside the questions, unless it is late."""
        desk = self._desk(freshness.source)
        return None if desk.is_late else desk.threads.submit(freshness.look, at=at)

    def _planned(self, routed: dict[Query, Source]) -> dict[Query, Query]:
        """Return what to ask in the place of each query; itself, if its source cannot split so."""
        sharing: dict[Query, Source | None] = {}
        asked = plan(routed)
        for query, question in asked.items():
            if question not in sharing:
                try:
                    sharing[question] = self._sources.route(question)
                except QueryError:
                    sharing[question] = None
            if sharing[question] is not routed[query] or question in self._refused:
                asked[query] = query
        return asked

    def _unshared(
        self, asked: Mapping[Query, Query], answers: Mapping[Question, Answer]
    ) -> dict[Query, Query]:
        """Return the queries whose shared question was refused, to be asked one by one.

        A split may be more than its source answers at once, such as one by tenant, where each
        single tenant is not. It is remembered, so that it is refused once and not every time.
        """
        alone = {
            query: query
            for query, question in asked.items()
            if question != query and isinstance(answers[question], QueryError)
        }
        self._refused |= {asked[query] for query in alone}
        return alone

    def _ask(self, query: Query, at: datetime) -> _Pending:
        source = self._sources.route(query)
        return self._desk(source).submit(partial(offsets.read, source, query, at=at))

    def _evaluate(self, expression: str, at: datetime) -> _Pending:
        source = self._expressions
        if source is None:
            nobody = QueryError("nobody to ask PromQL: connect a Prometheus-compatible server")
            return _Pending(name="", future=nobody)
        return self._desk(source).submit(partial(source.evaluate, expression, at=at))

    def _desk(self, source: Source | Expressions) -> _Desk:
        desk = self._desks.get(id(source))
        if desk is None:
            threads = ThreadPoolExecutor(self._threads, thread_name_prefix=f"read-{source.name}")
            desk = self._desks[id(source)] = _Desk(name=source.name, threads=threads)
        return desk

    def _wait(
        self,
        pending: Mapping[Question, _Pending] | Mapping[Query, _Pending],
        deadline: float,
        looks: Iterable[Future[None] | None] = (),
    ) -> dict[Question, Answer]:
        futures: list[Future[Any]] = [look for look in looks if look is not None]
        futures += [p.future for p in pending.values() if isinstance(p.future, Future)]
        wait(futures, timeout=max(0.0, deadline - monotonic()))
        return {question: self._answer(asked) for question, asked in pending.items()}

    def _answer(self, pending: _Pending) -> Answer:
        future = pending.future
        if isinstance(future, SignalError):
            return future
        if not future.done():
            future.cancel()
            return UnreachableError(
                f"{pending.name} did not answer within {self._patience_seconds:g} s"
            )
        try:
            return future.result()
        except SignalError as error:
            return error
