"""Who answers for a dashboard: offers that are answered, reviews, owners who are gone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import ownership
from app import dashboard_owners, dashboards
from app.dashboards import DashboardError
from models.tables import Dashboard, DashboardVersion
from models.vocabulary import OfferState
from tests.memory_source import NOON

LATER = NOON + timedelta(days=1)


@pytest.fixture
def session(db: Engine) -> Iterator[Session]:
    with Session(db) as opened:
        draft = dashboards.new_draft("Bot", "Is it well?")
        dashboards.create(opened, draft, owner="Ana Lima", by="Ana Lima", now=NOON)
        yield opened


def bot(session: Session) -> Dashboard:
    return dashboards.known(session, "bot")


def offered(session: Session, to_owner: str = " Ben  Okoro ", by: str = "ana lima") -> None:
    dashboard_owners.offer(session, "bot", to_owner=to_owner, by=by, now=NOON)


def answered(session: Session, *, accepted: bool, by: str = "ben okoro") -> None:
    dashboard_owners.answer(session, "bot", accepted=accepted, by=by, now=LATER)


def test_the_owner_stays_until_the_new_one_accepts(session: Session) -> None:
    offered(session)
    assert bot(session).owner == "Ana Lima"

    answered(session, accepted=True)

    assert bot(session).owner == "Ben Okoro"
    (kept,) = dashboards.handovers(session, bot(session).id or 0)
    assert (kept.from_owner, kept.to_owner, kept.state) == (
        "Ana Lima",
        "Ben Okoro",
        OfferState.ACCEPTED,
    )
    assert (kept.at, kept.answered_at) == (NOON, LATER)


def test_who_declines_leaves_all_as_it_was(session: Session) -> None:
    offered(session)

    answered(session, accepted=False)

    assert bot(session).owner == "Ana Lima"
    assert dashboard_owners.open_offers(session) == []


def test_nobody_else_can_accept(session: Session) -> None:
    offered(session)

    with pytest.raises(DashboardError, match="Only Ben Okoro can answer"):
        answered(session, accepted=True, by="Ana Lima")

    assert bot(session).owner == "Ana Lima"


def test_an_offer_is_answered_once(session: Session) -> None:
    offered(session)
    answered(session, accepted=False)

    with pytest.raises(DashboardError, match="no offer"):
        answered(session, accepted=True)


def test_a_second_offer_takes_the_place_of_the_first(session: Session) -> None:
    offered(session)
    offered(session, "Cleo")

    with pytest.raises(DashboardError, match="Only Cleo"):
        answered(session, accepted=True)
    states = [one.state for one in dashboards.handovers(session, bot(session).id or 0)]
    assert states == [OfferState.OFFERED, OfferState.WITHDRAWN]


def test_an_offer_can_be_withdrawn_by_the_owner_only(session: Session) -> None:
    offered(session)

    with pytest.raises(DashboardError, match="Only Ana Lima"):
        dashboard_owners.withdraw(session, "bot", by="Ben Okoro", now=LATER)
    dashboard_owners.withdraw(session, "bot", by="Ana Lima", now=LATER)

    assert dashboard_owners.open_offers(session) == []


@pytest.mark.parametrize(
    ("to_owner", "by", "said"),
    [
        ("", "Ana Lima", "exactly one owner"),
        ("  ", "Ana Lima", "exactly one owner"),
        ("ana  LIMA", "Ana Lima", "already"),
        ("Cleo", "Ben Okoro", "Only Ana Lima can hand"),
    ],
)
def test_an_offer_that_is_none_changes_nothing(
    session: Session, to_owner: str, by: str, said: str
) -> None:
    with pytest.raises(DashboardError, match=said):
        offered(session, to_owner, by)

    assert dashboard_owners.open_offers(session) == []


def test_what_an_owner_who_is_gone_had_can_be_offered_by_anyone(session: Session) -> None:
    dashboard_owners.depart(session, "Ana Lima", by="Cleo", now=NOON)

    offered(session, "Cleo", "Cleo")
    answered(session, accepted=True, by="Cleo")

    assert bot(session).owner == "Cleo"


def test_nothing_is_offered_to_who_is_gone(session: Session) -> None:
    draft = dashboards.new_draft("Other", "")
    dashboards.create(session, draft, owner="Ben", by="Ben", now=NOON)
    dashboard_owners.depart(session, "Ben", by="Ana Lima", now=NOON)

    with pytest.raises(DashboardError, match="Ben is gone"):
        offered(session, "Ben")


def test_who_owns_nothing_cannot_be_marked_as_gone(session: Session) -> None:
    with pytest.raises(DashboardError, match="Nobody owns no dashboard"):
        dashboard_owners.depart(session, "Nobody", by="Ana Lima", now=NOON)


def test_a_review_is_the_owners(session: Session) -> None:
    with pytest.raises(DashboardError, match="Only Ana Lima"):
        dashboard_owners.review(session, "bot", by="Ben", now=LATER)

    dashboard_owners.review(session, "bot", by="ana lima", now=LATER)

    assert bot(session).reviewed_at == LATER


@pytest.mark.parametrize(
    ("days", "departed", "said"),
    [
        (0, set(), []),
        (90, set(), []),
        (91, set(), ["not reviewed for 91 days"]),
        (1, {"ana lima"}, ["owner gone"]),
        (120, {"ana lima"}, ["owner gone", "not reviewed for 120 days"]),
    ],
    ids=["new", "90 days", "91 days", "owner gone", "both"],
)
def test_what_nobody_should_rely_on_is_flagged(
    days: int, departed: set[str], said: list[str]
) -> None:
    owned = Dashboard(
        slug="bot", title="Bot", purpose="", owner="Ana  Lima", panels=[], reviewed_at=NOON
    )

    assert ownership.flags(owned, departed, now=NOON + timedelta(days=days)) == said


def test_a_dashboard_older_than_reviews_was_never_reviewed() -> None:
    old = Dashboard(slug="old", title="Old", purpose="", owner="Ana", panels=[])

    assert ownership.flags(old, (), now=NOON) == ["never reviewed"]


def test_who_comes_back_is_not_gone(session: Session) -> None:
    dashboard_owners.depart(session, "Ana Lima", by="Cleo", now=NOON)

    dashboard_owners.come_back(session, "ana lima")

    assert dashboard_owners.departures(session) == []


def test_what_its_owner_removes_goes_with_its_versions(session: Session) -> None:
    with pytest.raises(DashboardError, match="Only Ana Lima can remove"):
        dashboard_owners.remove(session, "bot", by="Ben")
    offered(session)

    dashboard_owners.remove(session, "bot", by="ana lima")

    assert dashboards.every(session) == []
    assert session.exec(select(DashboardVersion)).all() == []
