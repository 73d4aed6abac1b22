"""Silences, maintenance windows and inhibitions: who is not told, and what is shown instead."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import actions, matchers, silences
from alerts.lifecycle import TransitionError
from alerts.matchers import MatcherError
from alerts.muting import Firing, Inhibit, Mutes, Quiet, Recurrence
from alerts.quiet_times import quiet_times
from alerts.silences import InhibitionDraft, SilenceDraft, SilenceError
from models.tables import Alert
from models.vocabulary import AlertState
from tests.world import RULE, World

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


def silence(world: World, *texts: str, minutes: int = 60, **changes: Any) -> int:
    given: dict[str, Any] = {
        "matchers": texts,
        "starts_at": world.now,
        "ends_at": world.now + timedelta(minutes=minutes),
        "comment": "deploying",
    }
    return silences.silence(world.db, SilenceDraft(**given | changes), by="ada", now=world.now)


def test_nobody_is_told_of_a_silenced_alert(world: World) -> None:
    silence(world, 'feature="chat"')
    world.minutes(10, value=0.2)
    assert world.alert.state is AlertState.FIRING
    assert world.alert.muted_by == "silence:1"
    assert (world.steps(), world.posts, world.pages) == ([], [], [])


def test_an_alert_that_still_fires_when_its_silence_ends_is_told_from_the_first_step(
    world: World,
) -> None:
    silence(world, 'feature="chat"', minutes=10)
    world.minutes(9, value=0.2)
    assert world.posts == []
    world.minutes(1, value=0.2)
    assert world.steps() == [(10, "slack:#llm")]
    world.minutes(5, value=0.2)
    assert world.pages == ["trigger"]


def test_a_silence_that_comes_later_stops_the_escalation_and_shows_in_the_post(
    world: World,
) -> None:
    world.minutes(3, value=0.2)
    silence(world, 'feature="chat"')
    world.minutes(10, value=0.2)
    assert world.pages == []
    assert "muted by silence 1" in str(world.slack.posts)


def test_ending_a_silence_goes_on_where_the_escalation_stood(world: World) -> None:
    world.minutes(3, value=0.2)
    silence_id = silence(world, 'feature="chat"')
    world.minutes(10, value=0.2)
    assert silences.end(world.db, silence_id, by="ada", now=world.now)
    world.minutes(1, value=0.2)
    assert world.pages == ["trigger"]
    assert not silences.end(world.db, silence_id, by="bob", now=world.now)


def test_a_silence_leaves_other_alerts_alone(world: World) -> None:
    silence(world, 'feature="search"')
    world.minutes(3, value=0.2)
    assert len(world.posts) == 1


def test_a_group_is_told_while_one_of_its_alerts_is_not_muted(world: World) -> None:
    world.policy(group_by=["rule"])
    silence(world, 'feature="chat"')
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert len(world.posts) == 1
    assert "• muted: Errors" in str(world.slack.posts)


def test_a_muted_alert_can_be_acknowledged_and_resolves_quietly(world: World) -> None:
    silence(world, 'feature="chat"')
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(3, value=0)
    assert world.alert.state is AlertState.RESOLVED
    assert world.ledger() == []


def test_a_muted_alert_cannot_be_escalated(world: World) -> None:
    silence(world, 'feature="chat"')
    world.minutes(3, value=0.2)
    with pytest.raises(TransitionError, match="muted"):
        actions.escalate_now(world.db, world.alert.id or 0, by="ada", now=world.now)


def test_a_maintenance_window_that_has_not_begun_mutes_nothing(world: World) -> None:
    later = world.now + timedelta(hours=1)
    silence(world, 'feature="chat"', starts_at=later, ends_at=later + timedelta(hours=1))
    world.minutes(3, value=0.2)
    assert len(world.posts) == 1


def inhibit(world: World, source: str, target: str, *equal: str) -> int:
    draft = InhibitionDraft(name="cause", source=(source,), target=(target,), equal=equal)
    return silences.put_inhibition(world.db, draft, by="ada", now=world.now)


def test_an_effect_is_not_told_while_its_cause_fires(world: World) -> None:
    inhibit(world, 'rule="Down"', 'rule="Errors"', "feature")
    world.save(RULE | {"name": "Down", "for": "0s"})
    world.minutes(3, value=0.2)
    assert world.alerts == ["firing", "firing"]
    assert len(world.posts) == 1
    with Session(world.db) as session:
        effect, cause = session.exec(select(Alert).order_by(col(Alert.id))).all()
    assert (effect.muted_by, cause.muted_by) == (f"alert:{cause.id}", "")


def test_an_effect_is_told_once_its_cause_is_over(world: World) -> None:
    inhibit(world, 'rule="Down"', 'rule="Errors"')
    down = world.save(RULE | {"name": "Down", "for": "0s"})
    world.minutes(4, value=0.2)
    world.save(RULE | {"name": "Down", "enabled": False}, down)
    world.minutes(1, value=0.2)
    assert world.steps()[-1] == (5, "slack:#llm")


def test_labels_that_must_agree_and_do_not_inhibit_nothing() -> None:
    rule = Inhibit(
        source=(matchers.parse("rule=Down"),),
        target=(matchers.parse("rule=Errors"),),
        equal=("feature",),
    )
    cause = Firing(alert_id=7, labels={"rule": "Down", "feature": "chat"})
    mutes = Mutes([], [rule], [cause], now=T0)
    assert mutes.reason({"rule": "Errors", "feature": "chat"}) == "alert:7"
    assert mutes.reason({"rule": "Errors", "feature": "search"}) == ""


def test_what_is_source_and_target_does_not_inhibit_itself() -> None:
    rule = Inhibit(
        source=(matchers.parse("severity=critical"),), target=(matchers.parse('feature=~".+"'),)
    )
    both = Firing(alert_id=7, labels={"severity": "critical", "feature": "chat"})
    assert Mutes([], [rule], [both], now=T0).reason(both.labels) == ""


NIGHTLY = Recurrence(
    zone="Europe/Berlin",
    weekdays=frozenset({0, 1, 2, 3, 4}),
    start=time(23),
    length=timedelta(hours=2),
)


def quiet(recurrence: Recurrence | None) -> Quiet:
    year = timedelta(days=365)
    return Quiet(
        silence_id=1,
        matchers=(matchers.parse("a=b"),),
        starts_at=T0,
        ends_at=T0 + year,
        recurrence=recurrence,
    )


@pytest.mark.parametrize(
    ("at", "active"),
    [
        ("2026-03-27T21:59+00:00", False),  # Friday, 22:59 in Berlin
        ("2026-03-27T22:00+00:00", True),
        ("2026-03-27T23:59+00:00", True),
        ("2026-03-28T00:00+00:00", False),
        ("2026-03-28T22:30+00:00", False),  # Saturday
        ("2026-03-30T21:00+00:00", True),  # Monday, after the change to summer time
        ("2026-03-30T20:59+00:00", False),
    ],
)
def test_a_silence_recurs_by_the_clock_of_its_place(at: str, active: bool) -> None:
    assert quiet(NIGHTLY).active(datetime.fromisoformat(at)) is active


def test_the_windows_of_a_recurring_silence_agree_with_when_it_is_active() -> None:
    start = datetime(2026, 3, 20, tzinfo=UTC)
    end = start + timedelta(days=20)
    windows = list(quiet(NIGHTLY).windows(start, end))
    minute, at = timedelta(minutes=30), start
    while at < end:
        assert quiet(NIGHTLY).active(at) is any(a <= at < b for a, b in windows), at
        at += minute


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('feature="chat"', {"feature": "chat"}, True),
        ("feature = chat", {"feature": "chat"}, True),
        ('feature!="chat"', {"feature": "search"}, True),
        ('feature!="chat"', {}, True),
        ('model=~"gpt-.*"', {"model": "gpt-4o"}, True),
        ('model=~"gpt"', {"model": "gpt-4o"}, False),
        ('model!~"gpt-.*"', {"model": "claude"}, True),
        ('a="quo\\"te"', {"a": 'quo"te'}, True),
        ('a="line\\nbreak"', {"a": "line\nbreak"}, True),
    ],
)
def test_a_matcher_says_what_alertmanagers_would(
    text: str, labels: dict[str, str], holds: bool
) -> None:
    matcher = matchers.parse(text)
    assert matcher.holds(labels) is holds
    assert matchers.parse(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("feature", "is not a matcher"),
        ('feature="chat', "quotes that do not match"),
        ('feature=~"("', "not a regular expression"),
        ("x=" + "y" * 600, "may have 500 characters"),
    ],
)
def test_a_matcher_that_makes_no_sense_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(MatcherError, match=complaint):
        matchers.parse(text)


def test_a_regular_expression_cannot_explode() -> None:
    matcher = matchers.parse('a=~"(x+x+)+y"')
    assert not matcher.holds({"a": "x" * 100_000})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"matchers": ('feature=~".*"',)}, "match every alert"),
        ({"matchers": ()}, "at least 1 item"),
        ({"ends_at": T0 - timedelta(hours=1)}, "must end after it starts"),
        ({"ends_at": T0 + timedelta(days=400)}, "a year at most"),
        ({"starts_at": datetime(2026, 1, 1)}, "need a time zone"),  # noqa: DTZ001
        ({"comment": " "}, "at least 1 character"),
        (
            {"recurrence": {"zone": "Mars", "weekdays": [0], "start": "09:00", "minutes": 60}},
            "not a time zone",
        ),
        (
            {"recurrence": {"zone": "UTC", "weekdays": [7], "start": "09:00", "minutes": 60}},
            "weekdays go from 0",
        ),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(changes: dict[str, Any], complaint: str) -> None:
    given: dict[str, Any] = {
        "matchers": ('feature="chat"',),
        "starts_at": T0,
        "ends_at": T0 + timedelta(hours=1),
        "comment": "deploying",
    }
    with pytest.raises(ValidationError, match=complaint):
        SilenceDraft(**given | changes)


def test_a_silence_that_is_over_already_is_refused(world: World) -> None:
    past = world.now - timedelta(hours=2)
    with pytest.raises(SilenceError, match="over already"):
        silence(world, "a=b", starts_at=past, ends_at=past + timedelta(hours=1))


# When charts say that alerts were silenced


def marked(world: World, *signals: str) -> list[tuple[int, int, str]]:
    """Return from which to which minute charts of `signals` over the last hour say it, and why."""
    with Session(world.db) as session:
        found = quiet_times(session, signals, start=world.now - timedelta(hours=1), end=world.now)
    return [
        ((one.start - T0) // timedelta(minutes=1), (one.end - T0) // timedelta(minutes=1), one.why)
        for one in found
    ]


def test_a_chart_knows_when_alerts_on_its_signal_were_silenced(world: World) -> None:
    world.minutes(5, value=0.2)
    silence(world, 'feature="chat"', minutes=10)
    silence(world, 'feature="search"', minutes=10)
    world.minutes(30, value=0.0)
    assert marked(world, "error_ratio", "cost") == [(5, 15, "deploying")]
    assert marked(world, "cost") == []


def test_a_chart_knows_of_a_silence_on_a_rule_that_never_fired(world: World) -> None:
    silence(world, 'rule="Errors"', minutes=600)
    world.minutes(3, value=0.0)
    assert marked(world, "error_ratio") == [(0, 3, "deploying")]
