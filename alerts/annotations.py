"""Annotations of the time axis: checked at the door, written once, found by time and labels.

AnnotationError     what was told cannot be kept; one sentence says why
TooManyError        more are told in an hour than anybody could read
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, func, or_, select

from models.tables import Annotation
from models.vocabulary import AnnotationKind

logger = logging.getLogger(__name__)

AHEAD = timedelta(days=1)  # clocks differ, and what begins tonight may be told now
BEHIND = timedelta(days=3660)
MOST_IN_AN_HOUR = 500
MOST_FOUND = 50
_MOST_READ = 500
_NOT_IN_A_URL = frozenset(' <>"\\^`{|}')  # RFC 3986, 2: they are written with a percent sign

_Line = StringConstraints(strip_whitespace=True, max_length=200)
Title = Annotated[str, _Line, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,63}$")]


class AnnotationError(Exception):
    """The annotation cannot be kept; one sentence says why."""


class TooManyError(AnnotationError):
    """So many annotations are told that nobody could read them."""


class AnnotationDraft(BaseModel):
    """An annotation as someone wrote it.

    Attributes:
        at: When it happened, or began; now without.
        end: When it was over, for what took some time.
        labels: Whom it is about; none for everybody.
    """

    model_config = ConfigDict(extra="forbid")

    title: Title
    kind: AnnotationKind = AnnotationKind.OTHER
    at: AwareDatetime | None = None
    end: AwareDatetime | None = None
    labels: dict[Name, Annotated[str, _Line]] = Field(default_factory=dict, max_length=10)
    url: str = Field(default="", max_length=2000)
    author: Annotated[str, _Line] = ""

    @field_validator("title", "author")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        return _line(text)

    @field_validator("labels")
    @classmethod
    def _are_lines(cls, labels: dict[str, str]) -> dict[str, str]:
        return {name: _line(value) for name, value in labels.items()}

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        try:
            is_web = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
        except ValueError:
            is_web = False
        if url and not (is_web and url.isprintable() and _NOT_IN_A_URL.isdisjoint(url)):
            raise ValueError("is no address that begins with http:// or https://")
        return url

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        if not self.title:
            raise ValueError("title: is empty")
        return self


def read(said: Any) -> AnnotationDraft:
    """Return the draft that `said`, decoded JSON, holds.

    Raises:
        AnnotationError: It holds none.
    """
    if not isinstance(said, dict):
        raise AnnotationError('an annotation is an object such as {"title": "release 1.4"}')
    try:
        return AnnotationDraft.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = _line(".".join(str(part)[:40] for part in first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        raise AnnotationError(f"{where}: {what}" if where else what) from error


def annotate(
    db: Engine, draft: AnnotationDraft, *, now: datetime, by: str = ""
) -> tuple[Annotation, bool]:
    """Write `draft` down; return its row, and whether it is a new one.

    Args:
        db: Where.
        draft: What happened.
        now: The instant; that of an annotation that does not say its own.
        by: The author of one that names none.

    Raises:
        AnnotationError: It is about another age, or ends before it begins.
        TooManyError: More were told in an hour than anybody could read.
    """
    at = draft.at or now
    if not now - BEHIND <= at <= now + AHEAD:
        raise AnnotationError("at: must lie within the last ten years, or the next day")
    if draft.end is not None and not at <= draft.end <= at + BEHIND:
        raise AnnotationError("end: must not lie before the beginning")
    row = Annotation(
        at=at,
        end_at=draft.end,
        kind=draft.kind,
        title=draft.title,
        labels=draft.labels,
        url=draft.url,
        author=draft.author or by,
        told_at=now,
    )
    with Session(db, expire_on_commit=False) as session:
        known = _known(session, row)
        if known is not None:
            return known, False
        _refuse_a_flood(session, now)
        session.add(row)
        try:
            session.commit()
        except IntegrityError:  # told twice at the same time
            session.rollback()
            known = _known(session, row)
            if known is None:
                raise
            return known, False
    logger.info("annotation_told id=%s kind=%s by=%s", row.id, row.kind, row.author)
    return row, True


def remove(db: Engine, annotation_id: int, *, by: str) -> bool:
    """Remove an annotation; say whether it was there."""
    with Session(db) as session:
        done = session.exec(delete(Annotation).where(col(Annotation.id) == annotation_id))
        session.commit()
    logger.info("annotation_removed id=%d by=%s found=%d", annotation_id, by, done.rowcount)
    return bool(done.rowcount)


def between(
    session: Session, *, start: datetime, end: datetime, labels: Mapping[str, str] | None = None
) -> list[Annotation]:
    """Return what happened in [start, end], newest first, at most `MOST_FOUND`.

    Args:
        session: A session.
        start: The beginning; what was not over by then counts.
        end: The end.
        labels: Of what is looked at: what is about others is left out.
    """
    rows = session.exec(
        select(Annotation)
        .where(
            col(Annotation.at) <= end,
            or_(col(Annotation.at) >= start, col(Annotation.end_at) >= start),
        )
        .order_by(col(Annotation.at).desc(), col(Annotation.id).desc())
        .limit(_MOST_READ)
    )
    return [row for row in rows if fits(row.labels, labels or {})][:MOST_FOUND]


def fits(labels: Mapping[str, str], looked_at: Mapping[str, str]) -> bool:
    """Say whether something with `labels` may concern what has those of `looked_at`."""
    return all(looked_at.get(name, value) == value for name, value in labels.items())


def _line(text: str) -> str:
    """Return `text` on one line, without what cannot be shown or stored, such as NUL."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _known(session: Session, row: Annotation) -> Annotation | None:
    same = (Annotation.at == row.at, Annotation.kind == row.kind, Annotation.title == row.title)
    return session.exec(select(Annotation).where(*same)).first()


def _refuse_a_flood(session: Session, now: datetime) -> None:
    lately = select(func.count()).where(col(Annotation.told_at) > now - timedelta(hours=1))
    if session.exec(lately).one() >= MOST_IN_AN_HOUR:
        raise TooManyError(
            f"more than {MOST_IN_AN_HOUR} annotations in an hour: tell of changes, not of requests"
        )
