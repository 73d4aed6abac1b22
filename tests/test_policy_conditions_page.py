"""The policy form below its channels: conditions, grouping, timeouts; and who keeps the old one."""

from datetime import time, timedelta

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import policies
from alerts.escalation import Hours, Only
from alerts.policies import HoursDraft, OnlyDraft, PolicyDraft
from app import channel_words, policy_grouping
from models.vocabulary import Severity
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]


def saved(house: House, name: str) -> PolicyDraft:
    with Session(house.wiring.db) as session:
        return {p.name: policies.draft_of(p) for p in policies.policies(session)}[name]


def editing(house: House, name: str = "office hours") -> tuple[AppTest, str]:
    number = house.policy(name).id
    return opened("policies", policy=str(number)), f"policies_{number}"


def save(page: AppTest) -> None:
    page.button(key="policies_save").click().run()
    assert not page.exception


def test_a_step_can_be_for_some_severities_only(house: House) -> None:
    page, keys = editing(house)
    page.pills(key=f"{keys}_only_severities_0").set_value([Severity.CRITICAL]).run()
    assert "Slack #llm-quality (only for critical)" in text(page)
    save(page)
    assert saved(house, "office hours").steps[0].only == OnlyDraft(severities=("critical",))


def test_a_step_can_wait_for_more_alerts(house: House) -> None:
    page, keys = editing(house)
    page.number_input(key=f"{keys}_only_more_than_0").set_value(5).run()
    save(page)
    assert saved(house, "office hours").steps[0].only.more_than == 5


def test_a_step_can_keep_to_certain_hours(house: House) -> None:
    page, keys = editing(house)
    page.toggle(key=f"{keys}_only_timed_0").set_value(True).run()
    assert "only Mon to Fri 09:00-17:00 UTC" in text(page)
    page.time_input(key=f"{keys}_only_start_0").set_value(time(22))
    page.time_input(key=f"{keys}_only_end_0").set_value(time(6))
    page.selectbox(key=f"{keys}_only_zone_0").set_value("Europe/Berlin")
    page.pills(key=f"{keys}_only_days_0").set_value([4, 5]).run()
    save(page)
    assert saved(house, "office hours").steps[0].only.hours == HoursDraft(
        start=time(22), end=time(6), zone="Europe/Berlin", weekdays=(4, 5)
    )


def test_hours_without_a_day_are_refused_beside_the_step(house: House) -> None:
    page, keys = editing(house)
    page.toggle(key=f"{keys}_only_timed_0").set_value(True).run()
    page.pills(key=f"{keys}_only_days_0").set_value([]).run()
    assert page.button(key="policies_save").disabled


def test_alerts_can_be_told_together_by_labels(house: House) -> None:
    page, keys = editing(house)
    page.button_group(key=f"{keys}_grouping").set_value(policy_grouping.BY_LABELS).run()
    page.multiselect(key=f"{keys}_group_by").set_value(["rule", "feature"])
    page.selectbox(key=f"{keys}_group_wait").select("30s")
    page.selectbox(key=f"{keys}_group_interval").select("5m")
    page.number_input(key=f"{keys}_storm_limit").set_value(7).run()
    save(page)
    draft = saved(house, "office hours")
    assert draft.group_by == ("rule", "feature")
    assert draft.group_wait == timedelta(seconds=30)
    assert (draft.group_interval, draft.storm_limit) == (timedelta(minutes=5), 7)


def test_by_labels_without_one_is_refused(house: House) -> None:
    page, keys = editing(house)
    page.button_group(key=f"{keys}_grouping").set_value(policy_grouping.BY_LABELS).run()
    assert "choose at least one label" in text(page)
    assert page.button(key="policies_save").disabled


def test_alerts_can_be_told_all_in_one(house: House) -> None:
    page, keys = editing(house)
    page.button_group(key=f"{keys}_grouping").set_value(policy_grouping.ALL).run()
    save(page)
    assert saved(house, "office hours").group_by == ()


def test_acknowledgements_run_out_by_severity(house: House) -> None:
    page, keys = editing(house)
    page.selectbox(key=f"{keys}_ack_critical").select("30m").run()
    save(page)
    assert saved(house, "office hours").ack_timeouts == {Severity.CRITICAL: timedelta(minutes=30)}


def test_saving_says_which_alerts_go_on_with_the_old_policy(house: House) -> None:
    page, keys = editing(house, "standard")
    page.button(key=f"{keys}_remove_2").click().run()
    save(page)
    (said,) = toasts(page)
    assert said.startswith("Saved standard. Alerts that fire from now on follow it. ")
    assert said.endswith(" go on with it as it was.")
    assert "Latency p95" in said


@pytest.mark.parametrize(
    ("only", "words"),
    [
        (Only(), ""),
        (Only(more_than=1), "only for more than 1 alert"),
        (
            Only(severities=frozenset({Severity.ERROR, Severity.CRITICAL})),
            "only for critical or error",
        ),
        (
            Only(hours=Hours(start=time(9), end=time(17), zone="Europe/Berlin")),
            "only 09:00-17:00 Europe/Berlin",
        ),
        (
            Only(hours=Hours(start=time(0), end=time(6), weekdays=frozenset({5, 6}))),
            "only Sat, Sun 00:00-06:00 UTC",
        ),
    ],
)
def test_a_condition_is_said_as_people_say_it(only: Only, words: str) -> None:
    assert channel_words.condition(only) == words
