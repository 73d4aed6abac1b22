"""The user's own mappings of signals: read, written, removed; and at hand for whoever asks.

They are few and read at every question, so that each process keeps them for some seconds.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from models.clock import Clock
from models.database import read_only
from models.tables import SignalMapping
from signals.mapping import MappingDraft, OwnMapping

logger = logging.getLogger(__name__)

# What another process saved is used this much later.
KNOWN_FOR = timedelta(seconds=5)


def mappings(session: Session) -> list[SignalMapping]:
    """Return every mapping, by signal."""
    return list(session.exec(select(SignalMapping).order_by(col(SignalMapping.signal))))


def save_mapping(db: Engine, draft: MappingDraft, *, by: str, now: datetime) -> None:
    """Write a mapping, in the place of an earlier one of its signal."""
    with Session(db) as session:
        session.merge(
            SignalMapping(
                signal=draft.signal,
                promql=draft.promql,
                labels=dict(draft.labels),
                updated_by=by,
                updated_at=now,
            )
        )
        session.commit()


def remove_mapping(db: Engine, signal: str) -> bool:
    """Remove the mapping of `signal`, and say whether there was one."""
    with Session(db) as session:
        row = session.get(SignalMapping, signal)
        if row is not None:
            session.delete(row)
            session.commit()
        return row is not None


class KnownMappings:
    """The mappings of one database, read again after some seconds. One object serves all threads.

    A database that does not answer leaves those that were known.
    """

    def __init__(self, db: Engine, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._lock = Lock()
        self._read_at: datetime | None = None
        self._known: Mapping[str, OwnMapping] = {}

    def __call__(self) -> Mapping[str, OwnMapping]:
        """Return the mappings by signal."""
        now = self._clock()
        with self._lock:
            if self._read_at is None or now - self._read_at >= KNOWN_FOR:
                self._read_at = now
                self._known = self._read()
            return self._known

    def forget(self) -> None:
        """Read again at the next question: somebody has just changed one."""
        with self._lock:
            self._read_at = None

    def _read(self) -> Mapping[str, OwnMapping]:
        try:
            with Session(read_only(self._db)) as session:
                return {row.signal: _own(row) for row in mappings(session)}
        except SQLAlchemyError as error:
            logger.warning("mappings not read error=%s", type(error).__name__)
            return self._known


def _own(row: SignalMapping) -> OwnMapping:
    return OwnMapping(
        signal=row.signal,
        promql=row.promql,
        labels=row.labels,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
