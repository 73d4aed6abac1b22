"""How the engines and their sources are doing."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from models.tables.columns import word
from models.vocabulary import DataState


class EngineBeat(SQLModel, table=True):
    """One running engine. When its beat stops, what it had leased is anybody's."""

    id: str = Field(primary_key=True)
    host: str
    started_at: datetime
    at: datetime


class Heartbeat(SQLModel, table=True):
    """When one engine job last finished, on any engine; `/healthz` judges by it."""

    job: str = Field(primary_key=True)
    at: datetime
    duration_ms: float
    error: str = ""


class SourceStatus(SQLModel, table=True):
    """What the engine last learned about one source; shared by every process."""

    name: str = Field(primary_key=True)
    checked_at: datetime
    answered_at: datetime | None = None  # last good answer
    newest_at: datetime | None = None  # time of the newest data it held then
    state: DataState = Field(sa_type=word(DataState))
    error: str = ""


class SignalMapping(SQLModel, table=True):
    """A user's own PromQL for a signal, which comes before what any pack would ask."""

    signal: str = Field(primary_key=True)
    promql: str  # with the placeholders of signals.mapping
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))  # ours -> the server's
    updated_by: str
    updated_at: datetime


class Ping(SQLModel, table=True):
    """Something outside that reports in by calling an address: a cron job, a canary."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    token: str = Field(unique=True)  # the secret part of its address
    created_at: datetime
    last_at: datetime | None = None
