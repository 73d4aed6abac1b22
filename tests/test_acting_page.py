"""What one does to alerts and groups on their pages, and what these say beside it."""

import json
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts import actions, engine, policies, silences
from alerts.policies import PolicyDraft
from alerts.silences import InhibitionDraft, SilenceDraft
from app import alert_actions, cached_alerts, cached_people, exporting
from models.tables import Alert, Group, Note, Notification, Remark
from models.vocabulary import AlertState, Event
from tests.house import VIEWER, House, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["house", "house_template"]

HOUR = timedelta(hours=1)
FIRING, TAKEN = "Errors of a single feature", "Latency p95"


@pytest.fixture
def pair(house: House) -> Group:
    """A group of two: the alert of errors joins that of latency."""
    group_id, alert_id = house.group(TAKEN).id, house.alert(FIRING).id
    with Session(house.wiring.db) as session:
        group, joining = session.get_one(Group, group_id), session.get_one(Alert, alert_id)
        joining.group_id = group.id
        group.size, group.state, group.title = 2, AlertState.FIRING, "Two of them"
        group.labels = {"team": "platform"}
        session.add_all([group, joining])
        session.commit()
        session.refresh(group)
        session.expunge(group)
    cached_alerts.clear()
    return group


def remarks(house: House) -> list[str]:
    with Session(house.wiring.db) as session:
        return [remark.text for remark in session.exec(select(Remark))]


def choose(page: AppTest, key: str, option: str) -> AppTest:
    page.menu_button(key=key).set_value(option).run()
    assert not page.exception
    return page


def alert_page(house: House, rule: str) -> tuple[AppTest, int]:
    number = house.alert(rule).id or 0
    return opened("alerts", alert=str(number)), number


def silence_chat(house: House) -> None:
    draft = SilenceDraft(
        matchers=('feature="chat"',),
        starts_at=house.now,
        ends_at=house.now + 2 * HOUR,
        comment="deploying",
    )
    silences.silence(house.wiring.db, draft, by="ada", now=house.now)
    engine.Muter(house.wiring.db).mute(now=house.now)
    cached_alerts.clear()


def test_snooze_takes_the_alert_for_a_while(house: House) -> None:
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_snooze_{number}", "1 h")
    alert = house.alert(FIRING)
    assert (alert.acknowledged_by, alert.ack_expires_at) == (VIEWER, house.now + HOUR)
    assert toasts(page) == ["You have it until 13:00; then the policy goes on where it stood."]
    assert "nobody's again in 1 h" in text(page)


def test_snooze_until_the_morning_is_by_the_viewers_clock(house: House) -> None:
    number = house.alert(FIRING).id
    page = opened("alerts", alert=str(number))
    page.context = {"timezone": "Asia/Kolkata"}
    choose(page.run(), f"alerts_snooze_{number}", alert_actions.MORNING)
    ends_at = house.alert(FIRING).ack_expires_at
    assert ends_at == house.now.replace(hour=3, minute=30) + timedelta(days=1)


def test_snooze_until_a_time_that_was_typed(house: House) -> None:
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_snooze_{number}", alert_actions.OTHER)
    typed: datetime = page.datetime_input(key=alert_actions.UNTIL).value
    assert typed == (house.now + 2 * HOUR).replace(tzinfo=None)
    page.datetime_input(key=alert_actions.UNTIL).set_value(typed + HOUR)
    page.button(key="alerts_snooze").click().run()
    assert house.alert(FIRING).ack_expires_at == house.now + 3 * HOUR


def test_reassign_calls_a_person_who_is_known(house: House) -> None:
    steps = [{"channels": ["person:joan@example.org"]}]
    draft = PolicyDraft.model_validate({"name": "joan", "steps": steps})
    policies.save_policy(house.wiring.db, draft)
    cached_people.clear()
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_more_{number}", alert_actions.HAND_ON)
    page.selectbox(key=alert_actions.PERSON).set_value("joan@example.org").run()
    page.button(key="alerts_reassign").click().run()
    assert "reassigned to joan@example.org" in remarks(house)
    with Session(house.wiring.db) as session:
        called = select(Notification).where(Notification.channel == "person:joan@example.org")
        assert session.exec(called).one().wanted is Event.TRIGGER
    assert toasts(page) == ["joan@example.org is called."]


def test_reassigning_to_nobody_is_refused_and_the_dialog_stays(house: House) -> None:
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_more_{number}", alert_actions.HAND_ON)
    page.button(key="alerts_reassign").click().run()
    assert toasts(page) == ["Not reassigned: choose somebody, or write an e-mail address."]
    assert page.selectbox(key=alert_actions.PERSON).value is None
    assert remarks(house) == []


def test_escalate_now_takes_the_next_step(house: House) -> None:
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_more_{number}", alert_actions.ESCALATE)
    assert house.group(FIRING).next_escalation_at == house.now
    assert toasts(page) == ["The next step of the policy is taken now."]


def test_a_press_that_fires_twice_escalates_once(house: House) -> None:
    page, number = alert_page(house, FIRING)
    for _ in range(2):
        choose(page, f"alerts_more_{number}", alert_actions.ESCALATE)
        house.now += timedelta(seconds=1)
        engine.escalate(house.wiring.db, now=house.now)
    assert remarks(house).count("asked to escalate now") == 1


def test_a_muted_alert_cannot_be_escalated(house: House) -> None:
    silence_chat(house)
    page, number = alert_page(house, FIRING)
    choose(page, f"alerts_more_{number}", alert_actions.ESCALATE)
    assert toasts(page) == ["Not escalated: it is muted: end the silence first."]


def test_a_muted_alert_says_by_what_and_stands_apart(house: House) -> None:
    silence_chat(house)
    said = text(opened("alerts"))
    assert said.index("Muted, nobody is told (1)") < said.index(FIRING)
    assert "nobody is told, muted by silence 1, ada: deploying, ends in 2 h" in said
    page, _ = alert_page(house, FIRING)
    assert "muted by silence 1, ada: deploying" in text(page)


def test_an_alert_that_another_mutes_leads_there(house: House) -> None:
    draft = InhibitionDraft(name="x", source=(f'rule="{FIRING}"',), target=(f'rule="{TAKEN}"',))
    silences.put_inhibition(house.wiring.db, draft, by="ada", now=house.now)
    engine.Muter(house.wiring.db).mute(now=house.now)
    page, _ = alert_page(house, TAKEN)
    links = "\n".join(line.value for line in page.container(key="alert_links").markdown)
    assert f"[The alert that mutes it](/alerts?alert={house.alert(FIRING).id})" in links


def test_the_page_says_what_changed_around_an_alert(house: House) -> None:
    page, _ = alert_page(house, TAKEN)
    box = page.container(key="alert_changes")
    said = "\n".join(line.value for line in box.markdown).replace("\\", "")
    assert "Its rule was changed at 11:29:00 UTC by grace" in said
    assert "Others began within 15 min of it" in said
    assert "Cache hit rate, resolved" in said


def test_a_group_is_one_card_in_the_list(house: House, pair: Group) -> None:
    page = opened("alerts")
    said = text(page)
    assert said.count("Two of them") == 1
    assert "2 alerts open" in said
    assert "ada has 1 of 2, nobody has the others" in said
    assert page.button(key=f"alerts_acknowledge_group_{pair.id}")


def test_a_group_is_taken_as_a_whole(house: House, pair: Group) -> None:
    page = opened("alerts", group=str(pair.id))
    page.button(key=f"alerts_acknowledge_group_{pair.id}").click().run()
    assert house.alert(FIRING).acknowledged_by == VIEWER
    assert house.alert(TAKEN).acknowledged_by == "ada"
    assert f"ada, {VIEWER} has it" in text(page) or f"{VIEWER}, ada has it" in text(page)


def test_a_group_is_closed_as_a_whole(house: House, pair: Group) -> None:
    page = opened("alerts", group=str(pair.id))
    page.button(key=f"alerts_resolve_group_{pair.id}").click().run()
    assert house.alert(FIRING).resolved_by == house.alert(TAKEN).resolved_by == VIEWER
    assert "it is over" in text(page)


def test_a_note_on_a_group_is_the_groups(house: House, pair: Group) -> None:
    page = opened("alerts", group=str(pair.id))
    page.button(key=f"alerts_note_group_{pair.id}").click().run()
    page.text_area(key="alerts_note_text").set_value("Both are the provider.").run()
    page.button(key="alerts_note_write").click().run()
    with Session(house.wiring.db) as session:
        note = session.exec(select(Note).where(Note.text == "Both are the provider.")).one()
    assert note.whole_group
    other, _ = alert_page(house, FIRING)
    assert "Both are the provider." in text(other)


def test_the_page_of_a_group_shows_members_timeline_and_deliveries(
    house: House, pair: Group
) -> None:
    page = opened("alerts", group=str(pair.id))
    said = text(page)
    assert "Told together because they share team=platform" in said
    assert "Alerts (2, 2 open)" in said
    lines = [line.value.replace("\\", "") for line in page.container(key="alert_timeline").markdown]
    assert any("acknowledged by ada" in line and "model=gpt-4.1-mini" in line for line in lines)
    assert len(page.dataframe) == 1


def test_a_note_written_twice_by_one_press_stands_once(house: House) -> None:
    page, number = alert_page(house, FIRING)
    for _ in range(2):
        page.button(key=f"alerts_note_{number}").click().run()
        page.text_area(key="alerts_note_text").set_value("Twice.").run()
        page.button(key="alerts_note_write").click().run()
    with Session(house.wiring.db) as session:
        assert len(session.exec(select(Note).where(Note.text == "Twice.")).all()) == 1


def test_the_story_can_be_saved_from_the_page(house: House) -> None:
    page, number = alert_page(house, TAKEN)
    labels = [button.label for button in page.get("download_button")]
    assert labels == ["Markdown", "JSON"]
    saved = exporting.exported(house.wiring, number, group=False, as_json=True)
    assert json.loads(saved)["acknowledged_by"] == "ada"


def test_the_hand_over_names_what_is_open_and_who_has_it(house: House) -> None:
    page = opened("alerts", alerts_show="Hand-over")
    (written,) = page.code
    assert "## Open: 2" in written.value
    assert "ada has it" in written.value
    assert "Provider says degraded; failing over." in written.value
    assert "## The last 12 h" in written.value


def test_who_is_second_in_a_group_is_told_who_has_it(house: House, pair: Group) -> None:
    page = opened("alerts", group=str(pair.id))
    actions.acknowledge(house.wiring.db, pair.dedup_key, by="grace", now=house.now)
    page.button(key=f"alerts_acknowledge_group_{pair.id}").click().run()
    assert "Already taken by" in toasts(page)[0]
