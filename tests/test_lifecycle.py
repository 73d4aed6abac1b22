"""Timelines: one character a minute; hold and keep_firing are 2 minutes.

Seen:     # holds   . clear   A someone acknowledges (and it holds)
Expected: - no alert   p pending   f firing   a acknowledged   r resolved
"""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.lifecycle import (
    Lifecycle,
    Timing,
    TransitionError,
    acknowledge,
    observe,
    resolve,
)
from models.vocabulary import AlertState

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TIMING = Timing(hold=2 * MINUTE, keep_firing=2 * MINUTE)


def play(seen: str) -> str:
    alert, states = None, ""
    for minute, mark in enumerate(seen):
        now = T0 + minute * MINUTE
        alert = observe(alert, holds=mark in "#A", timing=TIMING, now=now)
        if mark == "A" and alert:
            alert = acknowledge(alert, by="ada", now=now)
        states += alert.state[0] if alert else "-"
        if alert and alert.state is AlertState.RESOLVED:
            alert = None
    return states


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param("....", "----", id="quiet"),
        pytest.param(".####", "-ppff", id="fires once held"),
        pytest.param(".##.#", "-pp-p", id="a blip starts over"),
        pytest.param("####.##", "ppfffff", id="a gap shorter than keep_firing is ridden out"),
        pytest.param("####...", "ppffffr", id="resolves once clear"),
        pytest.param("####.#...", "ppffffffr", id="a gap restarts the clock"),
        pytest.param("###A##...", "ppfaaaaar", id="acknowledged, then resolves"),
        pytest.param("####...####", "ppffffrppff", id="a second episode waits again"),
    ],
)
def test_timeline(seen: str, expected: str) -> None:
    assert play(seen) == expected


def test_the_first_to_acknowledge_keeps_it() -> None:
    firing = Lifecycle(state=AlertState.FIRING, active_at=T0, fired_at=T0)
    taken = acknowledge(firing, by="ada", now=T0 + MINUTE)
    assert acknowledge(taken, by="bob", now=T0 + 2 * MINUTE) == taken


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.RESOLVED])
def test_only_a_firing_alert_can_be_acknowledged(state: AlertState) -> None:
    with pytest.raises(TransitionError, match=f"cannot acknowledge a {state} alert"):
        acknowledge(Lifecycle(state=state, active_at=T0), by="ada", now=T0)


def test_resolving_by_hand_says_who() -> None:
    firing = Lifecycle(state=AlertState.FIRING, active_at=T0, fired_at=T0)
    over = resolve(firing, by="ada", now=T0 + MINUTE)
    assert (over.state, over.resolved_by, over.resolved_at) == (
        AlertState.RESOLVED,
        "ada",
        T0 + MINUTE,
    )


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.RESOLVED])
def test_what_has_not_fired_or_is_over_cannot_be_resolved(state: AlertState) -> None:
    with pytest.raises(TransitionError, match=f"cannot resolve a {state} alert"):
        resolve(Lifecycle(state=state, active_at=T0), by="ada", now=T0)
