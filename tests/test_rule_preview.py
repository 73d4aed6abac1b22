"""What a rule would have done: the live core over a drawn past, one character a minute."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from alerts import lifecycle
from alerts.conditions import AnyCondition, BurnRate, Promql, Threshold
from alerts.lifecycle import Lifecycle, Timing
from app import rule_preview
from app.charts import Grid
from app.rule_preview import Patience, Preview
from models.vocabulary import AlertState, Comparison, NoData
from signals import Series

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
OVER_5S = Threshold(signal="latency_p95", bound=5)
AT_ONCE = Patience(timing=Timing(), no_data=NoData.KEEP)


def grid_of(past: str) -> Grid:
    return Grid(start=START, end=START + MINUTE * (len(past) - 1), step=MINUTE)


def series_of(past: str, labels: Mapping[str, str] | None = None) -> Series:
    """`#` is beyond the bound, `.` is not, a blank is an instant without a value."""
    points = [(START.timestamp() + 60 * i, c) for i, c in enumerate(past) if c != " "]
    return Series(
        labels=labels or {},
        seconds=[at for at, _ in points],
        values=[8.0 if c == "#" else 1.0 for _, c in points],
    )


def previewed(
    *pasts: str, patience: Patience = AT_ONCE, condition: AnyCondition = OVER_5S
) -> Preview:
    series = [series_of(past, {"feature": str(i)}) for i, past in enumerate(pasts)]
    answers = dict.fromkeys(condition.questions, series)
    return rule_preview.preview(condition, answers, patience, grid_of(pasts[0]))


def patient(*, hold: int = 0, keep: int = 0, no_data: NoData = NoData.KEEP) -> Patience:
    return Patience(timing=Timing(hold=hold * MINUTE, keep_firing=keep * MINUTE), no_data=no_data)


@pytest.mark.parametrize(
    ("past", "hold", "keep", "fired"),
    [
        ("..##..", 0, 0, [(2, 4)]),
        ("..##..", 2, 0, []),
        ("..###.", 2, 0, [(4, 5)]),
        ("##..##", 0, 0, [(0, 2), (4, None)]),
        ("##..##..", 0, 3, [(0, None)]),
        ("##.....", 0, 3, [(0, 5)]),
        ("## ##..", 0, 0, [(0, 5)]),
        ("## ..", 0, 0, [(0, 3)]),
    ],
)
def test_it_fires_as_the_live_rule_would(
    past: str, hold: int, keep: int, fired: list[tuple[int, int | None]]
) -> None:
    found = previewed(past, patience=patient(hold=hold, keep=keep))
    assert [
        (begin - START, None if end is None else end - START) for begin, end in found.fired
    ] == [(b * MINUTE, None if e is None else e * MINUTE) for b, e in fired]


def test_breaches_are_counted_however_short() -> None:
    found = previewed("#.##..#", patience=patient(hold=5))
    assert (found.breaches, found.beyond, found.fired) == (3, 4 * MINUTE, ())


def test_a_gap_is_no_observation() -> None:
    assert previewed("## ##").breaches == 1


def test_silence_is_a_breach_where_the_rule_says_so() -> None:
    found = previewed(".  .", patience=patient(no_data=NoData.ALERT))
    assert (found.breaches, found.beyond) == (1, 2 * MINUTE)


def test_silence_ends_an_alert_where_the_rule_says_so() -> None:
    found = previewed("##  ##", patience=patient(no_data=NoData.RESOLVE))
    assert len(found.fired) == 2


def test_without_any_series_silence_itself_may_alert() -> None:
    grid = grid_of("....")
    kept = rule_preview.preview(OVER_5S, {}, AT_ONCE, grid)
    alerted = rule_preview.preview(OVER_5S, {}, patient(no_data=NoData.ALERT), grid)
    assert (kept.label_sets, kept.fired) == (0, ())
    assert alerted.fired == ((START, None),)


def test_every_label_set_lives_its_own_life() -> None:
    found = previewed("##..", "..##", "....")
    assert (found.label_sets, found.breaches, found.beyond) == (3, 2, 4 * MINUTE)
    assert [begin - START for begin, _ in found.fired] == [timedelta(), 2 * MINUTE]


def test_below_is_a_breach_too() -> None:
    low = Threshold(signal="cache_hit_ratio", comparison=Comparison.BELOW, bound=5)
    assert previewed("##..#", condition=low).beyond == 2 * MINUTE


def test_a_burn_rate_needs_both_windows_of_a_pair() -> None:
    burn = BurnRate(signal="error_ratio", objective=0.5)
    short, long, *rest = burn.questions
    answers = {short: [series_of("####")], long: [series_of("..##")]}
    answers |= {question: [series_of("....")] for question in rest}
    found = rule_preview.preview(burn, answers, AT_ONCE, grid_of("...."))
    assert found.beyond == 2 * MINUTE


def test_an_expression_breaches_wherever_it_returns_something() -> None:
    found = previewed("  ..  . ", condition=Promql(expression="up == 0"))
    assert (found.breaches, found.beyond) == (2, 3 * MINUTE)


@given(past=some.text(alphabet="#. ", min_size=1, max_size=60), hold=some.integers(0, 5),
       keep=some.integers(0, 5))  # fmt: skip
def test_the_preview_is_the_live_lifecycle(past: str, hold: int, keep: int) -> None:
    timing = Timing(hold=hold * MINUTE, keep_firing=keep * MINUTE)
    alert: Lifecycle | None = None
    live: list[Lifecycle] = []
    for index, seen in enumerate(past):
        if seen == " ":
            continue
        now = START + index * MINUTE
        alert = lifecycle.observe(alert, holds=seen == "#", timing=timing, now=now)
        if alert is not None and alert.state is AlertState.FIRING and alert.fired_at == now:
            live.append(alert)
        if alert is not None and alert.state is AlertState.RESOLVED:
            live[-1], alert = alert, None
    found = previewed(past, patience=Patience(timing=timing, no_data=NoData.KEEP))
    assert list(found.fired) == [(one.fired_at, one.resolved_at) for one in live]


DAY = Preview(breaches=3, beyond=42 * MINUTE, fired=(), label_sets=1, covered=timedelta(hours=24))


@pytest.mark.parametrize(
    ("changes", "hold", "sentence"),
    [
        (
            {"fired": ((START, START + MINUTE),) * 2},
            5,
            "Over the last 24 h this would have been beyond the threshold 3 times, 42 min in all, "
            "and fired twice.",
        ),
        (
            {},
            30,
            "Over the last 24 h this would have been beyond the threshold 3 times, 42 min in all, "
            "and fired never: it did not last 30 min.",
        ),
        (
            {"breaches": 1, "fired": ((START, None),), "label_sets": 4},
            0,
            "Over the last 24 h this would have been beyond the threshold once, 42 min in all "
            "across 4 label sets, and fired once; it would still be firing.",
        ),
        (
            {"breaches": 0, "beyond": timedelta()},
            0,
            "Over the last 24 h this would never have been beyond the threshold.",
        ),
        (
            {"breaches": 0, "label_sets": 0},
            0,
            "Over the last 24 h there was no data: nobody can say what this would have done.",
        ),
    ],
)
def test_it_is_said_in_one_sentence(changes: dict[str, object], hold: int, sentence: str) -> None:
    found = replace(DAY, **changes)  # type: ignore[arg-type]
    assert rule_preview.sentence(found, OVER_5S, hold * MINUTE) == sentence
