"""What a dashboard was: a version for each change, with author and instant, and the way back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from alerts.rulecode.changes import Difference, differences
from app import dashboards
from app.dashboard_panels import DashboardError, draft
from models.tables import Dashboard, DashboardVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One version, and what it changed; nothing where it is the first that is known."""

    version: DashboardVersion
    differences: tuple[Difference, ...]


def history(session: Session, dashboard_id: int, *, limit: int = 30) -> list[Step]:
    """Return the newest versions, newest first, each with what it changed."""
    of_one = select(DashboardVersion).where(DashboardVersion.dashboard_id == dashboard_id)
    rows = list(
        session.exec(of_one.order_by(col(DashboardVersion.version).desc()).limit(limit + 1))
    )
    before = [*rows[1:], None]
    steps = [
        Step(version=row, differences=tuple(changes(old.draft, row.draft)) if old else ())
        for row, old in zip(rows, before, strict=True)
    ]
    return steps[:limit]


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Return what differs between two drafts, panel by panel under their titles."""
    found = differences(_by_title(old), _by_title(new))
    if not found and _titles(old) != _titles(new):
        return [Difference(field="order", before=_titles(old), after=_titles(new))]
    return found


def revert(session: Session, version_id: int, *, by: str, now: datetime) -> Dashboard:
    """Make a dashboard show what it did in one of its versions; that is a new version.

    Its owner stays: whose it is changes by hand-over only.

    Raises:
        DashboardError: The version or its dashboard is gone, or cannot be understood any more.
    """
    version = session.get(DashboardVersion, version_id)
    dashboard = session.get(Dashboard, version.dashboard_id) if version else None
    if version is None or dashboard is None:
        raise DashboardError("This version is gone.")
    dashboards.change(session, dashboard, draft(version.draft), by=by, now=now)
    dashboards.write(session)
    return dashboard


def _by_title(data: dict[str, Any]) -> dict[str, Any]:
    """Return a draft whose panels are fields, so that one that moved is not all that changed."""
    panels: dict[str, Any] = {}
    for row in data.get("panels", ()):
        name = title = str(row.get("title") or "Panel")
        number = 1
        while name in panels:
            number += 1
            name = f"{title} ({number})"
        panels[name] = {key: value for key, value in row.items() if key != "title"}
    return {**data, "panels": panels}


def _titles(data: dict[str, Any]) -> list[str]:
    return [str(row.get("title") or "Panel") for row in data.get("panels", ())]
