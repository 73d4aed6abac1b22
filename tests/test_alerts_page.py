"""The inbox, and one alert: full, empty, with its source or its database down."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text as sql
from sqlmodel import Session, select

from alerts import actions, rulebook, ruledraft, selfwatch
from app import cached_alerts
from models.tables import Note
from models.vocabulary import AlertState
from tests.house import VIEWER, House, empty_house, house, house_template, without_traces
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]

FIRING, TAKEN, PENDING = "Errors of a single feature", "Latency p95", "Cost per request"


def test_what_nobody_has_stands_before_what_someone_has(house: House) -> None:
    page = opened("alerts")
    said = text(page)
    assert said.index(FIRING) < said.index(TAKEN) < said.index(PENDING)


def test_a_card_says_what_since_when_who_and_who_is_next(house: House) -> None:
    card = opened("alerts").container(key=f"alert_{house.alert(FIRING).id}")
    said = "\n".join(line.value for line in card.markdown).replace("\\", "")
    assert "critical" in said
    assert "Error rate reached 8.8 % (alert above 3 % over 5 min) for feature=chat" in said
    assert "firing for 6 min, since 11:54:00 UTC" in said
    assert "nobody has it" in said
    assert "next: whoever is on call in 9 min" in said


def test_a_pending_alert_says_when_it_will_fire(house: House) -> None:
    assert "fires in 6 min if it lasts" in text(opened("alerts"))


def test_times_are_the_viewers_own(house: House) -> None:
    page = opened("alerts")
    page.context = {"timezone": "Asia/Kolkata"}
    page.run()
    assert "since 17:24:00 IST" in text(page)


def test_acknowledge_takes_the_alert_for_the_viewer(house: House) -> None:
    alert_id = house.alert(FIRING).id
    page = opened("alerts")
    page.button(key=f"alerts_acknowledge_{alert_id}").click().run()
    alert = house.alert(FIRING)
    assert (alert.state, alert.acknowledged_by) == (AlertState.ACKNOWLEDGED, VIEWER)
    assert toasts(page) == ["You have it. Nobody else is woken for it."]
    assert f"{VIEWER} has it" in text(page)


def test_a_second_click_on_acknowledge_changes_nothing(house: House) -> None:
    alert_id = house.alert(FIRING).id or 0
    page = opened("alerts")
    actions.acknowledge(house.wiring.db, alert_id, by=VIEWER, now=house.now)
    taken = house.alert(FIRING)
    page.button(key=f"alerts_acknowledge_{alert_id}").click().run()
    assert toasts(page) == ["You have it already."]
    assert house.alert(FIRING) == taken


def test_who_comes_second_is_told_who_has_it(house: House) -> None:
    alert_id = house.alert(FIRING).id or 0
    page = opened("alerts")
    actions.acknowledge(house.wiring.db, alert_id, by="ada", now=house.now)
    house.now += timedelta(minutes=2)
    page.button(key=f"alerts_acknowledge_{alert_id}").click().run()
    assert toasts(page) == ["Already taken by ada, 2 min ago."]
    assert house.alert(FIRING).acknowledged_by == "ada"


def test_an_alert_that_is_over_cannot_be_taken(house: House) -> None:
    alert_id = house.alert(FIRING).id or 0
    page = opened("alerts")
    actions.resolve(house.wiring.db, alert_id, by="grace", now=house.now)
    page.button(key=f"alerts_acknowledge_{alert_id}").click().run()
    assert toasts(page) == ["Already resolved by grace, just now."]


def test_resolve_closes_the_alert(house: House) -> None:
    alert_id = house.alert(TAKEN).id
    page = opened("alerts")
    page.button(key=f"alerts_resolve_{alert_id}").click().run()
    alert = house.alert(TAKEN)
    assert (alert.state, alert.resolved_by) == (AlertState.RESOLVED, VIEWER)
    assert "Resolved" in toasts(page)[0]


def test_a_second_click_on_resolve_says_that_it_is_over(house: House) -> None:
    alert_id = house.alert(TAKEN).id or 0
    page = opened("alerts")
    actions.resolve(house.wiring.db, alert_id, by="grace", now=house.now)
    page.button(key=f"alerts_resolve_{alert_id}").click().run()
    assert toasts(page) == ["Already resolved by grace, just now."]


def test_a_new_alert_on_top_does_not_move_a_click(house: House) -> None:
    wanted = house.alert(TAKEN).id
    page = opened("alerts")
    actions.resolve(house.wiring.db, house.alert(FIRING).id or 0, by="grace", now=house.now)
    page.button(key=f"alerts_resolve_{wanted}").click().run()
    assert house.alert(TAKEN).resolved_by == VIEWER
    assert house.alert(PENDING).state is AlertState.PENDING


def test_a_note_is_written_on_the_alert_it_was_opened_for(house: House) -> None:
    alert_id = house.alert(TAKEN).id
    page = opened("alerts")
    page.button(key=f"alerts_note_{alert_id}").click().run()
    page.text_area(key="alerts_note_text").set_value("Failing over to the second provider.").run()
    page.button(key="alerts_note_write").click().run()
    notes = _notes(house, alert_id)
    assert [(note.author, note.text) for note in notes][1:] == [
        (VIEWER, "Failing over to the second provider.")
    ]


def test_an_empty_note_is_refused_and_the_dialog_stays(house: House) -> None:
    alert_id = house.alert(FIRING).id
    page = opened("alerts")
    page.button(key=f"alerts_note_{alert_id}").click().run()
    page.button(key="alerts_note_write").click().run()
    assert toasts(page) == ["Not written: a note needs 1 to 4,000 characters."]
    assert page.text_area(key="alerts_note_text").value == ""
    assert _notes(house, alert_id) == []


def test_what_was_resolved_stands_behind_the_control(house: House) -> None:
    page = opened("alerts", alerts_show="Resolved")
    said = text(page)
    assert "Cache hit rate" in said
    assert "resolved by itself" in said
    assert "resolved by grace" in said
    assert FIRING not in said


def test_an_empty_inbox_says_what_is_being_watched(house: House) -> None:
    _end_everything(house)
    said = text(opened("alerts"))
    assert "All quiet" in said
    assert "6 rules are being watched, last evaluated just now" in said


def test_without_rules_the_inbox_says_that_nothing_is_watched(empty_house: House) -> None:
    assert "Nothing is being watched" in text(opened("alerts"))


def test_an_engine_that_stands_still_is_never_called_quiet(house: House) -> None:
    _end_everything(house)
    house.passes(timedelta(minutes=10))
    assert "No rule has been evaluated for 10 min" in text(opened("alerts"))


def test_a_source_that_is_down_is_named(house: House) -> None:
    house.source.down = "prometheus did not answer within 5 s"
    house.passes(timedelta(minutes=3))
    selfwatch.look(house.wiring.db, house.source, now=house.now)
    said = text(opened("alerts"))
    assert "prometheus" in said
    assert "last answered 3 min ago: prometheus did not answer within 5 s" in said


def test_when_the_database_is_down_the_last_answer_stays_with_its_age(house: House) -> None:
    opened("alerts")
    house.now += timedelta(minutes=1)
    _break_database(house)
    cached_alerts.clear()
    said = text(opened("alerts"))
    assert cached_alerts.DATABASE_DOWN in said
    assert "from 1 min ago" in said
    assert FIRING in said


def test_a_click_while_the_database_is_down_says_that_nothing_changed(house: House) -> None:
    alert_id = house.alert(FIRING).id
    page = opened("alerts")
    _break_database(house)
    page.button(key=f"alerts_acknowledge_{alert_id}").click().run()
    assert not page.exception
    assert "Nothing was changed" in toasts(page)[0]


def test_a_link_opens_one_alert(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(TAKEN).id))
    assert page.title[0].value == TAKEN
    said = text(page)
    assert "Latency p95 reached 6.96 s (alert above 5 s over 5 min) for model=gpt-4.1-mini" in said
    assert "ada has it, for 14 min" in said
    assert "Rule: Latency p95 above 5 s over 5 min, for each model, once it lasts 2 min" in said


def test_the_page_of_an_alert_shows_its_signal_under_the_threshold(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(TAKEN).id))
    (chart,) = page.get("vega_lite_chart")
    assert '"datum":5' in chart.proto.spec.replace(" ", "")
    asked = next(q for q in reversed(house.source.asked) if q.signal == "latency_p95")
    assert (asked.scope, asked.by) == ((("model", "gpt-4.1-mini"),), ())


def test_the_page_of_an_alert_links_the_traces_that_explain_it(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(TAKEN).id))
    links = [line.value for line in page.container(key="alert_traces").markdown]
    assert links[0] == "**Slowest traces meanwhile**"
    assert len(links) == 6
    assert all("/traces?trace=0000" in link for link in links[1:])


def test_the_page_of_an_alert_says_on_what_it_was_decided(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(FIRING).id))
    said = " ".join(line.value for line in page.container(key="alert_why").markdown)
    assert re.search(r"Error rate [\d.]+ % in 5 min\\?: about [\d,]+ of [\d,]+ requests", said), (
        said
    )
    assert "It had never fired before." in said


def test_failed_traces_explain_an_error_rate(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(FIRING).id))
    links = [line.value for line in page.container(key="alert_traces").markdown]
    assert links[0] == "**Failed traces meanwhile**"
    assert all("error" in link for link in links[1:])


def test_without_a_trace_store_the_page_says_so(house: House) -> None:
    without_traces(house)
    assert "No trace store is connected" in text(opened("alerts", alert=str(house.alert(TAKEN).id)))


def test_the_timeline_tells_deliveries_with_the_vendors_answer(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(TAKEN).id))
    lines = [line.value.replace("\\", "") for line in page.container(key="alert_timeline").markdown]
    story = "\n".join(lines)
    assert "trigger to Slack #llm-alerts: delivered (ok, posted" in story
    assert "PagerDuty answered 500 Internal Server Error" in story
    assert "acknowledged by ada" in story
    assert "Provider says degraded; failing over." in story
    assert story.index("acknowledged by ada") < story.index("pending"), "newest first"


def test_the_page_says_which_channel_does_not_know_yet(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(FIRING).id))
    assert "PagerDuty has not been told" in text(page)
    assert "Next try in" in text(page)


def test_the_runbook_is_one_click_away(house: House) -> None:
    page = opened("alerts", alert=str(house.alert(FIRING).id))
    assert [link.url for link in page.link_button] == ["https://runbooks.example.org/errors"]


def test_a_down_source_leaves_the_rest_of_the_page(house: House) -> None:
    house.source.down = "prometheus did not answer within 5 s"
    page = opened("alerts", alert=str(house.alert(TAKEN).id))
    assert "prometheus did not answer within 5 s. There is no earlier answer" in text(page)
    assert not page.button(key=f"alerts_resolve_{house.alert(TAKEN).id}").disabled


@pytest.mark.parametrize("asked", ["999", "abc", "-1", "9" * 40, "<script>"])
def test_an_unknown_alert_gets_a_sentence(house: House, asked: str) -> None:
    said = text(opened("alerts", alert=asked))
    assert f"There is no alert {asked[:40]}" in said


def test_a_rule_whose_name_is_markdown_is_shown_as_it_is(house: House) -> None:
    rule = house.rule(FIRING)
    with Session(house.wiring.db) as session:
        known = {row.id: policy.name for row, policy in rulebook.rules(session)}
        draft = ruledraft.draft_of(rule, known[rule.id])
    draft = draft.model_copy(update={"name": "**Errors** [click](http://evil)"})
    rulebook.save_rule(house.wiring.db, draft, by="eve", now=house.now, rule_id=rule.id)
    shown = "\n".join(line.value for line in opened("alerts").markdown)
    assert r"\[click\]" in shown


def _notes(house: House, alert_id: int | None) -> list[Note]:
    with Session(house.wiring.db) as session:
        return list(session.exec(select(Note).where(Note.alert_id == alert_id)))


def _end_everything(house: House) -> None:
    with Session(house.wiring.db) as session:
        rules = rulebook.rules(session)
    for rule, _ in rules:
        rulebook.set_enabled(house.wiring.db, rule.id or 0, False, by="grace", now=house.now)
        rulebook.set_enabled(house.wiring.db, rule.id or 0, True, by="grace", now=house.now)
    cached_alerts.clear()


def _break_database(house: House) -> None:
    with house.wiring.db.begin() as connection:
        connection.execute(sql("ALTER TABLE alert RENAME TO gone"))
