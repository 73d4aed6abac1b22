"""The fatigue report on its page: figures, who, when, and advice."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from alerts.fatigue import Advice
from app import cached_fatigue, fatigue_words
from models.tables import Alert, Delivery, Group, Transition
from models.vocabulary import AlertState, Event, Outcome
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text

__all__ = ["empty_house", "house", "house_template"]

MINUTE = timedelta(minutes=1)
RULE = "Cache hit rate"


@pytest.fixture(autouse=True)
def fresh() -> None:
    cached_fatigue.clear()


def called(house: House, *, ago: timedelta, lasts: timedelta, acted: bool = False) -> None:
    """Let an alert have fired, called Ada after a minute, and gone away."""
    rule, policy, at = house.rule(RULE), house.policy("standard"), house.now - ago
    with Session(house.wiring.db) as session:
        group = Group(
            dedup_key=f"old-{at}",
            key=f"old-{at}",
            labels={},
            title=RULE,
            policy_id=policy.id or 0,
            policy={"steps": []},
            opened_at=at,
            state=AlertState.RESOLVED,
            severity=rule.severity,
            size=0,
            muted=False,
        )
        session.add(group)
        session.flush()
        alert = Alert(
            rule_id=rule.id or 0,
            group_id=group.id,
            fingerprint=f"old-{at}",
            labels={},
            severity=rule.severity,
            value=0.1,
            state=AlertState.RESOLVED,
            active_at=at,
            fired_at=at,
            clear_since=at + lasts,
            resolved_at=at + lasts,
            resolved_by="engine",
        )
        session.add(alert)
        session.flush()
        session.add(
            Delivery(
                group_id=group.id or 0,
                channel="slack-dm:ada@example.org",
                event=Event.TRIGGER,
                at=at + MINUTE,
                duration_ms=100,
                attempt=1,
                outcome=Outcome.DELIVERED,
                answer="ok",
                loud=True,
            )
        )
        if acted:
            session.add(
                Transition(
                    alert_id=alert.id or 0,
                    at=at + 2 * MINUTE,
                    from_state=AlertState.FIRING,
                    to_state=AlertState.ACKNOWLEDGED,
                    actor="ada",
                )
            )
        session.commit()
    cached_fatigue.clear()


def figures(house: House, **query: str) -> dict[str, str]:
    return {metric.label: metric.value for metric in opened("fatigue", **query).metric}


def test_the_report_counts_pages_shares_and_nights(house: House) -> None:
    called(house, ago=timedelta(days=1, hours=10), lasts=3 * MINUTE)  # at two in the night
    called(house, ago=timedelta(days=2), lasts=40 * MINUTE, acted=True)
    assert figures(house) == {
        "Pages": "2",
        "Acknowledged": "50 %",
        "Acted on": "50 %",
        "Healed by itself": "50 %",
        "Nights broken": "1",
    }


def test_the_range_bounds_the_report(house: House) -> None:
    called(house, ago=timedelta(days=20), lasts=3 * MINUTE)
    assert figures(house)["Pages"] == "1"
    assert "Nobody was called" in text(opened("fatigue", fatigue_range="7 d"))


def test_the_noisiest_rule_gets_the_for_that_would_have_spared_pages(house: House) -> None:
    for day in range(1, 4):
        called(house, ago=timedelta(days=day), lasts=4 * MINUTE)
    called(house, ago=timedelta(days=5), lasts=40 * MINUTE, acted=True)
    said = text(opened("fatigue"))
    assert f"**{RULE}**: 4 pages for 4 alerts, somebody acted on 1" in said
    assert "`for: 4m` would have spared 3 pages and missed none that somebody acted on." in said


def test_people_are_listed_with_their_nights(house: House) -> None:
    called(house, ago=timedelta(days=1, hours=10), lasts=3 * MINUTE)
    tables = [frame.value for frame in opened("fatigue").dataframe]
    assert tables[1].to_dict("records") == [{"Person": "ada@example.org", "Pages": 1, "Nights": 1}]


def test_hours_are_the_viewers_own(house: House) -> None:
    called(house, ago=timedelta(days=1), lasts=3 * MINUTE)
    page = opened("fatigue")
    page.context = {"timezone": "Asia/Kolkata"}
    assert "By the clock of Asia/Kolkata" in text(page.run())


def test_an_empty_report_is_good_news(empty_house: House) -> None:
    assert "No page reached anybody in the last 28 days." in text(opened("fatigue"))


@pytest.mark.parametrize(
    ("acted_on", "words"),
    [
        (1, "no longer wait would have spared one without missing one that somebody acted on"),
        (0, "they may still matter"),
    ],
)
def test_where_patience_would_not_help_the_report_says_so(acted_on: int, words: str) -> None:
    one = Advice(rule="x", pages=2, episodes=1, acted_on=acted_on, hold=None, spared=0)
    assert fatigue_words.advice(one).endswith(f"; {words}.")
