"""What a rule would have done, over a drawn past, one character a minute; and in words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.backtest import Hindsight, Instants, Past, backtest
from alerts.conditions import AnyCondition, BurnRate, Promql, Threshold
from alerts.datastates import DataStates
from alerts.lifecycle import Timing
from alerts.observations import Watch
from alerts.paged import Told
from app import hindsight_words
from app.hindsight_words import Incident
from models.vocabulary import Comparison, DataChoice
from signals import Series

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
OVER_5S = Threshold(signal="latency_p95", bound=5)
AT_ONCE = Watch(condition=OVER_5S, timing=Timing(), labels={})
DAY = Instants(start=START, step=MINUTE, count=24 * 60 + 1)


def series_of(past: str, labels: Mapping[str, str] | None = None) -> Series:
    """`#` is beyond the bound, `.` is not, a blank is an instant without a value."""
    points = [(START.timestamp() + 60 * i, c) for i, c in enumerate(past) if c != " "]
    return Series(
        labels=labels or {},
        seconds=[at for at, _ in points],
        values=[8.0 if c == "#" else 1.0 for _, c in points],
    )


def looked_back(
    *pasts: str, watch: Watch = AT_ONCE, condition: AnyCondition = OVER_5S
) -> Hindsight:
    series = [series_of(past, {"feature": str(i)}) for i, past in enumerate(pasts)]
    answers = dict.fromkeys(condition.questions, series)
    instants = Instants(start=START, step=MINUTE, count=len(pasts[0]))
    return backtest(replace(watch, condition=condition), answers, instants)


def patient(*, hold: int = 0, keep: int = 0, silence: DataChoice = DataChoice.KEEP) -> Watch:
    timing = Timing(hold=hold * MINUTE, keep_firing=keep * MINUTE)
    states = DataStates(no_series=silence)
    return replace(AT_ONCE, timing=timing, data_states=states)


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
    found = looked_back(past, watch=patient(hold=hold, keep=keep))
    assert [
        (a.fired_at - START, None if a.ended_at is None else a.ended_at - START)
        for a in found.fired
        if a.fired_at
    ] == [(b * MINUTE, None if e is None else e * MINUTE) for b, e in fired]


def test_labels_that_are_templates_are_filled_in_as_live() -> None:
    watch = replace(patient(hold=1), labels={"team": "team-{{ $labels.feature }}", "feature": ""})
    found = looked_back("..###..", ".####..", watch=watch)
    assert [dict(alert.labels) for alert in found.fired] == [{"team": "team-1"}, {"team": "team-0"}]


def test_breaches_are_counted_however_short() -> None:
    found = looked_back("#.##..#", watch=patient(hold=5))
    assert (len(found.alerts), found.held, found.fired) == (3, 4 * MINUTE, ())


def test_a_gap_is_no_observation() -> None:
    found = looked_back("## ##")
    assert (len(found.alerts), found.known) == (1, 4 * MINUTE)


def test_silence_is_a_breach_where_the_rule_says_so() -> None:
    found = looked_back(".  .", watch=patient(silence=DataChoice.ALERT))
    assert (len(found.alerts), found.held) == (1, 2 * MINUTE)
    assert found.alerts[0].labels == {}  # as live: nobody knows which label set is missing


def test_silence_ends_an_alert_where_the_rule_says_so() -> None:
    found = looked_back("##  ##", watch=patient(silence=DataChoice.RESOLVE))
    assert len(found.fired) == 2


def test_without_any_series_silence_itself_may_alert() -> None:
    instants = Instants(start=START, step=MINUTE, count=4)
    kept = backtest(AT_ONCE, {}, instants)
    [alert] = backtest(patient(silence=DataChoice.ALERT), {}, instants).alerts
    assert (kept.label_sets, kept.alerts) == (0, ())
    assert (alert.fired_at, alert.ended_at) == (START, None)


def test_every_label_set_lives_its_own_life() -> None:
    found = looked_back("##..", "..##", "....")
    assert (found.label_sets, len(found.alerts), found.held) == (3, 2, 4 * MINUTE)
    assert [alert.fired_at for alert in found.fired] == [START, START + 2 * MINUTE]


def test_below_is_a_breach_too() -> None:
    low = Threshold(signal="cache_hit_ratio", comparison=Comparison.BELOW, bound=5)
    assert looked_back("##..#", condition=low).held == 2 * MINUTE


def test_a_burn_rate_needs_both_windows_of_a_pair() -> None:
    burn = BurnRate(signal="error_ratio", objective=0.5)
    short, long, *rest = burn.questions
    answers = {short: [series_of("####")], long: [series_of("..##")]}
    answers |= {question: [series_of("....")] for question in rest}
    instants = Instants(start=START, step=MINUTE, count=4)
    assert backtest(replace(AT_ONCE, condition=burn), answers, instants).held == 2 * MINUTE


def test_an_expression_breaches_wherever_it_returns_something() -> None:
    found = looked_back("  ..  . ", condition=Promql(expression="up == 0"))
    assert (len(found.alerts), found.held) == (2, 3 * MINUTE)


def past(active: float, fired: float | None = None, ended: float | None = None) -> Past:
    at = [None if m is None else START + m * MINUTE for m in (active, fired, ended)]
    return Past(
        labels={"feature": "chat"}, active_at=at[0] or START, fired_at=at[1], ended_at=at[2]
    )


SEEN = Hindsight(alerts=(), held=timedelta(), label_sets=1, known=timedelta(days=31), instants=DAY)


@pytest.mark.parametrize(
    ("changes", "hold", "sentence"),
    [
        (
            {"alerts": (past(0, 5, 9), past(20), past(30, 35, 40)), "held": 42 * MINUTE},
            5,
            "Over the last 24 h this would have been beyond the threshold 3 times, 42 min in all, "
            "and fired twice.",
        ),
        (
            {"alerts": (past(0), past(9)), "held": 42 * MINUTE},
            30,
            "Over the last 24 h this would have been beyond the threshold twice, 42 min in all, "
            "and fired never: it did not last 30 min.",
        ),
        (
            {"alerts": (past(0, 1),), "held": 42 * MINUTE, "label_sets": 4},
            0,
            "Over the last 24 h this would have been beyond the threshold once, 42 min in all "
            "across 4 label sets, and fired once; it would still be firing.",
        ),
        ({}, 0, "Over the last 24 h this would never have been beyond the threshold."),
        (
            {"known": timedelta(hours=14)},
            0,
            "Over the last 24 h, of which 14 h had data, this would never have been beyond the "
            "threshold.",
        ),
        (
            {"label_sets": 0},
            0,
            "Over the last 24 h there was no data: nobody can say what this would have done.",
        ),
        (
            {"instants": Instants(start=START, step=5 * MINUTE, count=7 * 288 + 1)},
            0,
            "Over the last 7 days this would never have been beyond the threshold.",
        ),
    ],
)
def test_it_is_said_in_one_sentence(changes: dict[str, object], hold: int, sentence: str) -> None:
    found = replace(SEEN, **changes)  # type: ignore[arg-type]
    assert hindsight_words.summary(found, OVER_5S, hold * MINUTE) == sentence


def step(hour: int, *channels: str, skipped: str = "") -> Told:
    at = START + timedelta(hours=hour)
    return Told(at=at, channels=channels, group=1, skipped=skipped)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([], ""),
        ([step(3, "slack:#llm", skipped="not now")], "It would have told nobody."),
        (
            [step(3, "slack:#llm"), step(3, "pagerduty:default"), step(12, "schedule:primary")],
            "With nobody acknowledging, it would have told Slack once, PagerDuty once, whoever is "
            "on call once; once at night.",
        ),
        (
            [step(12, "slack:#llm", "pagerduty:default")],
            "With nobody acknowledging, it would have told Slack once, PagerDuty once; never at "
            "night.",
        ),
        ([step(3, "slack:#llm")], "With nobody acknowledging, it would have told Slack once."),
    ],
)
def test_who_would_have_been_told_is_said(steps: list[Told], sentence: str) -> None:
    assert hindsight_words.telling(steps, UTC) == sentence


def incident(began: float, ended: float | None = None, **labels: str) -> Incident:
    end = None if ended is None else START + ended * MINUTE
    return Incident(labels=labels, began=START + began * MINUTE, ended=end)


@pytest.mark.parametrize(
    ("incidents", "sentence"),
    [
        ([], ""),
        (
            [incident(10, 60), incident(100, 120)],
            "Of the 2 incidents that people acknowledged in that time it would have caught 1, the "
            "first 3 min 20 s after it began.",
        ),
        (
            [incident(10, 60, feature="search")],
            "Of the one incident that people acknowledged in that time it would have caught none.",
        ),
        (
            [incident(15, None, feature="chat", model="m")],
            "Of the one incident that people acknowledged in that time it would have caught it, "
            "before it began.",
        ),
    ],
)
def test_what_it_would_have_caught_is_said(incidents: list[Incident], sentence: str) -> None:
    fired = [past(13, 13 + 1 / 3, 40)]
    assert hindsight_words.catching(fired, incidents) == sentence
