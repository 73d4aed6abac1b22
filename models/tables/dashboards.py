"""Dashboards and who answers for them."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, CheckConstraint, Column, Field, SQLModel


class Dashboard(SQLModel, table=True):
    """A page of panels that exactly one person answers for."""

    __table_args__ = (CheckConstraint("length(trim(owner)) > 0", name="dashboard_has_an_owner"),)

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    title: str
    purpose: str
    owner: str
    # Ordered [{"title", "kind": PanelKind, "signals": [name, ...], "by": [label, ...]}].
    panels: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    position: int = 0


class Handover(SQLModel, table=True):
    """One change of a dashboard's owner, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    dashboard_id: int = Field(foreign_key="dashboard.id", index=True)
    at: datetime
    from_owner: str
    to_owner: str
    by: str
