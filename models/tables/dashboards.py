"""Dashboards and who answers for them."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, CheckConstraint, Column, Field, Index, SQLModel, text

from models.tables.columns import word
from models.vocabulary import OfferState

_OPEN = text("state = 'offered'")


class Dashboard(SQLModel, table=True):
    """A page of panels that exactly one person answers for."""

    __table_args__ = (CheckConstraint("length(trim(owner)) > 0", name="dashboard_has_an_owner"),)

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    title: str
    purpose: str
    owner: str
    # Ordered, each a row of `app.dashboard_panels.Panel`.
    panels: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    position: int = 0
    # The labels that its readers may choose by; None is all of them.
    variables: list[str] | None = Field(default=None, sa_column=Column(JSON))
    reviewed_at: datetime | None = None  # None: not since reviews are kept
    reviewed_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class DashboardVersion(SQLModel, table=True):
    """A dashboard as it was from an instant on, never updated."""

    __table_args__ = (Index("dashboard_version", "dashboard_id", "version", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    dashboard_id: int = Field(foreign_key="dashboard.id")
    version: int
    at: datetime
    author: str
    draft: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # a DashboardDraft


class Handover(SQLModel, table=True):
    """One offer of a dashboard to a new owner, and what became of it."""

    __table_args__ = (
        Index(
            "handover_is_open_once",
            "dashboard_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    dashboard_id: int = Field(foreign_key="dashboard.id", index=True)
    at: datetime  # when it was offered
    from_owner: str
    to_owner: str
    by: str
    # The default is of the time before offers: who was named was the owner at once.
    state: OfferState = Field(
        default=OfferState.ACCEPTED,
        sa_type=word(OfferState),
        sa_column_kwargs={"server_default": OfferState.ACCEPTED.value},
    )
    answered_at: datetime | None = None


class Departure(SQLModel, table=True):
    """A person who is gone: what they owned needs someone else."""

    name: str = Field(primary_key=True)  # as `alerts.ownership.same` compares names
    at: datetime
    by: str
