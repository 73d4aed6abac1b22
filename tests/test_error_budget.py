"""An error budget: what is left, until when, and what is not known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import error_budget
from alerts.error_budget import Span, Standing, Tiles
from models.vocabulary import Period

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
GAP = float("nan")
counts = st.one_of(st.just(GAP), st.floats(0, 10_000))
shares = st.floats(0, 1)
tiles_of = st.lists(st.tuples(counts, shares), min_size=48, max_size=48)
objectives = st.floats(0.5, 0.9999)


def made(pairs: list[tuple[float, float]], step: timedelta = HOUR) -> Tiles:
    """Return tiles from events and the share of them that was bad."""
    events, share = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    return Tiles(end=NOW, step=step, events=events, bad=events * share)


def rolling(tiles: Tiles, objective: float = 0.99) -> Standing:
    return error_budget.standing(tiles, objective, Span(start=tiles.start, end=NOW))


def test_half_of_what_may_be_bad_leaves_half() -> None:
    standing = rolling(made([(100, 0.005)] * 48))
    assert standing.left == pytest.approx(0.5)
    assert standing.allowed == pytest.approx(48)
    assert standing.pace == pytest.approx(0.5)
    assert standing.gone_at is None


def test_no_data_is_not_a_full_budget() -> None:
    standing = rolling(made([(GAP, 0)] * 48))
    assert standing.left is None
    assert standing.since is None
    assert standing.gone_at is None
    assert not standing.is_spent


def test_no_traffic_is_known_and_leaves_nothing_to_say() -> None:
    standing = rolling(made([(0, 0)] * 48))
    assert standing.left is None
    assert standing.known == 48 * HOUR


def test_a_gap_is_told_and_what_is_before_the_first_data_is_not_one() -> None:
    standing = rolling(made([(GAP, 0)] * 10 + [(100, 0)] * 20 + [(GAP, 0)] * 3 + [(100, 0)] * 15))
    assert standing.since == NOW - 38 * HOUR
    assert standing.gap == 3 * HOUR
    assert standing.known == 35 * HOUR


def test_few_events_are_said_to_be_few() -> None:
    assert rolling(made([(10, 0)] * 48)).is_few
    assert not rolling(made([(100, 0)] * 48)).is_few


def test_an_even_burn_that_began_lately_is_gone_when_it_adds_up() -> None:
    # 480 may be bad of 48,000; 300 were, and 100 an hour come: 1.8 hours, and a little for what
    # the window forgets, which is good hours only and does not count.
    standing = rolling(made([(1000, 0)] * 45 + [(1000, 0.1)] * 3))
    assert standing.pace == pytest.approx(5)
    assert standing.gone_at is not None
    assert standing.gone_at - NOW == pytest.approx(180 / 50 * HOUR, abs=timedelta(minutes=1))


def test_a_spent_budget_comes_back_when_the_window_forgets() -> None:
    standing = rolling(made([(1000, 0.1)] * 8 + [(1000, 0)] * 40))
    assert standing.is_spent
    assert standing.gone_at is None
    assert standing.back_at is not None
    assert standing.back_at - NOW == pytest.approx(3.2 * HOUR, abs=timedelta(minutes=1))


def test_a_month_is_reckoned_on_what_its_rest_will_bring() -> None:
    span = error_budget.span(Period.MONTH, zone="Europe/Berlin", now=NOW)
    # From 23:00 UTC of 28 February: nine days and 13 hours are over, 21 days and 10 hours are not.
    tiles = made([(100, 0.02)] * 24 * 32)
    standing = error_budget.standing(tiles, 0.99, span)
    hours = (span.end - span.start) / HOUR
    assert hours == 31 * 24 - 1  # summer time begins
    assert standing.events == pytest.approx(100 * 229)
    assert standing.allowed == pytest.approx(hours)
    assert standing.gone_at is not None
    assert (standing.gone_at - NOW) / HOUR == pytest.approx((hours - 2 * 229) / 2)


def test_a_month_that_outlasts_its_budget_is_never_gone() -> None:
    span = error_budget.span(Period.MONTH, zone="UTC", now=NOW)
    assert error_budget.standing(made([(100, 0.009)] * 24 * 32), 0.99, span).gone_at is None


@pytest.mark.parametrize(
    ("period", "at", "start", "end"),
    [
        (Period.DAYS_28, NOW, NOW - 28 * DAY, NOW),
        (Period.DAYS_30, NOW, NOW - 30 * DAY, NOW),
        (
            Period.MONTH,
            datetime(2026, 10, 31, 23, 30, tzinfo=UTC),  # already November in Berlin
            datetime(2026, 10, 31, 23, tzinfo=UTC),
            datetime(2026, 11, 30, 23, tzinfo=UTC),
        ),
    ],
    ids=["28d", "30d", "month"],
)
def test_a_period_is_of_its_calendar(
    period: Period, at: datetime, start: datetime, end: datetime
) -> None:
    found = error_budget.span(period, zone="Europe/Berlin", now=at)
    assert (found.start, found.end) == (start, end)
    assert found.start >= at - error_budget.look_back(period)


@settings(max_examples=60, deadline=None)
@given(pairs=tiles_of, objective=objectives)
def test_what_is_left_is_one_less_the_share_that_was_spent(
    pairs: list[tuple[float, float]], objective: float
) -> None:
    tiles = made(pairs)
    standing = rolling(tiles, objective)
    events, bad = np.nansum(tiles.events), np.nansum(tiles.bad)
    if not events:
        assert standing.left is None
    else:
        assert standing.left == pytest.approx(1 - bad / events / (1 - objective))


@settings(max_examples=60, deadline=None)
@given(pairs=tiles_of, objective=objectives)
def test_the_burn_chart_ends_with_what_is_left_and_never_rises(
    pairs: list[tuple[float, float]], objective: float
) -> None:
    tiles = made(pairs)
    standing = rolling(tiles, objective)
    drawn = error_budget.burn_down(tiles, standing)
    there = drawn[np.isfinite(drawn)]
    assert (np.isnan(drawn) == np.isnan(tiles.events)).all() or standing.left is None
    assert (np.diff(there) <= 1e-9).all()
    if there.size:
        assert there[-1] == pytest.approx(standing.left)


@settings(max_examples=60, deadline=None)
@given(pairs=tiles_of, objective=objectives, worse=st.floats(0, 1))
def test_a_worse_last_hour_never_leaves_more_nor_lasts_longer(
    pairs: list[tuple[float, float]], objective: float, worse: float
) -> None:
    events, share = pairs[-1]
    before = rolling(made(pairs), objective)
    after = rolling(made([*pairs[:-1], (events, max(share, worse))]), objective)
    if before.left is not None and after.left is not None:
        assert after.left <= before.left + 1e-9
    if before.gone_at is not None and not after.is_spent:
        assert after.gone_at is not None
        assert after.gone_at <= before.gone_at + timedelta(seconds=1)


@settings(max_examples=60, deadline=None)
@given(pairs=tiles_of, objective=objectives)
def test_when_it_is_said_to_be_gone_it_is(
    pairs: list[tuple[float, float]], objective: float
) -> None:
    """Let it go on as forecast, tile by tile, and look when nothing is left."""
    tiles = made(pairs)
    standing = rolling(tiles, objective)
    if standing.gone_at is None or standing.pace is None:
        return
    ahead = int(np.ceil((standing.gone_at - NOW) / HOUR))
    known = np.isfinite(tiles.events)
    rate = float(np.nansum(tiles.events) / known.sum())
    more = np.full(ahead, rate)
    later = Tiles(
        end=NOW + ahead * HOUR,
        step=HOUR,
        events=np.concatenate([tiles.events[ahead:], more]),
        bad=np.concatenate([tiles.bad[ahead:], more * standing.pace * (1 - objective)]),
    )
    then = error_budget.standing(later, objective, Span(start=later.start, end=later.end))
    assert then.left is not None
    assert then.left <= 1e-6


@settings(max_examples=60, deadline=None)
@given(pairs=tiles_of, objective=objectives)
def test_nothing_is_both_gone_and_to_be_gone(
    pairs: list[tuple[float, float]], objective: float
) -> None:
    standing = rolling(made(pairs), objective)
    assert standing.gone_at is None or (not standing.is_spent and standing.gone_at > NOW)
    assert standing.back_at is None or (standing.is_spent and standing.back_at > NOW)
