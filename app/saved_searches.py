"""Searches for traces that people gave a name: saved, renamed, removed, for everyone."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from models.tables import SavedSearch

logger = logging.getLogger(__name__)

MOST: Final = 100  # beyond, nobody finds one
LONGEST_NAME: Final = 80
_LONGEST_VALUE: Final = 500


class SearchError(Exception):
    """A search cannot be kept like this; the message says what to change."""


def every(session: Session) -> list[SavedSearch]:
    """Return all saved searches by name."""
    return list(session.exec(select(SavedSearch).order_by(col(SavedSearch.name)).limit(MOST)))


def save(
    session: Session, *, name: str, query: Mapping[str, str], owner: str, now: datetime
) -> tuple[SavedSearch, bool]:
    """Keep a search under `name`; return its row, and whether it is a new one.

    Saving the same again changes nothing: a button that is clicked twice saves one.

    Raises:
        SearchError: It has no name, looks for nothing, or the name is taken.
    """
    name = _name(name)
    kept = {key: value[:_LONGEST_VALUE] for key, value in query.items() if value}
    if not kept:
        raise SearchError("This search is not narrowed by anything: choose a filter first.")
    if (known := _named(session, name)) is not None:
        return _same(known, kept)
    if session.exec(select(func.count(col(SavedSearch.id)))).one() >= MOST:
        raise SearchError(f"There are {MOST} saved searches: remove one that nobody needs.")
    row = SavedSearch(name=name, owner=owner, query=kept, saved_at=now)
    session.add(row)
    try:
        session.commit()
    except IntegrityError:  # saved twice at the same time
        session.rollback()
        if (known := _named(session, name)) is None:
            raise
        return _same(known, kept)
    session.refresh(row)
    logger.info("search_saved id=%s by=%s", row.id, owner)
    return row, True


def rename(session: Session, search_id: int, name: str) -> SavedSearch:
    """Give a search another name.

    Raises:
        SearchError: It has no name, the name is taken, or the search is gone.
    """
    name = _name(name)
    row = session.get(SavedSearch, search_id)
    if row is None:
        raise SearchError("This search is gone: someone removed it.")
    if row.name == name:
        return row
    row.name = name
    session.add(row)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise _taken(name) from None
    session.refresh(row)
    return row


def remove(session: Session, search_id: int, *, by: str) -> bool:
    """Remove a search; say whether it was there."""
    row = session.get(SavedSearch, search_id)
    if row is not None:
        session.delete(row)
        session.commit()
    logger.info("search_removed id=%d by=%s found=%s", search_id, by, row is not None)
    return row is not None


def _named(session: Session, name: str) -> SavedSearch | None:
    return session.exec(select(SavedSearch).where(SavedSearch.name == name)).first()


def _same(known: SavedSearch, query: Mapping[str, str]) -> tuple[SavedSearch, bool]:
    if known.query != query:
        raise _taken(known.name)
    return known, False


def _taken(name: str) -> SearchError:
    return SearchError(f"Another search is called {name}: choose another name.")


def _name(name: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME]
    if not name:
        raise SearchError("A saved search needs a name.")
    return name
