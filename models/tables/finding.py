"""What people keep of their search for a cause: searches by name, and notes on a request."""

from datetime import datetime

from sqlmodel import JSON, CheckConstraint, Column, Field, SQLModel, UniqueConstraint


class SavedSearch(SQLModel, table=True):
    """A search for traces that somebody gave a name, for everyone."""

    __table_args__ = (CheckConstraint("length(trim(owner)) > 0", name="search_has_an_owner"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner: str
    # What the address of the page says of it, such as {"feature": "chat", "errors": "true"}.
    query: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    saved_at: datetime


class CaseNote(SQLModel, table=True):
    """What somebody noted of one request, at one step of the way to the cause; never updated."""

    # A note that is sent twice is one.
    __table_args__ = (
        UniqueConstraint("trace_id", "step", "author", "text", name="case_note_is_told_once"),
    )

    id: int | None = Field(default=None, primary_key=True)
    trace_id: str = Field(index=True)  # 32 lower hex digits; the trace may have expired since
    step: str
    text: str
    author: str
    at: datetime = Field(index=True)
