"""Wakeful as one of its own sources: how long each of the others has been silent.

So blindness is an alert like any other, with rules, policies and a timeline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from alerts import inbox
from models.database import read_only
from models.tables import SourceStatus
from models.vocabulary import DataState
from signals import Query, Reading, Sample, Series, SignalError, Source

SIGNAL = "source_silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfWatch:
    """Answers `source_silence`: how long each source left us without an answer, by `source`."""

    db: Engine
    name: str = "wakeful"

    def answers(self, query: Query) -> bool:
        """Say whether `query` is about a source's silence; see `Source.answers`."""
        return query.signal == SIGNAL and {k for k, _ in query.scope} | set(query.by) <= {"source"}

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the silence of every source, or of the one in scope; see `Source.read`."""
        with Session(read_only(self.db)) as session:
            rows = inbox.sources(session)
        wanted = dict(query.scope).get("source")
        samples = (
            Sample(labels={"source": row.name}, value=_silence(row), at=at)
            for row in rows
            if wanted in (None, row.name)
        )
        return Reading(samples=tuple(samples))

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the silence now as one point: its past is not kept; see `Source.read_range`."""
        if not start <= end or step <= timedelta():
            return []
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


def _silence(row: SourceStatus) -> float:
    """Return the seconds from the last answer to the last question.

    Until now would be wrong after a pause of ours: nobody is silent whom nobody asked.
    """
    silence = row.checked_at - (row.answered_at or row.checked_at)
    return silence.total_seconds()
