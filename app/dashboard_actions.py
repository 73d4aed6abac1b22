"""What the buttons on dashboards do: one change of the database, and a line to say how it went."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts.rulecode.complaints import RuleCodeError
from app import (
    cached,
    cached_dashboards,
    dashboard_owners,
    dashboard_versions,
    identity,
    parts,
    wired,
)
from app.dashboard_panels import DashboardError
from app.drafts import Draft

REFUSED: Final = "dashboards_refused"
_BLOCK: Final = ":material/block:"


def changed(what: Callable[[Session, str, datetime], object]) -> str:
    """Do `what`, with who does it and when; return why it was refused, or nothing."""
    wiring = wired.current()
    try:
        with Session(wiring.db, expire_on_commit=False) as session:
            what(session, identity.viewer(), wiring.clock())
    except (DashboardError, RuleCodeError) as error:
        return str(error)
    except SQLAlchemyError:
        return f"{cached.DATABASE_DOWN} Nothing was changed."
    cached_dashboards.clear()
    return ""


def press(what: Callable[[Session, str, datetime], object], done: str) -> None:
    """Do `what` and say `done`, or why not, when the page is drawn again."""
    if refused := changed(what):
        parts.flash(f"Not changed: {parts.plain(refused)}", _BLOCK)
    else:
        parts.flash(done)


def review(slug: str) -> None:
    """Mark a dashboard as reviewed."""
    press(
        lambda session, by, now: dashboard_owners.review(session, slug, by=by, now=now),
        "Marked as reviewed",
    )


def answer(slug: str, accepted: bool) -> None:
    """Accept or decline what was offered to the viewer."""
    press(
        lambda session, by, now: dashboard_owners.answer(
            session, slug, accepted=accepted, by=by, now=now
        ),
        "It is yours now" if accepted else "Declined: its owner stays",
    )


def withdraw(slug: str) -> None:
    """Take an offer back."""
    press(
        lambda session, by, now: dashboard_owners.withdraw(session, slug, by=by, now=now),
        "The offer is withdrawn",
    )


def depart(name: str) -> None:
    """Mark the owner of a dashboard as gone."""
    press(
        lambda session, by, now: dashboard_owners.depart(session, name, by=by, now=now),
        f"{parts.plain(name)} is marked as gone: offer what they owned to someone",
    )


def come_back(name: str) -> None:
    """Take that mark away."""
    press(
        lambda session, _by, _now: dashboard_owners.come_back(session, name),
        f"{parts.plain(name)} is here",
    )


def revert(version_id: int, number: int, draft: str) -> None:
    """Make a dashboard show what it did in one of its versions, and leave the builder.

    Args:
        version_id: Of the version.
        number: What it is called.
        draft: The name of what was being built, which is of no use any more.
    """
    press(
        lambda session, by, now: dashboard_versions.revert(session, version_id, by=by, now=now),
        f"It shows again what it did in version {number}",
    )
    Draft(draft).drop()
    st.query_params.pop("edit", None)
