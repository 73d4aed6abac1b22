"""The form of an on-call schedule: its layers, their hours, and what cannot be saved."""

from datetime import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import cached
from tests.house import House, empty_house
from tests.made_rotas import ADA, BEN, CLEO
from tests.oncall_pages import DAY, LAYER, drafts, saved
from tests.pages import opened, text, toasts

__all__ = ["empty_house"]


def test_a_new_schedule_is_saved(empty_house: House) -> None:
    page = opened("oncall", schedule="new")
    assert "name at least one person" in text(page)
    page.text_input(key="oncalledit_new_name").set_value("payments").run()
    page.selectbox(key="oncalledit_new_zone").select("Europe/Berlin").run()
    page.multiselect(key="oncalledit_new_members_0").set_value([ADA, "ben@example.org"]).run()
    assert "Layer 1: Ada Lovelace, Ben take turns, every week, on Monday at 09:00" in text(page)
    page.button(key="oncall_save").click().run()
    layer = drafts(empty_house)["payments"].layers[0]
    assert layer.people == (ADA, "Ben <ben@example.org>")
    assert (layer.weekday, layer.turn, layer.handover) == (0, 7 * DAY, time(9))
    assert page.query_params["schedule"] == "1"
    assert toasts(page) == ["Saved payments. Who is on call goes by it from now on."]


def test_saving_a_schedule_unchanged_changes_nothing_in_it(empty_house: House) -> None:
    nights = {"days": [0, 4], "opens": "18:00", "closes": "08:00"}
    twelve = {"turn": "12h", "weekday": None, "handover": "07:30"}
    saved(empty_house, zone="Europe/Berlin", layers=[LAYER, LAYER | {"windows": [nights]} | twelve])
    before = drafts(empty_house)
    page = opened("oncall", schedule="1", edit="yes")
    page.button(key="oncall_save").click().run()
    assert drafts(empty_house) == before


def editing(house: House, **changes: Any) -> AppTest:
    saved(house, **changes)
    return opened("oncall", schedule="1", edit="yes")


def test_a_layer_on_top_covers_the_nights(empty_house: House) -> None:
    page = editing(empty_house)
    page.button(key="oncalledit_1_add").click().run()
    page.multiselect(key="oncalledit_1_members_1").set_value([CLEO]).run()
    page.segmented_control(key="oncalledit_1_hours_1").set_value("nights").run()
    assert "Layer 2: Cleo Laine, only every day, 18:00 to 08:00" in text(page)
    page.button(key="oncall_save").click().run()
    top = drafts(empty_house)["payments"].layers[1]
    assert (top.people, len(top.windows), top.windows[0].opens) == ((CLEO,), 1, time(18))


def test_layers_can_be_moved_and_taken_out(empty_house: House) -> None:
    page = editing(empty_house, layers=[LAYER, LAYER | {"name": "top", "people": [CLEO]}])
    page.button(key="oncalledit_1_up_1").click().run()
    page.button(key="oncalledit_1_remove_0").click().run()
    assert page.button(key="oncalledit_1_remove_1").disabled
    page.button(key="oncall_save").click().run()
    assert [layer.name for layer in drafts(empty_house)["payments"].layers] == ["top"]


def test_hours_can_be_added_and_taken_out(empty_house: House) -> None:
    page = editing(empty_house)
    page.segmented_control(key="oncalledit_1_hours_0").set_value("weekends").run()
    page.button(key="oncalledit_1_add_window_0").click().run()
    page.button(key="oncalledit_1_remove_window_0_0").click().run()
    page.pills(key="oncalledit_1_days_0_1").set_value([]).run()
    assert "say on which days" in text(page)
    page.pills(key="oncalledit_1_days_0_1").set_value([2]).run()
    page.button(key="oncall_save").click().run()
    (window,) = drafts(empty_house)["payments"].layers[0].windows
    assert (window.days, window.opens) == ((2,), time(18))


def test_an_edit_that_changes_who_is_on_call_now_says_so(empty_house: House) -> None:
    page = editing(empty_house)
    page.multiselect(key="oncalledit_1_members_0").set_value([BEN, ADA]).run()
    assert "changes who is on call now: from Ada Lovelace to Ben Okri" in text(page)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("members_0", ["Ada"], "layer 1: 'Ada' needs an e-mail address"),
        ("members_0", [], "layer 1: name at least one person"),
        ("members_0", [ADA, "ada@example.org"], "is in it twice"),
    ],
)
def test_a_layer_that_makes_no_sense_cannot_be_saved(
    empty_house: House, field: str, value: list[str], complaint: str
) -> None:
    page = editing(empty_house)
    page.multiselect(key=f"oncalledit_1_{field}").set_value(value).run()
    assert complaint in text(page)
    assert page.button(key="oncall_save").disabled


def test_a_calendar_is_named_by_its_address(empty_house: House) -> None:
    page = opened("oncall", schedule="new")
    page.text_input(key="oncalledit_new_name").set_value("support").run()
    page.segmented_control(key="oncalledit_new_source").set_value("ical").run()
    assert "starts with https://" in text(page)
    page.text_input(key="oncalledit_new_address").set_value("webcal://c.example.org/x.ics").run()
    page.button(key="oncall_save").click().run()
    assert drafts(empty_house)["support"].address == "https://c.example.org/x.ics"


def test_nothing_is_saved_while_the_database_is_down(empty_house: House) -> None:
    page = editing(empty_house)
    with empty_house.wiring.db.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE oncallschedule RENAME TO gone")
    page.button(key="oncall_save").click().run()
    assert toasts(page) == [f"{cached.DATABASE_DOWN} Not saved: try again."]
