"""On call: who has it, the calendar, and the forms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from alerts import policies
from alerts.policies import PolicyDraft
from app import cached, cached_oncall
from models.tables import OnCallCalendar
from tests.house import House, empty_house, house, house_template
from tests.made_rotas import ADA, BEN, CLEO
from tests.memory_source import NOON
from tests.oncall_pages import DAY, LAYER, MONDAY, drafts, drawn, override, overrides, saved
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]


def test_without_schedules_the_page_says_what_one_is(empty_house: House) -> None:
    assert "No schedule yet" in text(opened("oncall"))


def test_the_list_says_who_has_it_until_when_and_who_is_next(empty_house: House) -> None:
    saved(empty_house)
    page = opened("oncall")
    handover = MONDAY + 7 * DAY
    assert f"Ada Lovelace] until {handover:%a %-d %b, %H:%M}" in text(page)
    assert "then Ben Okri" in text(page)
    assert "no gap in the next 14 days" in text(page)
    assert "Ada Lovelace" in drawn(page)


def test_gaps_are_worded_counted_and_marked(empty_house: House) -> None:
    nights = {"days": [0, 1, 2, 3, 4, 5, 6], "opens": "18:00", "closes": "08:00"}
    saved(empty_house, layers=[LAYER | {"windows": [nights]}])
    page = opened("oncall")
    today = f"{NOON:%a %-d %b}"
    assert f"Nobody is on call until {today}, 18:00" in text(page)
    assert f"15 gaps in the next 14 days] {today}, 12:00 to 18:00" in text(page)
    assert 'class="piece gap"' in drawn(page)


def test_a_schedule_told_by_a_policy_says_so(house: House) -> None:
    saved(house)
    assert "No policy tells it yet" in text(opened("oncall"))
    step = {"channels": ["schedule:payments"]}
    policy = PolicyDraft.model_validate({"name": "nights", "steps": [step]})
    policies.save_policy(house.wiring.db, policy)
    cached_oncall.clear()
    assert "Told by the policy nights" in text(opened("oncall"))


def test_the_calendar_shows_each_day_in_words(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    override(empty_house, schedule_id, CLEO, NOON + DAY, NOON + DAY + timedelta(hours=4))
    page = opened("oncall", schedule=str(schedule_id))
    said = drawn(page)
    assert said.count('<li class="day') == 14
    assert '<span class="at">12:00</span> Cleo Laine <span class="tag">override</span>' in said
    assert "today" in said
    assert "by ada · a dentist" in text(page)


def test_the_calendar_can_be_turned_and_widened(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    page.button(key=f"oncall_offset_{schedule_id}_later").click().run()
    later = (NOON - NOON.weekday() * DAY + 14 * DAY).date()
    assert f"{later:%-d %B} to" in text(page)
    page.segmented_control(key=f"oncall_span_{schedule_id}").set_value("Month").run()
    assert f"{NOON:%B %Y}" in text(page)
    assert drawn(page).count('<li class="day') in (35, 42)


def test_what_people_write_is_shown_as_it_is(empty_house: House) -> None:
    name = "<img src=x onerror=alert(1)> *bold*"
    saved(empty_house, name=name, layers=[LAYER | {"people": ['B"o& <bo@example.org>', ADA]}])
    page = opened("oncall")
    assert "<img" not in drawn(page)
    assert "B&quot;o&amp;" in drawn(page)
    assert name in text(page)


def test_two_people_with_one_name_are_told_apart(empty_house: House) -> None:
    namesake = "Ada Lovelace <ada@example.com>"
    saved(empty_house, layers=[LAYER | {"people": [ADA, namesake]}])
    said = text(opened("oncall"))
    assert "Ada Lovelace (ada@example.org)" in said
    assert "then Ada Lovelace (ada@example.com)" in said


def calendar(house: House, **said: Any) -> int:
    address = "https://cal.example.org/x.ics"
    schedule_id = saved(house, source="ical", address=address, layers=[])
    with Session(house.wiring.db) as session:
        row = session.get_one(OnCallCalendar, schedule_id)
        for field, value in said.items():
            setattr(row, field, value)
        session.commit()
    cached_oncall.clear()
    return schedule_id


def test_a_calendar_that_was_never_read_is_unknown_not_a_gap(empty_house: House) -> None:
    calendar(empty_house, error="cal.example.org answered HTTP 404")
    page = opened("oncall")
    assert "has not been read yet. cal.example.org answered HTTP 404" in text(page)
    assert "gap" not in text(page)


def test_an_outage_of_a_calendar_is_said_with_its_age(empty_house: House) -> None:
    event = {"person": ADA, "start": MONDAY.isoformat(), "end": (MONDAY + 20 * DAY).isoformat()}
    calendar(
        empty_house,
        read_at=NOON - timedelta(hours=3),
        known_until=NOON + 300 * DAY,
        bookings=[event],
        error="cal.example.org did not answer within 15 s",
        unknown=["Lunch"],
    )
    said = text(opened("oncall"))
    assert "last read 3 h ago, and goes on here as it was then" in said
    assert "Ada Lovelace] until" in said
    assert "name nobody who is known: Lunch" in said


def test_beyond_what_a_source_was_asked_for_nothing_is_called_a_gap(empty_house: House) -> None:
    event = {"person": ADA, "start": MONDAY.isoformat(), "end": (NOON + 3 * DAY).isoformat()}
    schedule_id = calendar(empty_house, read_at=NOON, known_until=NOON + 2 * DAY, bookings=[event])
    page = opened("oncall", schedule=str(schedule_id))
    assert "no gap until Wed 4 Mar, 12:00" in text(page)
    assert "not known yet" in drawn(page)


def test_an_override_is_made_and_says_whom_it_replaces(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    form = f"oncallover_{schedule_id}"
    page.selectbox(key=f"{form}_person").set_value(BEN).run()
    begins = (NOON + DAY).replace(tzinfo=None)
    page.datetime_input(key=f"{form}_begins").set_value(begins).run()
    page.datetime_input(key=f"{form}_ends").set_value(begins + timedelta(hours=4)).run()
    assert "Instead of Ada Lovelace" in text(page)
    page.button(key=f"{form}_save").click().run()
    (made,) = overrides(empty_house)
    assert (made.person, made.starts_at, made.by) == (BEN, begins.replace(tzinfo=UTC), "ana")
    assert toasts(page) == ["Ben Okri takes over then."]


def test_an_override_that_ends_before_it_starts_cannot_be_made(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    form = f"oncallover_{schedule_id}"
    page.selectbox(key=f"{form}_person").set_value(BEN).run()
    page.datetime_input(key=f"{form}_ends").set_value(datetime(2020, 1, 1)).run()  # noqa: DTZ001
    assert "it must end after it starts" in text(page)
    assert page.button(key=f"{form}_save").disabled


def test_two_overrides_that_overlap_are_shown_with_who_wins(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    for person in (CLEO, BEN):
        override(empty_house, schedule_id, person, NOON + DAY, NOON + 2 * DAY)
    said = text(opened("oncall", schedule=str(schedule_id)))
    assert said.count("a later override covers a part of it, and wins there") == 1


def test_a_swap_is_made_between_two_shifts_and_taken_back(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    form = f"oncallswap_{schedule_id}"
    first, second = page.selectbox(key=f"{form}_first").options[:2]
    page.selectbox(key=f"{form}_first").select(first).run()
    page.selectbox(key=f"{form}_second").select(second).run()
    assert "Ben Okri takes Ada Lovelace" in text(page)
    page.button(key=f"{form}_save").click().run()
    made = overrides(empty_house)
    assert [one.person for one in made] == [BEN, ADA]
    assert len({one.swap_id for one in made}) == 1
    page.button(key=f"oncall_take_back_{made[1].id}").click().run()
    assert overrides(empty_house) == []


def test_the_feed_address_can_be_changed(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    (before,) = (code.value for code in page.code)
    assert "/oncall/payments.ics?token=" in before
    page.button(key=f"oncall_address_{schedule_id}").click().run()
    assert page.code[0].value != before


def test_a_schedule_is_deleted(empty_house: House) -> None:
    schedule_id = saved(empty_house)
    page = opened("oncall", schedule=str(schedule_id))
    page.button(key=f"oncall_delete_{schedule_id}").click().run()
    assert drafts(empty_house) == {}
    assert toasts(page) == ["Deleted payments."]


@pytest.mark.parametrize("asked", ["999", "abc"])
def test_an_unknown_schedule_gets_a_sentence(empty_house: House, asked: str) -> None:
    assert f"There is no schedule {asked}" in text(opened("oncall", schedule=asked))
    assert f"There is no schedule {asked}" in text(opened("oncall", schedule=asked, edit="yes"))


def test_while_the_database_is_down_the_last_answer_stays(empty_house: House) -> None:
    saved(empty_house)
    opened("oncall")
    with empty_house.wiring.db.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE oncallschedule RENAME TO gone")
    cached_oncall.clear()
    said = text(opened("oncall"))
    assert cached.DATABASE_DOWN.rstrip(".") in said
    assert "Ada Lovelace] until" in said


def test_a_policy_may_choose_a_schedule(house: House) -> None:
    saved(house)
    page = opened("policies", policy="new")
    box = page.multiselect(key="policies_new_channels_0")
    assert "schedule:payments" in box.options
    box.set_value(["schedule:payments", "schedule:gone"]).run()
    assert "schedule:gone: there is no such schedule" in text(page)
    assert "schedule:payments: there is no" not in text(page)
