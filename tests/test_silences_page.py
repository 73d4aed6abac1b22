"""Silences and inhibitions: made with a preview, ended, extended, edited."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts import engine, silences
from alerts.silences import InhibitionDraft, SilenceDraft
from app import cached_silences
from models.tables import Inhibition, Silence
from tests.house import VIEWER, House, empty_house, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]

HOUR = timedelta(hours=1)
NEW = "silences_new_"


@pytest.fixture(autouse=True)
def fresh() -> None:
    cached_silences.clear()


def kept(house: House) -> list[Silence]:
    with Session(house.wiring.db) as session:
        return list(session.exec(select(Silence)))


def inhibitions(house: House) -> list[Inhibition]:
    with Session(house.wiring.db) as session:
        return silences.inhibitions(session)


def silenced(house: House, matcher: str = 'feature="chat"', **fields: object) -> int:
    values: dict[str, object] = {
        "matchers": (matcher,),
        "starts_at": house.now,
        "ends_at": house.now + 2 * HOUR,
        "comment": "known",
    }
    draft = SilenceDraft.model_validate(values | fields)
    return silences.silence(house.wiring.db, draft, by="ada", now=house.now)


def muted(house: House) -> None:
    engine.Muter(house.wiring.db).mute(now=house.now)
    cached_silences.clear()


def typing(house: House, *matchers: str, why: str = "known") -> AppTest:
    page = opened("silences", silence="new")
    page.multiselect(key=f"{NEW}_matchers").set_value(list(matchers))
    page.text_input(key=f"{NEW}_comment").set_value(why).run()
    return page


def test_a_silence_is_kept_as_it_was_typed(house: House) -> None:
    page = typing(house, "feature=chat", why="ticket 123")
    page.selectbox(key=f"{NEW}_length").select("4h").run()
    page.button(key="silences_save").click().run()
    (row,) = kept(house)
    assert (row.matchers, row.comment) == (['feature="chat"'], "ticket 123")
    assert (row.created_by, row.ends_at - row.starts_at) == (VIEWER, 4 * HOUR)
    assert "Silence 1 is kept" in toasts(page)[0]
    assert "ticket 123" in text(page)


def test_a_preview_names_what_is_hidden_now(house: House) -> None:
    said = text(typing(house, 'feature="chat"'))
    assert "It hides 1 open alert now: Errors of a single feature (feature=chat)." in said


def test_a_preview_names_what_would_have_been_hidden_and_what_mattered(house: House) -> None:
    said = text(typing(house, 'rule="Guardrail trigger rate"'))
    assert "It hides nothing that is open now." in said
    assert "In the last 7 days it would have hidden 1 alert: Guardrail trigger rate." in said
    assert "Somebody acted on 1 alert of these: Guardrail trigger rate." in said


def test_a_matcher_that_is_none_is_refused_in_a_sentence(house: House) -> None:
    page = typing(house, "chat")
    assert "'chat' is not a matcher: write label=\"value\"" in text(page)
    assert page.button(key="silences_save").disabled


def test_a_silence_without_a_reason_is_not_ready(house: House) -> None:
    page = typing(house, 'feature="chat"', why="")
    assert "Not ready yet. say why" in text(page)
    assert page.button(key="silences_save").disabled


def test_matchers_that_match_everything_are_refused(house: House) -> None:
    assert "these match every alert" in text(typing(house, 'feature=~".*"'))


def test_a_recurring_silence_keeps_its_hours(house: House) -> None:
    page = typing(house, 'feature="chat"')
    page.button_group(key=f"{NEW}_when").set_value("Again and again").run()
    page.pills(key=f"{NEW}_days").set_value([0, 4]).run()
    page.time_input(key=f"{NEW}_start").set_value(time(23)).run()
    page.selectbox(key=f"{NEW}_zone").set_value("Europe/Berlin").run()
    page.date_input(key=f"{NEW}_last").set_value(date(2026, 3, 31)).run()
    page.toggle(key=f"{NEW}_maintenance").set_value(True).run()
    page.button(key="silences_save").click().run()
    (row,) = kept(house)
    assert row.recurrence == {
        "zone": "Europe/Berlin",
        "weekdays": [0, 4],
        "start": "23:00:00",
        "minutes": 60,
    }
    assert row.maintenance
    assert "Mon, Fri 23:00 Europe/Berlin for 1 h" in text(opened("silences"))


def test_a_silence_may_start_later(house: House) -> None:
    page = typing(house, 'feature="chat"')
    page.toggle(key=f"{NEW}_later").set_value(True).run()
    page.time_input(key=f"{NEW}_from_time").set_value(time(18)).run()
    page.button(key="silences_save").click().run()
    (row,) = kept(house)
    assert row.starts_at == NOON + 6 * HOUR
    assert "coming" in text(page)


def test_a_silence_of_an_alert_starts_with_its_labels(house: House) -> None:
    alert_id = house.alert("Latency p95").id
    page = opened("silences", silence="new", alert=str(alert_id))
    typed = page.multiselect(key=f"{NEW}{alert_id}_matchers").value
    assert typed == ['model="gpt-4.1-mini"', 'rule="Latency p95"', 'team="platform"']


def test_the_list_says_how_many_open_alerts_a_silence_mutes(house: House) -> None:
    silenced(house)
    muted(house)
    assert "1 open alert is muted by it" in text(opened("silences"))


def test_a_silence_is_ended_by_whoever_presses(house: House) -> None:
    number = silenced(house)
    page = opened("silences")
    page.button(key=f"silences_end_{number}").click().run()
    assert kept(house)[0].ended_by == VIEWER
    assert "Nothing is silenced" in text(page)
    ended = text(opened("silences", silences_show="Ended"))
    assert f"over since 12:00, ended by {VIEWER}" in ended


def test_a_silence_is_extended_once_however_often_the_button_fires(house: House) -> None:
    number = silenced(house)
    ends_at = kept(house)[0].ends_at
    page = opened("silences")
    page.button(key=f"silences_extend_{number}_3600").click().run()
    assert kept(house)[0].ends_at == ends_at + HOUR
    silences.extend(house.wiring.db, number, until=ends_at + HOUR, now=house.now)
    assert kept(house)[0].ends_at == ends_at + HOUR


def test_a_silence_that_is_over_cannot_be_extended(house: House) -> None:
    number = silenced(house)
    page = opened("silences")
    silences.end(house.wiring.db, number, by="ada", now=house.now)
    page.button(key=f"silences_extend_{number}_3600").click().run()
    assert toasts(page) == ["Nothing was changed: the silence is over: make a new one."]


def test_no_silence_lasts_longer_than_a_year(house: House) -> None:
    number = silenced(house, ends_at=house.now + timedelta(days=366))
    page = opened("silences")
    page.button(key=f"silences_extend_{number}_86400").click().run()
    assert toasts(page) == ["Nothing was changed: a silence may last a year at most."]
    assert kept(house)[0].ends_at == house.now + timedelta(days=366)


def test_an_inhibition_is_made_with_a_preview(house: House) -> None:
    page = opened("silences", inhibition="new")
    page.text_input(key="inhibitions_new_name").set_value("errors first")
    page.multiselect(key="inhibitions_new_source").set_value(['severity="critical"'])
    page.multiselect(key="inhibitions_new_target").set_value(['severity="error"']).run()
    assert "It mutes 1 open alert now: Latency p95" in text(page)
    assert "because of Errors of a single feature (feature=chat)" in text(page)
    page.button(key="inhibitions_save").click().run()
    (row,) = inhibitions(house)
    assert (row.name, row.source) == ("errors first", ['severity="critical"'])


def test_an_inhibition_is_edited_and_removed(house: House) -> None:
    draft = InhibitionDraft(name="a", source=('rule="x"',), target=('rule="y"',))
    number = silences.put_inhibition(house.wiring.db, draft, by="ada", now=house.now)
    page = opened("silences", inhibition=str(number))
    page.text_input(key=f"inhibitions_{number}_name").set_value("b").run()
    page.button(key="inhibitions_save").click().run()
    assert [row.name for row in inhibitions(house)] == ["b"]
    page = opened("silences", silences_show="Inhibitions")
    page.button(key=f"inhibitions_remove_{number}").click().run()
    assert inhibitions(house) == []
    assert "No alert mutes another" in text(page)


def test_an_empty_page_says_what_a_silence_is(empty_house: House) -> None:
    assert "Nothing is silenced" in text(opened("silences"))
    assert "No silence has ended" in text(opened("silences", silences_show="Ended"))


def test_an_unknown_inhibition_gets_a_sentence(house: House) -> None:
    assert "There is no inhibition 99" in text(opened("silences", inhibition="99"))
