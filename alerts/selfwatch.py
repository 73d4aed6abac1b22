"""Wakeful as one of its own sources: silent sources, broken channels, lateness, heartbeats.

So its own trouble is an alert like any other, with rules, policies and a timeline.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from alerts import audit, composites, inbox, pings
from alerts.conditions import composite
from alerts.outbox import leading
from models.database import read_only
from models.tables import Delivery, SourceStatus
from models.vocabulary import DataState, Outcome
from signals import (
    Query,
    QueryError,
    Reading,
    Sample,
    Series,
    SignalError,
    Source,
    UnreachableError,
)
from signals.grouping import Answer, Question

SILENCE = "source_silence"
BROKEN = "channel_broken"
LATENESS = "lateness"
HEARTBEAT = pings.SIGNAL
# The label by which each is split.
LABELS = {SILENCE: "source", BROKEN: "channel", LATENESS: "what", HEARTBEAT: pings.LABEL}
LEDGER = timedelta(hours=24)  # a channel that nothing was sent to for so long is not judged


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfWatch:
    """Answers for Wakeful itself.

    `source_silence` by `source`: how long each left us without an answer. `channel_broken` by
    `channel`: whether it refused the last message. `lateness` by `what`: see `alerts.audit`.
    `heartbeat_silence` by `heartbeat`: see `alerts.pings`. `rules_firing` of those in its scope,
    together: see `alerts.composites`.
    """

    db: Engine
    name: str = "wakeful"

    def answers(self, query: Query) -> bool:
        """Say whether `query` is about Wakeful itself; see `Source.answers`."""
        if query.signal == composite.SIGNAL:
            return bool(query.scope) and not query.by
        label = LABELS.get(query.signal)
        return label is not None and {k for k, _ in query.scope} | set(query.by) <= {label}

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values of all, or of the one in scope; see `Source.read`."""
        if query.signal == composite.SIGNAL:
            # Of several rules together: no label is theirs, and the alert has none.
            (series,) = self._firing(query, start=at, end=at, step=timedelta(seconds=1))
            return Reading(samples=(Sample(labels={}, value=series.values[0], at=at),))
        label = LABELS[query.signal]
        with self._session() as session:
            values = _READ[query.signal](session, at)
        wanted = dict(query.scope).get(label)
        samples = tuple(
            Sample(labels={label: name}, value=value, at=at)
            for name, value in values.items()
            if wanted in (None, name)
        )
        if query.by or query.scope or not samples:
            return Reading(samples=samples)
        worst = max(sample.value for sample in samples)
        return Reading(samples=(Sample(labels={}, value=worst, at=at),))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(read_only(self.db)) as session:
                yield session
        except SQLAlchemyError as error:
            raise UnreachableError("the database of rules and alerts does not answer") from error

    def _firing(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        names = [name for _, name in query.scope]
        with self._session() as session:
            counts = composites.firing_over(session, names, start=start, end=end, step=step)
        seconds = [(start + number * step).timestamp() for number in range(len(counts))]
        return [Series(labels={}, seconds=seconds, values=counts)]

    def ask(self, questions: Sequence[Question], at: datetime) -> dict[Question, Answer]:
        """Return the answer to every question, as `signals.reading` does for all sources."""
        return {question: self._answer(question, at) for question in questions}

    def _answer(self, question: Question, at: datetime) -> Answer:
        try:
            if isinstance(question, Query) and self.answers(question):
                return self.read(question, at=at)
        except SignalError as error:
            return error
        return QueryError("Wakeful knows nothing of this about itself")

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values now as one point: their past is not kept; see `Source.read_range`.

        Alerts are kept, so that how many rules fired has a past.
        """
        if not start <= end or step <= timedelta():
            return []
        if query.signal == composite.SIGNAL:
            return self._firing(query, start=start, end=end, step=step)
        return [
            Series(labels=s.labels, seconds=(end.timestamp(),), values=(s.value,))
            for s in self.read(query, at=end).samples
        ]

    def newest(self, *, at: datetime) -> datetime | None:
        """Return `at`: what it tells is always current; see `Source.newest`."""
        return at


def look(db: Engine, source: Source, *, now: datetime) -> SourceStatus:
    """Ask `source` for its newest data, and write down how that went."""
    newest, state, error = None, DataState.OK, ""
    try:
        newest = source.newest(at=now)
    except SignalError as raised:
        state, error = raised.state, str(raised)
    with Session(db) as session:
        row = session.get(SourceStatus, source.name)
        if row is None:
            # Silence counts from now on: a source that never answers is silent too.
            row = SourceStatus(name=source.name, checked_at=now, answered_at=now, state=state)
        row.checked_at, row.state, row.error = now, state, error
        if state is DataState.OK:
            row.answered_at, row.newest_at = now, newest
        session.add(row)
        session.commit()
        session.refresh(row)
        session.expunge(row)
    return row


def _silences(session: Session, _now: datetime) -> dict[str, float]:
    # Until now would be wrong after a pause of ours: nobody is silent whom nobody asked.
    return {
        row.name: (row.checked_at - (row.answered_at or row.checked_at)).total_seconds()
        for row in inbox.sources(session)
    }


def _broken(session: Session, now: datetime) -> dict[str, float]:
    lately = select(func.max(Delivery.id)).where(
        Delivery.at > now - LEDGER, leading(Delivery.channel)
    )
    last = col(Delivery.id).in_(lately.group_by(col(Delivery.channel)))
    rows = session.exec(select(Delivery.channel, Delivery.outcome).where(last))
    return {channel: float(outcome in _BROKEN) for channel, outcome in rows}


def _lateness(session: Session, now: datetime) -> dict[str, float]:
    return {one.what: one.by.total_seconds() for one in audit.audit(session, now=now)}


def _heartbeats(session: Session, now: datetime) -> dict[str, float]:
    return {
        row.name: max((now - (row.last_at or row.created_at)).total_seconds(), 0.0)
        for row in pings.pings(session)
    }


_BROKEN = (Outcome.REFUSED, Outcome.GAVE_UP)
_READ: dict[str, Callable[[Session, datetime], dict[str, float]]] = {
    SILENCE: _silences,
    BROKEN: _broken,
    LATENESS: _lateness,
    HEARTBEAT: _heartbeats,
}
