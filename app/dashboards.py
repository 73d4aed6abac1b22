"""Dashboards as rows: panels on one page that exactly one person answers for.

Every change of what one shows is a version with its author: see `app.dashboard_versions`. Whose it
is, and whether they still look at it: `app.dashboard_owners`.
"""

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final, cast

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, func, select

from app.dashboard_defaults import DEFAULTS, TOGETHER
from app.dashboard_panels import (
    MOST_PANELS,
    SPLITS,
    VARIABLES,
    DashboardDraft,
    DashboardError,
    Panel,
    draft,
    panel,
)
from models.tables import Dashboard, DashboardVersion, Handover

__all__ = [
    "DEFAULTS",
    "MOST_PANELS",
    "SPLITS",
    "TOGETHER",
    "DashboardDraft",
    "DashboardError",
    "Panel",
    "clone",
    "create",
    "draft",
    "draft_of",
    "ensure_default_dashboards",
    "every",
    "handovers",
    "known",
    "new_draft",
    "panel",
    "save",
]

MOST_DASHBOARDS: Final = 500
MOST_VERSIONS: Final = 200  # of one
_GONE: Final = "This dashboard is gone: someone removed it."


def every(session: Session) -> list[Dashboard]:
    """Return all dashboards in their order."""
    query = select(Dashboard).order_by(col(Dashboard.position), col(Dashboard.id))
    return list(session.exec(query))


def known(session: Session, slug: str) -> Dashboard:
    """Return the dashboard of that address.

    Raises:
        DashboardError: It is gone.
    """
    dashboard = session.exec(select(Dashboard).where(Dashboard.slug == slug)).first()
    if dashboard is None:
        raise DashboardError(_GONE)
    return dashboard


def handovers(session: Session, dashboard_id: int) -> list[Handover]:
    """Return who offered a dashboard to whom, newest first."""
    query = select(Handover).where(Handover.dashboard_id == dashboard_id)
    return list(session.exec(query.order_by(col(Handover.id).desc()).limit(50)))


def draft_of(dashboard: Dashboard) -> DashboardDraft:
    """Return a dashboard as it would be written.

    Raises:
        DashboardError: A panel of it makes no sense any more.
    """
    return draft(
        {
            "title": dashboard.title,
            "purpose": dashboard.purpose,
            "variables": VARIABLES if dashboard.variables is None else dashboard.variables,
            "panels": dashboard.panels,
        }
    )


def create(
    session: Session,
    draft: DashboardDraft,
    *,
    owner: str,
    by: str,
    now: datetime,
) -> Dashboard:
    """Add a dashboard, the last of all.

    Raises:
        DashboardError: It has no owner, or the title is taken.
    """
    dashboard = add(session, draft, owner=owner, by=by, now=now)
    write(session)
    return dashboard


def add(
    session: Session, draft: DashboardDraft, *, owner: str, by: str, now: datetime
) -> Dashboard:
    """Add a dashboard without committing; raises as `create`."""
    slug = slug_of(draft.title)
    if session.exec(select(Dashboard.id).where(Dashboard.slug == slug)).first() is not None:
        raise DashboardError(f"There is a dashboard {draft.title!r} already: take another title.")
    ((count, last),) = session.exec(select(func.count(), func.max(Dashboard.position)))
    if count >= MOST_DASHBOARDS:
        raise DashboardError(f"There are {MOST_DASHBOARDS} dashboards already: remove some first.")
    dashboard = Dashboard(
        slug=slug,
        title=draft.title,
        purpose=draft.purpose,
        owner=owner_of(owner),
        panels=[],
        position=last + 1 if count else 0,
        reviewed_at=now,  # whoever made it looked at it
        reviewed_by=by,
    )
    change(session, dashboard, draft, by=by, now=now)
    return dashboard


def new_draft(title: str, purpose: str) -> DashboardDraft:
    """Return a new dashboard, with the signals on it that nobody should do without.

    Raises:
        DashboardError: The title is none.
    """
    panels = [one.row() for one in TOGETHER]
    return draft({"title": title, "purpose": purpose, "panels": panels})


def clone(session: Session, slug: str, *, title: str, owner: str, now: datetime) -> Dashboard:
    """Add a dashboard that shows what another does, owned by whoever wants it.

    Raises:
        DashboardError: The other is gone or broken, or the title is taken.
    """
    shown = draft_of(known(session, slug))
    copied = draft({**shown.written(), "title": title})
    return create(session, copied, owner=owner, by=owner, now=now)


def save(
    session: Session, slug: str, draft: DashboardDraft, *, seen: int, by: str, now: datetime
) -> Dashboard:
    """Change what a dashboard shows. Its address stays, so that links to it hold.

    Args:
        session: To write.
        slug: Which.
        draft: What it is to show.
        seen: The version that the change was made from.
        by: Whose change it is.
        now: The instant.

    Raises:
        DashboardError: It is gone, or someone else changed it meanwhile.
    """
    dashboard = known(session, slug)
    if dashboard.version != seen:
        raise DashboardError(
            f"Someone saved version {dashboard.version} meanwhile: open it again to change it."
        )
    change(session, dashboard, draft, by=by, now=now)
    write(session)
    return dashboard


def change(
    session: Session, dashboard: Dashboard, draft: DashboardDraft, *, by: str, now: datetime
) -> None:
    """Make a dashboard show `draft` and keep the version, without committing."""
    with _refusing(session):
        _keep_first(session, dashboard, now=now)
        dashboard.title, dashboard.purpose = draft.title, draft.purpose
        # A JSON column that is changed in place is not written: give it a new list.
        dashboard.panels = [one.row() for one in draft.panels]
        dashboard.variables = list(draft.variables)
        dashboard.version += 1
        session.add(dashboard)
        session.flush()  # it has an id from here on
        oldest = dashboard.version - MOST_VERSIONS
        of_one = col(DashboardVersion.dashboard_id) == dashboard.id
        session.exec(
            delete(DashboardVersion).where(of_one, col(DashboardVersion.version) <= oldest)
        )
        _record(session, dashboard, draft, by=by, now=now)


def ensure_default_dashboards(session: Session, owner: str, *, now: datetime) -> None:
    """Add the dashboards that Wakeful comes with if there are none at all.

    Raises:
        DashboardError: `owner` is empty.
    """
    if session.exec(select(Dashboard.id)).first() is not None:
        return
    owner = owner_of(owner)
    for title, purpose, panels in DEFAULTS:
        add(
            session,
            DashboardDraft(title=title, purpose=purpose, panels=panels),
            owner=owner,
            by=owner,
            now=now,
        )
    write(session)


def owner_of(name: str) -> str:
    """Return the name of an owner.

    Raises:
        DashboardError: It is none.
    """
    return _required(name, "A dashboard needs exactly one owner: name the person.")


def slug_of(title: str) -> str:
    """Return the address that a title makes.

    Raises:
        DashboardError: It makes none.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return _required(slug, "The title needs a letter or a digit: the address is made of it.")


def write(session: Session) -> None:
    """Commit.

    Raises:
        DashboardError: Someone else was quicker.
    """
    with _refusing(session):
        session.commit()


@contextlib.contextmanager
def _refusing(session: Session) -> Iterator[None]:
    """Turn what only the database can see into our sentences."""
    try:
        yield
    except IntegrityError as error:
        session.rollback()
        said = str(error.orig)
        if "dashboard_has_an_owner" in said:
            raise DashboardError("A dashboard needs exactly one owner: name the person.") from error
        if "slug" in said:
            raise DashboardError("Someone made a dashboard of that title just now.") from error
        raise DashboardError("Someone changed this dashboard just now: look again.") from error


def _required(text: str, sentence: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise DashboardError(sentence)
    return text


def _keep_first(session: Session, dashboard: Dashboard, *, now: datetime) -> None:
    """Keep a dashboard before its first change, if it is older than the record of versions."""
    if dashboard.id is None or dashboard.version > 0:
        return
    try:
        first = draft_of(dashboard)
    except DashboardError:
        return  # nothing to go back to
    _record(session, dashboard, first, by=dashboard.owner, now=now)


def _record(
    session: Session, dashboard: Dashboard, draft: DashboardDraft, *, by: str, now: datetime
) -> None:
    session.add(
        DashboardVersion(
            dashboard_id=cast(int, dashboard.id),
            version=dashboard.version,
            at=now,
            author=by,
            draft=draft.written(),
        )
    )
