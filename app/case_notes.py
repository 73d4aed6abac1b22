"""Notes on one request, step by step on the way to the cause; for everyone who opens it."""

import logging
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from models.tables import CaseNote

logger = logging.getLogger(__name__)

LONGEST: Final = 4_000  # characters
MOST: Final = 200  # of one request
MOST_CASES: Final = 10


class CaseNoteError(Exception):
    """A note cannot be kept; the message says why."""


def of(session: Session, trace_id: str) -> list[CaseNote]:
    """Return what was noted of a request, oldest first."""
    query = select(CaseNote).where(CaseNote.trace_id == trace_id)
    return list(session.exec(query.order_by(col(CaseNote.at), col(CaseNote.id)).limit(MOST)))


def latest(session: Session) -> list[CaseNote]:
    """Return the newest note of each of the requests noted of last, at most `MOST_CASES`."""
    newest = select(func.max(CaseNote.id)).group_by(col(CaseNote.trace_id))
    query = select(CaseNote).where(col(CaseNote.id).in_(newest))
    return list(session.exec(query.order_by(col(CaseNote.id).desc()).limit(MOST_CASES)))


def add(
    session: Session, *, trace_id: str, step: str, text: str, author: str, now: datetime
) -> bool:
    """Keep a note; say whether it is new: one that is sent twice is one.

    Raises:
        CaseNoteError: It is empty, too long, or one too many.
    """
    text = "".join(c for c in text.strip() if c.isprintable() or c == "\n")
    if not text:
        raise CaseNoteError("An empty note says nothing.")
    if len(text) > LONGEST:
        raise CaseNoteError(f"A note has at most {LONGEST:,} characters.")
    held = select(func.count(col(CaseNote.id))).where(CaseNote.trace_id == trace_id)
    if session.exec(held).one() >= MOST:
        raise CaseNoteError(f"There are {MOST} notes on this request: write the rest elsewhere.")
    session.add(CaseNote(trace_id=trace_id, step=step, text=text, author=author, at=now))
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        return False
    logger.info("case_noted trace=%s step=%s by=%s", trace_id, step, author)
    return True
