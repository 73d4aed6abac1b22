"""The dry run of a policy on its page, and the tests of channels below it."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts import channels, policies, trial_delivery
from alerts.delivery import Directory
from alerts.notifiers import NotifyError, Person
from alerts.oncall import ScheduledPeople
from alerts.policies import PolicyDraft
from app import cached_people
from models.tables import Notification, TrialMessage
from tests import oncall_pages
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]


class Nobody(Directory):
    """A rota with a hole in it."""

    def find(self, target: str, *, at: object) -> list[Person]:
        raise NotifyError("nobody is on call then", permanent=True)


@pytest.fixture(autouse=True)
def fresh() -> None:
    cached_people.clear()


def walking(house: House, name: str = "standard") -> AppTest:
    return opened("policies", walk=str(house.policy(name).id))


def save(house: House, **fields: object) -> None:
    draft = PolicyDraft.model_validate({"name": "walked", **fields})
    policies.save_policy(house.wiring.db, draft)


def messages(house: House) -> list[TrialMessage]:
    with Session(house.wiring.db) as session:
        return list(session.exec(select(TrialMessage)))


def test_every_step_is_named_with_its_time_and_whom_it_reaches(house: House) -> None:
    said = text(walking(house))
    assert "**Step 1**, 0 s: Slack #llm-alerts" in said
    assert "**Step 2**, +5 min: PagerDuty" in said
    assert "**Step 3**, +15 min: whoever is on call: Ada Lovelace <ada@example.org>" in said
    assert "**Step 3, round 2**, +40 min" in said
    assert "Nobody else is told after 40 min." in said


def test_a_dry_run_tells_nobody(house: House) -> None:
    with Session(house.wiring.db) as session:
        before = len(session.exec(select(Notification)).all())
    walking(house)
    with Session(house.wiring.db) as session:
        assert len(session.exec(select(Notification)).all()) == before
    assert messages(house) == []


def test_a_gap_is_said_in_red(house: House) -> None:
    house.wiring.usable.directories[channels.ONCALL] = Nobody()  # type: ignore[index]
    (first, *_) = walking(house).error
    said = first.value.replace("\\", "")
    assert said == "Step 3, +15 min, whoever is on call: nobody is on call then."


def test_a_schedule_is_asked_for_the_time_of_each_step(house: House) -> None:
    """At noon nobody is on call by a schedule of nights, and seven hours later Ada is."""
    nights = {"days": [0, 1, 2, 3, 4, 5, 6], "opens": "18:00", "closes": "08:00"}
    oncall_pages.saved(house, layers=[oncall_pages.LAYER | {"windows": [nights]}])
    by_schedule = ScheduledPeople(house.wiring.db)
    house.wiring.usable.directories[channels.SCHEDULE] = by_schedule  # type: ignore[index]
    told = {"channels": ["schedule:payments"]}
    save(house, steps=[told, {"after": "7h", **told}])
    page = walking(house, "walked")
    (gap,) = page.error
    assert "nobody is on call for payments at this time" in gap.value
    assert "Ada Lovelace <ada@example.org>" in text(page)


def test_a_step_outside_its_hours_is_skipped_with_the_reason(house: House) -> None:
    hours = {"start": "08:00", "end": "10:00"}
    steps = [
        {"channels": ["slack:#a"], "only": {"hours": hours}},
        {"after": "5m", "channels": ["slack:#b"]},
    ]
    save(house, steps=steps)
    page = walking(house, "walked")
    assert "nobody: skipped, not at this time of the week (would tell Slack #a)" in text(page)
    page.time_input(key="walk_time").set_value(time(9)).run()
    assert "**Step 1**, 0 s: Slack #a" in text(page)


def test_what_is_asked_about_decides_which_steps_are_taken(house: House) -> None:
    only = {"severities": ["critical"], "more_than": 3}
    save(house, steps=[{"channels": ["slack:#a"], "only": only}])
    page = walking(house, "walked")
    assert "only for more than 3 alerts" in text(page)
    page.number_input(key="walk_alerts").set_value(4).run()
    assert "skipped" not in text(page)
    page.selectbox(key="walk_severity").select("info").run()
    assert "skipped, only for critical" in text(page)


def test_clocks_that_change_meanwhile_are_said(house: House) -> None:
    steps = [{"channels": ["slack:#a"]}, {"after": "2h", "channels": ["slack:#b"]}]
    save(house, steps=steps)
    page = walking(house, "walked")
    page.context = {"timezone": "Europe/Berlin"}
    page.date_input(key="walk_date").set_value(date(2026, 3, 29))
    page.time_input(key="walk_time").set_value(time(1, 30)).run()
    assert "Clocks in Europe/Berlin go forward meanwhile" in text(page)
    assert "03:30:00 CEST" not in text(page)
    assert "Sun Mar 29, 04:30:00 CEST" in text(page)


def test_a_time_that_the_clock_skips_is_said(house: House) -> None:
    page = walking(house)
    page.context = {"timezone": "Europe/Berlin"}
    page.date_input(key="walk_date").set_value(date(2026, 3, 29))
    page.time_input(key="walk_time").set_value(time(2, 30)).run()
    assert "02:30 does not exist on that day, 03:30 CEST is taken" in text(page)


def test_a_test_asks_only_the_channels_that_were_chosen(house: House) -> None:
    page = walking(house)
    chosen = page.multiselect(key=f"walk_channels_{house.policy('standard').id}")
    assert chosen.value == ["slack:#llm-alerts"], "nobody is called by a click too many"
    page.button(key="walk_send").click().run()
    assert [message.channel for message in messages(house)] == ["slack:#llm-alerts"]
    assert toasts(page) == ["The engine sends the test now."]
    assert "waits for the engine" in text(page)


def test_a_button_that_fires_twice_sends_one_test(house: House) -> None:
    page = walking(house)
    page.button(key="walk_send").click().run()
    page.button(key="walk_send").click().run()
    assert len(messages(house)) == 1
    house.now += timedelta(seconds=6)
    page.button(key="walk_send").click().run()
    assert len(messages(house)) == 2, "a second wish is a second test"


def test_the_ledger_of_a_test_shows_what_the_vendor_said(house: House) -> None:
    page = walking(house)
    page.button(key="walk_send").click().run()
    wiring = house.wiring
    assert trial_delivery.deliver_next(wiring.db, wiring.usable, now=house.now, by="engine")
    cached_people.tried.clear()
    said = text(page.run())
    assert "delivered" in said
    assert "ok, posted 1700000000.000100" in said


@pytest.mark.parametrize("asked", ["999", "abc"])
def test_an_unknown_policy_gets_a_sentence(house: House, asked: str) -> None:
    assert f"There is no policy {asked}" in text(opened("policies", walk=asked))
