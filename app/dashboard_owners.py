"""Who answers for a dashboard, whether they still look at it, and how it goes to someone else.

    owner --offer--> offered --accept--> the new owner
                        |----decline / withdraw--> the owner as before

The owner stays until the one who was named has accepted. A dashboard whose owner is gone, or that
nobody reviewed for 90 days, is flagged wherever it is named.
"""

from datetime import datetime
from typing import cast

from sqlmodel import Session, col, delete, select

from alerts.ownership import same
from app.dashboard_panels import DashboardError
from app.dashboards import every, known, owner_of, write
from models.tables import Dashboard, DashboardVersion, Departure, Handover
from models.vocabulary import OfferState


def departures(session: Session) -> list[Departure]:
    """Return the people who are gone."""
    return list(session.exec(select(Departure)))


def open_offers(session: Session) -> list[Handover]:
    """Return the offers that nobody answered yet."""
    return list(session.exec(select(Handover).where(Handover.state == OfferState.OFFERED)))


def offer(session: Session, slug: str, *, to_owner: str, by: str, now: datetime) -> Handover:
    """Offer a dashboard to a new owner; the old one stays until they accept.

    An offer that is open is withdrawn in favour of this one.

    Raises:
        DashboardError: Nobody is named, it is theirs already, they are gone, or someone offers
            what is not theirs while its owner is there.
    """
    to_owner = owner_of(to_owner)
    dashboard = known(session, slug)
    gone = {row.name for row in departures(session)}
    if same(to_owner) == same(dashboard.owner):
        raise DashboardError(f"{to_owner} owns this dashboard already.")
    if same(to_owner) in gone:
        raise DashboardError(f"{to_owner} is gone: name someone who is here.")
    if same(by) != same(dashboard.owner) and same(dashboard.owner) not in gone:
        raise DashboardError(f"Only {dashboard.owner} can hand this dashboard over.")
    _close(session, dashboard, OfferState.WITHDRAWN, now=now)
    made = Handover(
        dashboard_id=cast(int, dashboard.id),
        at=now,
        from_owner=dashboard.owner,
        to_owner=to_owner,
        by=by,
        state=OfferState.OFFERED,
    )
    session.add(made)
    write(session)
    return made


def answer(session: Session, slug: str, *, accepted: bool, by: str, now: datetime) -> Dashboard:
    """Accept or decline the open offer of a dashboard, as the one who was named.

    Raises:
        DashboardError: There is no offer, or it is someone else's to answer.
    """
    dashboard = known(session, slug)
    found = _open(session, dashboard)
    if found is None:
        raise DashboardError("There is no offer to answer any more.")
    if same(found.to_owner) != same(by):
        raise DashboardError(f"Only {found.to_owner} can answer this offer.")
    found.state = OfferState.ACCEPTED if accepted else OfferState.DECLINED
    found.answered_at = now
    if accepted:
        dashboard.owner = found.to_owner
        dashboard.reviewed_at, dashboard.reviewed_by = now, by
    session.add_all([found, dashboard])
    write(session)
    return dashboard


def withdraw(session: Session, slug: str, *, by: str, now: datetime) -> None:
    """Take the open offer of a dashboard back, as its owner or as whoever made it.

    Raises:
        DashboardError: There is none, or it is not theirs.
    """
    dashboard = known(session, slug)
    found = _open(session, dashboard)
    if found is None:
        raise DashboardError("There is no offer to withdraw any more.")
    if same(by) not in (same(dashboard.owner), same(found.by)):
        raise DashboardError(f"Only {dashboard.owner} can withdraw this offer.")
    _close(session, dashboard, OfferState.WITHDRAWN, now=now)
    write(session)


def review(session: Session, slug: str, *, by: str, now: datetime) -> None:
    """Write down that its owner has looked a dashboard through.

    Raises:
        DashboardError: Someone else did.
    """
    dashboard = known(session, slug)
    if same(by) != same(dashboard.owner):
        raise DashboardError(f"Only {dashboard.owner} can mark this dashboard as reviewed.")
    dashboard.reviewed_at, dashboard.reviewed_by = now, by
    session.add(dashboard)
    write(session)


def depart(session: Session, name: str, *, by: str, now: datetime) -> None:
    """Write down that a person is gone: their dashboards may be offered by anyone.

    Raises:
        DashboardError: Nobody is named, or they own nothing.
    """
    name = owner_of(name)
    if not any(same(one.owner) == same(name) for one in every(session)):
        raise DashboardError(f"{name} owns no dashboard.")
    if session.get(Departure, same(name)) is None:
        session.add(Departure(name=same(name), at=now, by=by))
        write(session)


def come_back(session: Session, name: str) -> None:
    """Write down that a person is here after all."""
    if (row := session.get(Departure, same(name))) is not None:
        session.delete(row)
        write(session)


def remove(session: Session, slug: str, *, by: str) -> None:
    """Remove a dashboard with its versions and offers, as its owner.

    Raises:
        DashboardError: It is gone already, or someone else's who is here.
    """
    dashboard = known(session, slug)
    gone = {row.name for row in departures(session)}
    if same(by) != same(dashboard.owner) and same(dashboard.owner) not in gone:
        raise DashboardError(f"Only {dashboard.owner} can remove this dashboard.")
    for table in (DashboardVersion, Handover):
        session.exec(delete(table).where(col(table.dashboard_id) == dashboard.id))
    session.delete(dashboard)
    write(session)


def _open(session: Session, dashboard: Dashboard) -> Handover | None:
    of_one = select(Handover).where(
        Handover.dashboard_id == dashboard.id, Handover.state == OfferState.OFFERED
    )
    return session.exec(of_one).first()


def _close(session: Session, dashboard: Dashboard, state: OfferState, *, now: datetime) -> None:
    if (found := _open(session, dashboard)) is not None:
        found.state, found.answered_at = state, now
        session.add(found)
        session.flush()
