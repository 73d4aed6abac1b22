"""The keys: next and previous alert, acknowledge, search; each shown on its button."""

import pytest

from alerts import actions
from app import alert_order
from models.vocabulary import AlertState
from tests.house import House, house, house_template
from tests.pages import opened

__all__ = ["house", "house_template"]

FIRING, TAKEN = "Errors of a single feature", "Latency p95"


@pytest.mark.parametrize(
    ("alert_id", "expected"),
    [(7, (None, 5)), (5, (7, 9)), (9, (5, None)), (1, (None, 7))],
    ids=["first", "middle", "last", "over already"],
)
def test_an_alert_has_neighbours(alert_id: int, expected: tuple[int | None, int | None]) -> None:
    assert alert_order.neighbours([7, 5, 9], alert_id) == expected


def test_an_empty_inbox_leads_nowhere() -> None:
    assert alert_order.neighbours([], 1) == (None, None)


def test_j_opens_the_most_urgent_alert_and_then_the_next(house: House) -> None:
    page = opened("alerts")
    page.button(key="alerts_go_J").click().run()
    assert page.query_params["alert"] == str(house.alert(FIRING).id)
    page.button(key="alerts_go_J").click().run()
    assert page.query_params["alert"] == str(house.alert(TAKEN).id)
    page.button(key="alerts_go_K").click().run()
    assert page.query_params["alert"] == str(house.alert(FIRING).id)


def test_a_acknowledges_the_open_alert_alone(house: House) -> None:
    alert_id = house.alert(FIRING).id
    button = f"alerts_acknowledge_{alert_id}"
    assert opened("alerts").button(key=button).proto.shortcut == ""
    page = opened("alerts", alert=str(alert_id))
    assert page.button(key=button).proto.shortcut == "a"
    page.button(key=button).click().run()
    assert house.alert(FIRING).state is AlertState.ACKNOWLEDGED


def test_an_alert_that_is_over_leads_to_the_most_urgent_one(house: House) -> None:
    over = house.alert(TAKEN).id or 0
    actions.resolve(house.wiring.db, over, by="grace", now=house.now)
    page = opened("alerts", alert=str(over))
    assert page.button(key="alerts_go_K").disabled
    page.button(key="alerts_go_J").click().run()
    assert page.query_params["alert"] == str(house.alert(FIRING).id)
