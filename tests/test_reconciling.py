"""What two counts of the same say of each other, verdict by verdict."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from app import reconciled_words
from signals.counts import Count, Period, Side, Split
from signals.packs import PACKS
from signals.reconciling import Reconciled, Verdict, incomparable, reconcile, young

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERIOD = Period(start=NOON - HOUR, end=NOON)


def counts(numbers: Mapping[str, float]) -> dict[str, Count]:
    return {value: Count(n=n) for value, n in numbers.items()}


def by(label: str, metrics: Mapping[str, float], traces: Mapping[str, float]) -> Split:
    return Split(label=label, metrics=counts(metrics), traces=counts(traces))


def held(
    metrics: float, traces: float, *splits: Split, margin: float = 0.0, length: timedelta = HOUR
) -> Reconciled:
    return reconcile(
        Count(n=metrics),
        Count(n=traces, margin=margin),
        splits,
        period=Period(start=NOON - length, end=NOON),
    )


def split_alone(split: Split) -> Reconciled:
    metrics, traces = (sum(c.n for c in side.values()) for side in (split.metrics, split.traces))
    return held(metrics, traces, split)


@pytest.mark.parametrize(
    ("metrics", "traces", "verdict", "badge"),
    [
        (1000, 1000, Verdict.AGREE, "agree"),
        (1000, 951, Verdict.AGREE, "agree"),  # less than 5 %
        (1000, 940, Verdict.TRACES_MISS, "traces miss 6 %"),
        (1000, 620, Verdict.TRACES_MISS, "traces miss 38 %"),
        (880, 1000, Verdict.METRICS_MISS, "metrics miss 12 %"),
        (1000, 3, Verdict.TRACES_MISS, "traces miss 99.7 %"),
        (1000, 0, Verdict.SILENT, "traces are silent"),
        (0, 1000, Verdict.SILENT, "metrics are silent"),
        (0.4, 31, Verdict.SILENT, "metrics are silent"),  # what an extrapolation leaves
        (7, 3, Verdict.THIN, "too few"),
        (0, 0, Verdict.THIN, "too few"),
        (29.9, 0, Verdict.THIN, "too few"),
    ],
)
def test_two_totals_have_a_verdict(
    metrics: float, traces: float, verdict: Verdict, badge: str
) -> None:
    found = held(metrics, traces)
    assert (found.verdict, reconciled_words.badge(found)) == (verdict, badge)


@pytest.mark.parametrize(
    ("metrics", "traces", "length", "verdict"),
    [
        # 30 requests in an hour: one at the edges, and twice its deviation of chance.
        (30, 27.1, HOUR, Verdict.AGREE),
        (30, 26.9, HOUR, Verdict.TRACES_MISS),
        # Of ten minutes two are edges: a fifth, and chance.
        (1000, 780, HOUR / 6, Verdict.AGREE),
        (1000, 760, HOUR / 6, Verdict.TRACES_MISS),
    ],
)
def test_the_edges_of_the_period_are_no_loss(
    metrics: float, traces: float, length: timedelta, verdict: Verdict
) -> None:
    assert held(metrics, traces, length=length).verdict is verdict


def test_what_a_sample_may_be_off_is_no_loss() -> None:
    assert held(1000, 900).verdict is Verdict.TRACES_MISS
    assert held(1000, 900, margin=80).verdict is Verdict.AGREE
    assert held(1000, 800, margin=80).verdict is Verdict.TRACES_MISS


def test_gaps_that_hide_each_other_in_the_totals_show_by_label() -> None:
    found = split_alone(by("feature", {"chat": 600, "search": 400}, {"chat": 300, "search": 700}))
    assert found.verdict is Verdict.BOTH_MISS
    assert found.shares == {Side.TRACES: 0.3, Side.METRICS: 0.3}
    assert [(p.value, p.lacking, p.missing) for p in found.worst] == [
        ("chat", Side.TRACES, 300),
        ("search", Side.METRICS, 300),
    ]


def test_the_label_that_shows_most_counts_and_no_two_are_added_up() -> None:
    features = by("feature", {"a": 500, "b": 500}, {"a": 500, "b": 300})
    models = by("tenant", {"x": 400, "y": 600}, {"x": 100, "y": 700})
    found = held(1000, 800, features, models)
    assert found.shares[Side.TRACES] == pytest.approx(0.3)


def test_a_value_that_one_side_has_alone_is_missing_from_the_other() -> None:
    found = split_alone(by("feature", {"chat": 900, "batch": 100}, {"chat": 900}))
    assert [(p.value, p.lacking) for p in found.worst] == [("batch", Side.TRACES)]
    assert found.shares[Side.TRACES] == pytest.approx(0.1)


def test_values_that_each_side_has_alone_may_be_the_same_and_are_no_loss() -> None:
    split = by("model", {"small": 500, "gpt-4o": 500}, {"small": 500, "gpt-4o-2024-08-06": 500})
    found = split_alone(split)
    assert found.verdict is Verdict.AGREE
    (note,) = found.notes
    assert note.startswith("Only metrics know the model gpt-4o, only traces gpt-4o-2024-08-06")


@pytest.mark.parametrize("label", ["model", "outcome"])
def test_what_may_be_told_under_another_value_is_no_loss(label: str) -> None:
    found = split_alone(by(label, {"a": 600, "b": 400}, {"a": 400, "b": 600}))
    assert (found.verdict, found.worst) == (Verdict.AGREE, [])
    assert found.notes[0].startswith(f"Not compared by {label}: each has more of some")


def test_a_label_without_a_value_in_common_is_not_compared() -> None:
    found = split_alone(by("feature", {"chat-service": 1000}, {"chat": 1000}))
    assert found.verdict is Verdict.AGREE
    assert found.notes == ("Not compared by feature: no value is in both.",)


def test_a_label_that_many_do_not_say_is_not_compared() -> None:
    found = split_alone(by("outcome", {"success": 900, "error": 100}, {"success": 600, "": 400}))
    assert found.verdict is Verdict.AGREE
    assert found.notes == (
        "Not compared by outcome: 40 % of the requests of the traces do not say theirs.",
    )


def test_a_part_too_small_to_say_anything_says_nothing() -> None:
    found = split_alone(by("tenant", {"acme": 980, "tiny": 20}, {"acme": 980}))
    assert (found.verdict, found.worst) == (Verdict.AGREE, [])


def test_errors_that_a_sampler_missed_are_named_though_the_totals_agree() -> None:
    found = split_alone(by("outcome", {"success": 970, "error": 40}, {"success": 970, "error": 4}))
    assert found.verdict is Verdict.AGREE
    assert [(p.value, round(p.misses(Side.TRACES), 2)) for p in found.worst] == [("error", 0.9)]


def test_a_number_about_a_part_is_marked_by_that_part() -> None:
    found = split_alone(by("feature", {"chat": 500, "search": 500}, {"chat": 500, "search": 100}))

    def said(*labels: tuple[str, str]) -> str:
        return reconciled_words.lack(found, Side.TRACES, labels)

    assert said() == "traces hold 60 % of the requests that metrics count, over 1 h"
    assert said(("feature", "search")).startswith("traces hold 20 % of the requests")
    assert said(("feature", "chat")) == ""
    assert said(("tenant", "acme")) == said()  # nobody knows: that of all
    assert reconciled_words.lack(found, Side.METRICS) == ""


def test_what_rests_on_a_sample_is_said_to_be_about_so_much() -> None:
    found = held(1000, 500, margin=60)
    said = reconciled_words.lack(found, Side.TRACES)
    assert said == "traces hold about 50 % of the requests that metrics count, over 1 h"
    assert reconciled_words.counted(found, Side.TRACES) == "≈ 500"
    assert reconciled_words.margin(found) == "estimate of a sample, 440 to 560"


def test_silence_is_a_sentence() -> None:
    said = reconciled_words.sentence(held(1000, 0))
    assert said == "Traces hold none of the requests that metrics count."


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (incomparable("Nobody counts."), "Nobody counts."),
        (held(7, 3), "7 requests in 1 h are too few to compare."),
        (
            young(Period(start=NOON - timedelta(minutes=4), end=NOON)),
            "Both have been there for 4 min only: 10 min can be compared.",
        ),
    ],
)
def test_what_cannot_be_compared_says_why_and_marks_nothing(
    found: Reconciled, sentence: str
) -> None:
    assert reconciled_words.sentence(found) == sentence
    assert [reconciled_words.lack(found, side) for side in Side] == ["", ""]


def test_every_pack_says_whether_it_counts_requests_or_calls() -> None:
    of_requests = {pack.name for pack in PACKS if not pack.calls}
    assert of_requests == {"seeds", "middleware_otel"}
