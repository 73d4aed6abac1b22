"""Who answers for a dashboard, as the page shows it: flags, an open offer, and what to do."""

from collections.abc import Callable, Collection
from datetime import datetime

import streamlit as st

from alerts import ownership
from alerts.ownership import same
from app import (
    cached_dashboards,
    dashboard_actions,
    dashboard_defaults,
    identity,
    numbers,
    parts,
)
from models.tables import Dashboard, Handover


def title(dashboard: Dashboard, departed: Collection[str], *, now: datetime) -> str:
    """Return the title of a dashboard as a choice shows it: with what is wrong with it."""
    found = ownership.flags(dashboard, departed, now=now)
    return f"{dashboard.title} ({', '.join(found)})" if found else dashboard.title


def owned(dashboard: Dashboard, *, now: datetime) -> None:
    """Draw who answers for a dashboard, why nobody should rely on it, and when it was reviewed."""
    departed = cached_dashboards.ownership().departed
    marks = " ".join(
        parts.mark(flag, ("orange", "warning"))
        for flag in ownership.flags(dashboard, departed, now=now)
    )
    if lacking := dashboard_defaults.lacking(dashboard.panels):
        marks += " " + parts.mark(f"latency without {', '.join(lacking)}", ("gray", "info"))
    owner = f":material/person: **{parts.plain(dashboard.owner)}** answers for this dashboard."
    reviewed = ""
    if dashboard.reviewed_at is not None:
        ago = numbers.age(dashboard.reviewed_at, now=now)
        reviewed = parts.small(f"Reviewed {ago} by {parts.plain(dashboard.reviewed_by)}.")
    said = (owner, parts.plain(dashboard.purpose), reviewed, marks)
    st.markdown(" ".join(filter(None, said)))


def actions(dashboard: Dashboard, *, now: datetime) -> None:
    """Draw what the viewer may do about whose a dashboard is."""
    known, viewer = cached_dashboards.ownership(), same(identity.viewer())
    offer = known.offers.get(dashboard.id or 0)
    is_owner = viewer == same(dashboard.owner)
    is_gone = same(dashboard.owner) in known.departed
    if offer is not None:
        _offer(dashboard, offer, now=now)
    if is_owner:
        st.button(
            "Mark as reviewed",
            icon=":material/fact_check:",
            key="dashboards_review",
            on_click=dashboard_actions.review,
            args=(dashboard.slug,),
        )
    elif is_gone:
        st.button(
            "Owner is here",
            icon=":material/person_check:",
            key="dashboards_here",
            help=f"{parts.plain(dashboard.owner)} is here after all",
            on_click=dashboard_actions.come_back,
            args=(dashboard.owner,),
        )
    else:
        st.button(
            "Owner is gone",
            icon=":material/person_off:",
            type="tertiary",
            key="dashboards_gone_owner",
            help=f"{parts.plain(dashboard.owner)} has left: anyone may offer it to someone",
            on_click=dashboard_actions.depart,
            args=(dashboard.owner,),
        )


def table(found: Collection[Dashboard], *, now: datetime, show: Callable[[str], None]) -> None:
    """Draw every dashboard with its owner and what is wrong with it; `show` opens one."""
    departed = cached_dashboards.ownership().departed
    for one in found:
        flags = ownership.flags(one, departed, now=now)
        marks = " ".join(parts.mark(flag, ("orange", "warning")) for flag in flags)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                parts.plain(one.title),
                type="tertiary",
                key=f"dashboards_show_{one.slug}",
                on_click=show,
                args=(one.slug,),
            )
            st.markdown(f"{parts.plain(one.owner)} {marks}", width="stretch")
            parts.fine_print(f"reviewed {numbers.age(one.reviewed_at, now=now)}")


def _offer(dashboard: Dashboard, offer: Handover, *, now: datetime) -> None:
    """Draw an open offer, with its answer for the one who was named."""
    ago = numbers.age(offer.at, now=now)
    said = f"Offered to **{parts.plain(offer.to_owner)}** {ago}: they have not accepted yet."
    st.markdown(f":material/swap_horiz: {said}", width="content")
    viewer = same(identity.viewer())
    if viewer == same(offer.to_owner):
        for label, accepted in (("Accept", True), ("Decline", False)):
            st.button(
                label,
                type="primary" if accepted else "secondary",
                key=f"dashboards_{label.lower()}",
                on_click=dashboard_actions.answer,
                args=(dashboard.slug, accepted),
            )
    elif viewer in (same(dashboard.owner), same(offer.by)):
        st.button(
            "Withdraw",
            key="dashboards_withdraw",
            on_click=dashboard_actions.withdraw,
            args=(dashboard.slug,),
        )
