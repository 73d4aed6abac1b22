"""Policies: the list in words, and the form with its steps."""

from datetime import timedelta

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import policies
from alerts.escalation import Plan, Step
from alerts.policies import PolicyDraft, StepDraft
from app import channel_words, ordering, policy_form
from models.tables import Policy
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]

STANDARD = (
    "At once Slack #llm-alerts → after 5 min PagerDuty → after 10 min more whoever is on call, "
    "then once more from the start"
)


def drafts(house: House) -> dict[str, PolicyDraft]:
    with Session(house.wiring.db) as session:
        return {p.name: policies.draft_of(p) for p in policies.policies(session)}


def editing(house: House, name: str) -> tuple[AppTest, str]:
    """Open the form of a policy; return it with the start of its widgets' keys."""
    policy_id = house.policy(name).id
    return opened("policies", policy=str(policy_id)), f"policies_{policy_id}"


def test_a_policy_is_read_as_a_sequence(house: House) -> None:
    card = opened("policies").container(key=f"policy_{house.policy('standard').id}")
    said = "\n".join(line.value for line in card.markdown).replace("\\", "")
    assert STANDARD in said
    assert "Used by 4 rules: Cost per request, Error budget burns too fast" in said


def test_the_list_says_which_alerts_go_on_with_an_older_version(house: House) -> None:
    draft = drafts(house)["standard"]
    shorter = draft.model_copy(update={"steps": draft.steps[:1]})
    policies.save_policy(house.wiring.db, shorter, policy_id=house.policy("standard").id)
    said = text(opened("policies"))
    assert "These 2 go on with the policy as it was when they fired" in said
    assert f"group={house.alert('Latency p95').group_id}" in said


def test_without_policies_the_page_says_what_one_is(empty_house: House) -> None:
    assert "No policy yet" in text(opened("policies"))


def test_saving_a_policy_unchanged_changes_nothing_in_it(house: House) -> None:
    before = drafts(house)
    for name in before:
        page, _ = editing(house, name)
        page.button(key="policies_save").click().run()
    assert drafts(house) == before


def test_a_step_can_be_added(house: House) -> None:
    page, keys = editing(house, "office hours")
    page.button(key=f"{keys}_add").click().run()
    assert "say whom it tells" in text(page)
    page.multiselect(key=f"{keys}_channels_1").set_value(["pagerduty:default"]).run()
    page.selectbox(key=f"{keys}_after_1").select("20s").run()
    assert "At once Slack #llm-quality → after 20 s PagerDuty" in text(page)
    page.button(key="policies_save").click().run()
    assert drafts(house)["office hours"].steps[1] == StepDraft(
        after=timedelta(seconds=20), channels=("pagerduty:default",)
    )


def test_a_step_that_moves_takes_along_what_was_typed_in_it(house: House) -> None:
    page, keys = editing(house, "standard")
    page.selectbox(key=f"{keys}_after_2").select("30m").run()
    page.button(key=f"{keys}_up_2").click().run()
    page.button(key="policies_save").click().run()
    told = [step.channels[0] for step in drafts(house)["standard"].steps]
    assert told == ["slack:#llm-alerts", "oncall:default", "pagerduty:default"]
    assert drafts(house)["standard"].steps[1].after == timedelta(minutes=30)


def test_a_step_can_be_taken_out(house: House) -> None:
    page, keys = editing(house, "standard")
    page.button(key=f"{keys}_remove_0").click().run()
    page.button(key="policies_save").click().run()
    assert [step.channels[0] for step in drafts(house)["standard"].steps] == [
        "pagerduty:default",
        "oncall:default",
    ]


def test_the_only_step_cannot_be_taken_out(house: House) -> None:
    page, keys = editing(house, "office hours")
    assert page.button(key=f"{keys}_remove_0").disabled


@pytest.mark.parametrize(
    ("channel", "complaint"),
    [
        ("slcak:#llm", "'slcak:#llm' is not a channel: write kind:target, kind one of slack"),
        ("person:ada", "'person:ada' needs an e-mail address after person:"),
        ("slack:", "'slack:' is not a channel"),
        ("slack-thread:#llm", "'slack-thread:#llm' follows from slack:#llm: name that instead"),
    ],
)
def test_a_channel_that_is_none_is_refused_beside_its_step(
    house: House, channel: str, complaint: str
) -> None:
    page, keys = editing(house, "office hours")
    page.multiselect(key=f"{keys}_channels_0").set_value([channel]).run()
    assert complaint in text(page)
    assert page.button(key="policies_save").disabled


def test_a_new_policy_is_saved(empty_house: House) -> None:
    page = opened("policies", policy="new")
    page.text_input(key="policies_new_name").set_value("nights").run()
    page.multiselect(key="policies_new_channels_0").set_value(["slack:#night"]).run()
    page.number_input(key="policies_new_repeat").set_value(2).run()
    page.button(key="policies_save").click().run()
    saved = drafts(empty_house)["nights"]
    assert (saved.repeat, saved.steps) == (2, (StepDraft(channels=("slack:#night",)),))
    assert toasts(page) == ["Saved nights. Alerts that fire from now on follow it."]


def test_a_name_that_is_taken_is_refused(house: House) -> None:
    page, keys = editing(house, "office hours")
    page.text_input(key=f"{keys}_name").set_value("standard").run()
    page.button(key="policies_save").click().run()
    assert toasts(page) == ["Not saved: there is already a policy named 'standard'"]


def test_editing_a_policy_leaves_open_alerts_with_theirs(house: House) -> None:
    before = house.group("Errors of a single feature").policy
    page, keys = editing(house, "standard")
    page.button(key=f"{keys}_remove_2").click().run()
    page.button(key="policies_save").click().run()
    assert house.group("Errors of a single feature").policy == before


@pytest.mark.parametrize("asked", ["999", "abc"])
def test_an_unknown_policy_gets_a_sentence(house: House, asked: str) -> None:
    assert f"There is no policy {asked}" in text(opened("policies", policy=asked))


def step(after: int, *channels: str) -> Step:
    return Step(after=timedelta(seconds=after), channels=channels)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(steps=(step(0, "slack:#a"),)), "At once Slack #a"),
        (
            Plan(steps=(step(0, "slack:#a"), step(20, "pagerduty:db"), step(40, "oncall:PX1"))),
            "At once Slack #a → after 20 s PagerDuty db → after 40 s more whoever is on call for "
            "PX1",
        ),
        (
            Plan(steps=(step(60, "person:a@b.c", "slack:#a"), step(0, "slack-dm:a@b.c")), repeat=3),
            "After 1 min a@b.c and Slack #a → at the same time Slack message to a@b.c, then 3 "
            "times more from the start",
        ),
    ],
)
def test_a_plan_is_said_as_people_say_it(plan: Plan, words: str) -> None:
    assert channel_words.sequence(plan) == words


def test_the_words_follow_the_engine() -> None:
    draft = PolicyDraft(
        name="x",
        steps=(StepDraft(channels=("slack:#a",)), StepDraft(after="5m", channels=("slack:#b",))),
    )
    assert policy_form.plan(draft).steps == tuple(step.step() for step in draft.steps)


@pytest.mark.parametrize(
    ("number", "by", "order"),
    [(2, -1, [2, 1, 3]), (2, 1, [1, 3, 2]), (1, -1, [1, 2, 3]), (3, 1, [1, 2, 3])],
)
def test_a_step_moves_by_one_and_never_off_the_end(number: int, by: int, order: list[int]) -> None:
    assert ordering.moved([1, 2, 3], number, by) == order


def test_a_policy_that_this_version_cannot_read_can_be_written_anew(house: House) -> None:
    with Session(house.wiring.db) as session:
        row = session.get_one(Policy, house.policy("office hours").id)
        row.steps = [{"after_seconds": 0, "channels": ["carrier-pigeon:7"]}]
        session.add(row)
        session.commit()
    page, _ = editing(house, "office hours")
    assert "write them anew" in text(page)
    assert "carrier-pigeon:7" in text(opened("policies"))
