"""Deliveries: what waits, the ledger with the vendors' answers, a share that is never made up."""

from datetime import timedelta

import pandas as pd
import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import delivery, outbox, tallies
from alerts.jobs import LANES
from alerts.tallies import Delivered
from app import cached_alerts, delivery_words
from models.vocabulary import Event, Outcome
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text

__all__ = ["empty_house", "house", "house_template"]


def ledger(page: AppTest) -> pd.DataFrame:
    (table,) = page.dataframe
    return table.value


def test_the_ledger_is_newest_first_with_the_vendors_answer(house: House) -> None:
    rows = ledger(opened("deliveries"))
    assert rows["Time"].is_monotonic_decreasing
    newest = rows.iloc[0]
    assert newest["Outcome"] == "↻ retrying"
    assert newest["Channel"] == "PagerDuty"
    assert newest["Attempt"] == 2
    assert newest["Answer"] == "PagerDuty answered 500 Internal Server Error"
    assert newest["Alerts"] == f"/alerts?group={house.alert('Errors of a single feature').group_id}"


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.RETRYING, Outcome.REFUSED])
def test_the_url_filters_by_outcome(house: House, outcome: Outcome) -> None:
    rows = ledger(opened("deliveries", deliveries_outcome=outcome.value.capitalize()))
    assert {word.split()[-1] for word in rows["Outcome"]} == {outcome}


def test_the_url_filters_by_kind_of_channel(house: House) -> None:
    rows = ledger(opened("deliveries", deliveries_channel="PagerDuty service"))
    assert set(rows["Channel"]) == {"PagerDuty"}


def test_direct_messages_are_not_channels(house: House) -> None:
    house.now += timedelta(minutes=15)
    for lane in ("people", "slack"):
        _deliver(house, lane)
    channel = cached_alerts.ledger("slack", "").data
    assert channel is not None
    assert not any(d.channel.startswith("slack-dm:") for d, _ in channel.attempts)


def test_a_filter_without_match_says_so(house: House) -> None:
    assert "No attempt matches" in text(opened("deliveries", deliveries_outcome="Gave up"))


def test_what_waits_says_for_what_and_until_when(house: House) -> None:
    said = text(opened("deliveries"))
    assert "PagerDuty**: Errors of a single feature fired, next try in 10 s" in said
    assert "PagerDuty answered 500 Internal Server Error" in said


def test_what_was_given_up_says_that_a_human_is_needed(house: House) -> None:
    with Session(house.wiring.db) as session:
        alert = house.alert("Errors of a single feature")
        outbox.want(
            session, alert.group_id or 0, Event.TRIGGER, "slack:#llm-quality", now=house.now
        )
        session.commit()
    _deliver(house, "slack")
    said = text(opened("deliveries"))
    assert "Slack #llm-quality**: Errors of a single feature fired, was not delivered" in said


def test_an_empty_outbox_says_that_nothing_waits(empty_house: House) -> None:
    said = text(opened("deliveries"))
    assert "Nothing waits" in said
    assert "Nothing has been sent yet" in said


def test_the_share_counts_messages_not_attempts(house: House) -> None:
    (share,) = opened("deliveries").metric
    assert (share.value, share.delta) == ("42.9 %", "4 not")


def test_no_deliveries_are_no_share(empty_house: House) -> None:
    (share,) = opened("deliveries").metric
    assert share.value == "—"


def test_the_share_is_of_the_last_day(house: House) -> None:
    house.passes(timedelta(hours=25))
    (share,) = opened("deliveries").metric
    assert share.value == "—"


def test_a_message_that_got_through_late_counts_as_delivered(house: House) -> None:
    with Session(house.wiring.db) as session:
        before = tallies.delivered(session, since=house.now - timedelta(hours=1))
    house.pagerduty_is_mended()
    house.now += timedelta(seconds=11)
    _deliver(house, "pagerduty")
    with Session(house.wiring.db) as session:
        after = tallies.delivered(session, since=house.now - timedelta(hours=1))
    assert after == Delivered(wanted=before.wanted, reached=before.reached + 1)


def test_half_of_two_is_fifty_percent() -> None:
    assert delivery_words.share(Delivered(wanted=2, reached=1)) == "50 %"
    assert delivery_words.share(Delivered(wanted=0, reached=0)) is None


def _deliver(house: House, lane: str) -> None:
    kinds = LANES[lane]
    while delivery.deliver_next(
        house.wiring.db, house.wiring.usable, kinds, now=house.now, by="house"
    ):
        pass
    cached_alerts.clear()
