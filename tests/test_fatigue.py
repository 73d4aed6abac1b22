"""What pages cost people, and the patience that would have spared them some."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import escalation, fatigue, lifecycle
from alerts.escalation import Plan, Situation, Step
from alerts.fatigue import Advice, Episode, Incident, Page
from alerts.lifecycle import Lifecycle, Timing
from models.vocabulary import AlertState, Severity

T0 = datetime(2026, 3, 23, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def page(minutes: float, whom: str = "ada@example.org", group: int = 1) -> Page:
    return Page(at=T0 + minutes * MINUTE, whom=whom, group_id=group, rules=("Errors",))


def incident(**changes: Any) -> Incident:
    given: dict[str, Any] = {
        "group_id": 1,
        "paged_at": T0,
        "acknowledged": False,
        "acted_on": False,
        "ended_at": T0 + 3 * MINUTE,
    }
    return Incident(**given | changes)


def episode(lasted: float, *, acted_on: bool = False, **changes: Any) -> Episode:
    """An alert of a rule with `for: 5m` that was paged 2 minutes after it fired."""
    given: dict[str, Any] = {
        "rule": "Errors",
        "active_at": T0,
        "fired_at": T0 + 5 * MINUTE,
        "cleared_at": T0 + lasted * MINUTE,
        "ended_at": T0 + lasted * MINUTE,
        "paged_at": T0 + 7 * MINUTE,
        "pages": 1,
        "acted_on": acted_on,
        "interval": timedelta(seconds=30),
    }
    return Episode(**given | changes)


def advise(*episodes: Episode) -> Advice:
    return fatigue.advise("Errors", episodes, now=T0 + 600 * MINUTE)


def report(*pages: Page, incidents: tuple[Incident, ...] = (), zone: Any = UTC) -> fatigue.Report:
    return fatigue.report(pages, incidents, (), zone=zone, now=T0 + 600 * MINUTE)


def test_one_call_by_two_ways_is_one_page() -> None:
    calls = [page(0), page(1), page(5), page(5, group=2)]
    assert fatigue.merged(calls) == [page(0), page(5), page(5, group=2)]


def test_a_service_that_is_told_along_with_a_person_is_no_page_of_its_own() -> None:
    service = "pagerduty:default"
    calls = [page(0, whom=service), page(1), page(20, whom=service), page(1, "bob@example.org")]
    said = [(one.whom, (one.at - T0) / MINUTE) for one in fatigue.merged(calls)]
    assert said == [("ada@example.org", 1), ("bob@example.org", 1), (service, 20)]


def test_pages_are_counted_by_whom_and_by_rule() -> None:
    found = report(page(0), page(10), page(20, whom="pagerduty:default"))
    assert found.by_person == (("ada@example.org", 2), ("pagerduty:default", 1))
    assert found.by_rule == (("Errors", 3),)


def test_hours_are_those_of_the_chosen_zone() -> None:
    """23:30 UTC on Monday is half past midnight on Tuesday in Berlin."""
    assert dict(report(page(23.5 * 60)).by_hour) == {(0, 23): 1}
    assert dict(report(page(23.5 * 60), zone=BERLIN).by_hour) == {(1, 0): 1}


@pytest.mark.parametrize(
    ("local", "night"),
    [
        ("2026-03-23T21:59", None),
        ("2026-03-23T22:00", date(2026, 3, 23)),
        ("2026-03-24T06:59", date(2026, 3, 23)),
        ("2026-03-24T07:00", None),
    ],
)
def test_a_night_is_that_of_the_evening_on_which_it_began(local: str, night: date | None) -> None:
    assert fatigue.night_of(datetime.fromisoformat(local)) == night


def test_a_night_is_broken_once_however_often() -> None:
    nights = report(page(23 * 60), page(25 * 60), page(26 * 60), page(50 * 60)).nights
    assert nights == (("ada@example.org", 2),)


def test_shares_are_of_what_paged_somebody() -> None:
    found = report(
        page(0),
        incidents=(
            incident(),
            incident(acknowledged=True, acted_on=True),
            incident(acted_on=True),
            incident(ended_at=T0 + 6 * MINUTE),
        ),
    )
    assert (found.acknowledged, found.acted_on, found.self_healed) == (0.25, 0.5, 0.25)


def test_what_is_still_open_has_not_healed() -> None:
    assert report(page(0), incidents=(incident(ended_at=None),)).self_healed == 0


def test_without_pages_there_is_no_share() -> None:
    found = report()
    assert (found.pages, found.acknowledged, found.self_healed) == (0, None, None)


def test_patience_spares_what_was_over_soon_and_keeps_what_mattered() -> None:
    """Each pages 2 minutes after it fires: one that lasts 8 is spared by a `for` beyond 6."""
    found = advise(episode(8), episode(10), episode(40, acted_on=True))
    assert (found.hold, found.spared) == (9 * MINUTE, 2)


def test_patience_ends_where_a_page_mattered() -> None:
    found = advise(episode(8), episode(30), episode(20, acted_on=True))
    assert (found.hold, found.spared) == (7 * MINUTE, 1)


def test_there_is_no_patience_that_would_miss_what_mattered() -> None:
    found = advise(episode(20), episode(8, acted_on=True))
    assert (found.hold, found.spared) == (None, 0)


def test_between_two_that_are_close_the_patience_is_as_fine_as_it_must_be() -> None:
    found = advise(episode(8), episode(9, acted_on=True))
    assert found.hold == timedelta(minutes=6, seconds=10)


def test_what_is_still_open_may_matter_yet() -> None:
    open_one = episode(0, cleared_at=None, ended_at=None)
    found = fatigue.advise("Errors", [episode(10), open_one], now=T0 + 9 * MINUTE)
    assert found.hold is None


def test_a_rule_that_pages_twice_an_episode_is_spared_both() -> None:
    assert advise(episode(8, pages=3)).spared == 3


KEEP, INTERVAL = 2 * MINUTE, timedelta(seconds=30)


def live(lasted: timedelta, hold: timedelta, delay: timedelta) -> Episode | None:
    """Live through one breach with the real core; return the episode if it pages."""
    timing = Timing(hold=hold, keep_firing=KEEP)
    plan = Plan(steps=(Step(after=delay, channels=("pagerduty:default",)),))
    situation = Situation(severity=Severity.ERROR, size=1)
    alert: Lifecycle | None = None
    cursor, paged_at = escalation.Cursor(), None
    for tick in range(400):
        now = T0 + tick * INTERVAL
        alert = lifecycle.observe(alert, holds=now - T0 < lasted, timing=timing, now=now)
        if alert is None or alert.state is AlertState.RESOLVED:
            break
        if alert.fired_at == now:
            cursor = escalation.start(plan, now=now)
        cursor, move = escalation.advance(plan, cursor, situation, now=now)
        paged_at = now if move else paged_at
    if alert is None or paged_at is None:
        return None
    return episode(
        0,
        fired_at=alert.fired_at,
        cleared_at=alert.clear_since,
        ended_at=alert.resolved_at,
        paged_at=paged_at,
        acted_on=False,
        interval=INTERVAL,
    )


@settings(deadline=None, max_examples=60)
@given(
    breaches=st.lists(st.tuples(st.integers(1, 150), st.booleans()), min_size=1, max_size=6),
    hold=st.integers(0, 5),
    delay=st.integers(0, 12),
)
def test_the_core_lived_through_again_keeps_what_mattered_and_spares_what_is_said(
    breaches: list[tuple[int, bool]], hold: int, delay: int
) -> None:
    """Breaches of so many evaluations, acted on or not, under the old and the advised `for`."""
    wait, after = hold * MINUTE, delay * MINUTE
    lasting = [(count * INTERVAL, acted) for count, acted in breaches]
    lived = [(lasts, acted, live(lasts, wait, after)) for lasts, acted in lasting]
    paged = [(lasts, replace(one, acted_on=acted)) for lasts, acted, one in lived if one]
    found = advise(*(one for _, one in paged))
    if found.hold is None:
        assert found.spared == 0
        return
    again = [(one, live(lasts, found.hold, after)) for lasts, one in paged]
    assert all(then is not None for one, then in again if one.acted_on)
    assert sum(then is None for _, then in again) >= found.spared > 0
