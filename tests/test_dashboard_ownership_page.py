"""Whose a dashboard is, on its page: offers with their answer, reviews, flags, clones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts.wiring import Wiring
from app import cached, dashboards, wired
from models.tables import Dashboard, Handover
from models.vocabulary import OfferState
from tests.memory_source import NOON, MemorySource, wiring_of

DAY = timedelta(days=1)


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    """Three dashboards of the one who looks at them."""
    made = wiring_of(tmp_path, MemorySource())
    wired.set_current(made)
    cached.clear()
    with Session(made.db) as session:
        dashboards.ensure_default_dashboards(session, "Ana", now=NOON)
    yield made
    cached.clear()
    made.close()


def page() -> AppTest:
    def script() -> None:
        from app.views import dashboards

        dashboards.render()

    return AppTest.from_function(script, default_timeout=20)


def seen_by(wiring: Wiring, name: str, *, after: timedelta = timedelta()) -> AppTest:
    """Return the page as someone else sees it, some time later."""
    settings = replace(wiring.settings, user=name)
    wired.set_current(replace(wiring, settings=settings, clock=lambda: NOON + after))
    cached.clear()
    return page().run()


def stored(wiring: Wiring) -> Dashboard:
    with Session(wiring.db) as session:
        return session.exec(select(Dashboard).where(Dashboard.slug == "service-health")).one()


def text(at: AppTest) -> str:
    return "\n".join([*(m.value for m in at.markdown), *(e.value for e in at.error)])


def offer(at: AppTest, name: str) -> AppTest:
    at.button(key="dashboards_hand_over").click().run()
    at.text_input(key="dashboards_owner").input(name).run()
    return at.button(key="dashboards_hand_over_now").click().run()


def test_an_owner_offers_a_dashboard_and_keeps_it_meanwhile(wiring: Wiring) -> None:
    at = offer(page().run(), "Ben Okoro")

    assert not at.exception
    assert stored(wiring).owner == "Ana"
    assert "**Ana** answers for this dashboard." in text(at)
    assert "Offered to **Ben Okoro**" in text(at)
    assert not [one for one in at.button if one.key == "dashboards_accept"]


def test_the_one_who_was_named_accepts(wiring: Wiring) -> None:
    offer(page().run(), "Ben Okoro")

    at = seen_by(wiring, "Ben Okoro", after=DAY)
    at.button(key="dashboards_accept").click().run()

    assert stored(wiring).owner == "Ben Okoro"
    assert "**Ben Okoro** answers for this dashboard." in text(at)
    with Session(wiring.db) as session:
        (kept,) = session.exec(select(Handover)).all()
    assert (kept.from_owner, kept.by, kept.state, kept.answered_at) == (
        "Ana",
        "ana",
        OfferState.ACCEPTED,
        NOON + DAY,
    )


def test_the_one_who_was_named_declines(wiring: Wiring) -> None:
    offer(page().run(), "Ben Okoro")

    at = seen_by(wiring, "Ben Okoro")
    at.button(key="dashboards_decline").click().run()

    assert stored(wiring).owner == "Ana"
    assert "Offered to" not in text(at)


def test_an_offer_is_withdrawn(wiring: Wiring) -> None:
    at = offer(page().run(), "Ben Okoro")

    at.button(key="dashboards_withdraw").click().run()

    assert "Offered to" not in text(at)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_dashboard_cannot_be_offered_to_nobody(wiring: Wiring, name: str) -> None:
    at = offer(page().run(), name)

    assert "exactly one owner" in at.error[0].value


def test_someone_else_cannot_hand_a_dashboard_over(wiring: Wiring) -> None:
    at = offer(seen_by(wiring, "Cleo"), "Ben")

    assert "Only Ana can hand this dashboard over" in at.error[0].value


def test_what_nobody_reviewed_for_long_is_flagged_on_the_page_and_in_the_list(
    wiring: Wiring,
) -> None:
    at = seen_by(wiring, "ana", after=91 * DAY)
    assert "not reviewed for 91 days" in text(at)
    choice = at.selectbox(key="dashboards_choice")
    assert "Service health (not reviewed for 91 days)" in choice.options

    at.button(key="dashboards_review").click().run()

    assert stored(wiring).reviewed_at == NOON + 91 * DAY
    assert "Reviewed just now by ana" in text(at)
    assert "Service health" in at.selectbox(key="dashboards_choice").options


def test_an_owner_who_is_gone_is_flagged_until_someone_takes_it(wiring: Wiring) -> None:
    at = seen_by(wiring, "Cleo")
    at.button(key="dashboards_gone_owner").click().run()
    assert "owner gone" in text(at)
    assert "Service health (owner gone)" in at.selectbox(key="dashboards_choice").options

    offer(at, "Cleo")
    at.button(key="dashboards_accept").click().run()

    assert stored(wiring).owner == "Cleo"
    assert "owner gone" not in text(at)


def test_an_owner_who_was_thought_gone_is_here_again(wiring: Wiring) -> None:
    at = seen_by(wiring, "Cleo")
    at.button(key="dashboards_gone_owner").click().run()

    at.button(key="dashboards_here").click().run()

    assert "owner gone" not in text(at)


def test_all_dashboards_are_listed_with_their_owners(wiring: Wiring) -> None:
    at = seen_by(wiring, "ana", after=100 * DAY)

    at.button(key="dashboards_all").click().run()

    assert text(at).count("not reviewed for 100 days") == 4  # three, and the page behind

    at.button(key="dashboards_show_cost").click().run()

    assert at.query_params["dashboard"] == "cost"
    assert text(at).count("not reviewed for 100 days") == 1


def test_a_clone_is_whose_who_made_it(wiring: Wiring) -> None:
    at = seen_by(wiring, "Cleo")
    at.button(key="dashboards_clone").click().run()
    at.text_input(key="dashboards_title").input("Cleo's own").run()

    at.button(key="dashboards_clone_now").click().run()

    assert at.query_params["dashboard"] == "cleo-s-own"
    assert "**Cleo** answers for this dashboard." in text(at)


def test_only_its_owner_removes_a_dashboard(wiring: Wiring) -> None:
    at = seen_by(wiring, "Cleo")
    at.button(key="dashboards_remove").click().run()
    at.button(key="dashboards_remove_now").click().run()
    assert "Only Ana can remove" in at.error[0].value

    at = seen_by(wiring, "ana")
    at.button(key="dashboards_remove").click().run()
    at.button(key="dashboards_remove_now").click().run()

    assert len(at.selectbox(key="dashboards_choice").options) == 2
