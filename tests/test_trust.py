"""How far a number may be trusted, on made-up histograms; and asked of a real Prometheus."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

import pytest

from models.vocabulary import Unit
from signals import Query
from signals.prometheus import Prometheus, PrometheusAccess
from signals.trust import Asked, Bucket, Facts, Trust, Verdict, grade
from tests.made_metrics import BOUNDS, NOON, Story, steady
from tests.prometheus import backfill, running

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES_5 = timedelta(minutes=5)
# 1,000 answers: most within a second, some in the bucket from 2.5 to 5, nothing beyond 10.
USUAL = {0.5: 700, 1.0: 900, 2.5: 940, 5.0: 990, 10.0: 1000, inf: 1000}


def buckets(cumulative: dict[float, float]) -> list[Bucket]:
    return [Bucket(upper=upper, count=count) for upper, count in cumulative.items()]


def facts(n: float | None = 1000, **changes: object) -> Facts:
    healthy = {"seen": 4, "alive": 4, "newest_at": AT - timedelta(seconds=5)}
    return Facts(n=n, **healthy | changes)  # type: ignore[arg-type]


def judged(
    facts: Facts, cumulative: dict[float, float] | None = None, *, decisive: Sequence[float] = ()
) -> Trust:
    asked = Asked(unit=Unit.SECONDS, window=MINUTES_5, at=AT, q=0.95, decisive=tuple(decisive))
    return grade(asked, facts, buckets(USUAL if cumulative is None else cumulative))


def test_a_quantile_is_said_to_lie_anywhere_in_its_bucket() -> None:
    trust = judged(facts())
    assert (trust.verdict, trust.low, trust.high) == (Verdict.COARSE, 2.5, 5.0)
    assert trust.badge == "2.5 s to 5 s"
    assert trust.sentence == "p95 lies between 2.5 s and 5 s; 3 s is interpolation."


def test_a_quantile_that_can_only_be_one_number_is_said_to_be_so() -> None:
    trust = judged(facts(), {2.5: 0, 5.0: 1000, inf: 1000})
    assert trust.sentence.endswith("every value is in this bucket, so 4.88 s is all it can say.")


def test_a_narrow_bucket_is_sound() -> None:
    trust = judged(facts(), {2.4: 900, 2.5: 960, inf: 1000})
    assert (trust.verdict, trust.badge) == (Verdict.SOUND, "")
    assert trust.sentence == "It rests on 1,000 samples of the last 5 min."


def test_a_target_within_the_bucket_cannot_be_decided() -> None:
    trust = judged(facts(), decisive=(3.5, 5.0))
    assert trust.verdict is Verdict.UNDECIDED
    assert "may be on either side of 3.5 s" in trust.sentence
    assert trust.also == ()


def test_a_target_on_the_edge_of_the_bucket_can() -> None:
    assert judged(facts(), decisive=(5.0,)).verdict is Verdict.COARSE


def test_beyond_the_last_bound_a_quantile_is_a_lower_bound() -> None:
    trust = judged(facts(), {5.0: 900, 10.0: 940, inf: 1000})
    assert (trust.verdict, trust.badge) == (Verdict.LOWER_BOUND, "≥ 10 s")
    assert (trust.low, trust.high) == (10.0, inf)
    assert trust.sentence.startswith("p95 lies beyond the last bucket: it is 10 s or more")


def test_a_histogram_with_nothing_but_infinity_says_nothing() -> None:
    trust = judged(facts(), {inf: 1000})
    assert (trust.verdict, trust.low, trust.high) == (Verdict.LOWER_BOUND, 0.0, inf)


@pytest.mark.parametrize(
    ("n", "verdict"), [(7, Verdict.THIN), (9.4, Verdict.THIN), (9.6, Verdict.COARSE)]
)
def test_under_ten_samples_the_count_stands_in_the_place_of_the_quantile(
    n: float, verdict: Verdict
) -> None:
    share = n / 1000
    trust = judged(facts(n), {bound: count * share for bound, count in USUAL.items()})
    assert trust.verdict is verdict


def test_a_thin_quantile_says_how_thin() -> None:
    trust = judged(facts(7), {bound: count * 0.007 for bound, count in USUAL.items()})
    assert (trust.badge, trust.n) == ("n = 7", 7)
    assert trust.sentence == "Only 7 samples in the last 5 min: a p95 of so few is an anecdote."
    assert trust.also == ("p95 lies between 2.5 s and 5 s; 3 s is interpolation.",)


def test_counters_that_began_anew_lost_something() -> None:
    trust = judged(facts(resets=2))
    assert (trust.verdict, trust.badge) == (Verdict.RESETS, "2 resets")
    assert trust.sentence.startswith("A counter began anew 2 times")


def test_series_that_ended_in_the_window_lost_their_last_count() -> None:
    trust = judged(facts(seen=8, alive=5, resets=1))
    assert (trust.verdict, trust.badge) == (Verdict.VANISHED, "3 series gone")
    assert trust.sentence.startswith("3 of 8 series ended in the window")
    assert trust.also[0].startswith("A counter began anew once")


def test_old_samples_are_stale_before_anything_else() -> None:
    trust = judged(facts(5, newest_at=AT - timedelta(minutes=9)))
    assert (trust.verdict, trust.badge) == (Verdict.STALE, "9 min old")
    assert len(trust.also) == 2


@pytest.mark.parametrize(
    ("about", "badge"), [(facts(None, newest_at=None), "no data"), (facts(0), "n = 0")]
)
def test_nothing_counted_is_no_data(about: Facts, badge: str) -> None:
    trust = judged(about, {5.0: 0, inf: 0})
    assert (trust.verdict, trust.badge, trust.low) == (Verdict.NO_DATA, badge, None)


def test_a_ratio_is_judged_by_its_samples_alone() -> None:
    asked = Asked(unit=Unit.RATIO, window=MINUTES_5, at=AT)
    assert grade(asked, facts()).verdict is Verdict.SOUND
    thin = grade(asked, facts(3))
    assert thin.sentence == "Only 3 samples in the last 5 min: a value of so few is an anecdote."


def test_a_gauge_has_no_samples_to_count() -> None:
    asked = Asked(unit=Unit.COUNT, window=MINUTES_5, at=AT)
    trust = grade(asked, facts(None))
    assert (trust.verdict, trust.sentence, trust.n) == (Verdict.SOUND, "", None)


def disturbed() -> Story:
    """Return the usual story with three features of its own: restarted, gone, seldom."""
    story = steady()
    for bound in BOUNDS:
        le = "+Inf" if bound == inf else str(bound)
        for feature, per_second, since, until in (
            ("restarted", 1.0, -3600, 0),
            ("gone", 1.0, -3600, -120),
            ("seldom", 0.02, -3600, 0),
        ):
            labels = {"feature": feature, "model": "m1", "le": le}
            for second in range(since, until + 1, 15):
                age = second + 150 if feature == "restarted" and second >= -150 else second + 3600
                count = age * per_second if bound >= 2.5 else 0.0
                story.sample("llm_latency_seconds_bucket", labels, count, second)
    return story


def test_a_real_prometheus_tells_what_its_series_went_through(tmp_path: Path) -> None:
    backfill(tmp_path / "blocks", disturbed().text())

    def of(server: Prometheus, feature: str) -> Trust:
        scope = (("feature", feature),)
        query = Query(signal="latency_p95", window=MINUTES_5, scope=scope, by=("model",))
        return server.trust(query, at=NOON)

    with (
        running(tmp_path, storage=tmp_path / "blocks") as running_server,
        closing(Prometheus(PrometheusAccess(url=running_server.url))) as server,
    ):
        chat = of(server, "chat")
        assert (chat.verdict, chat.low, chat.high, chat.n) == (Verdict.UNDECIDED, 2.5, 5.0, 900)
        assert of(server, "search").verdict is Verdict.LOWER_BOUND
        assert of(server, "restarted").badge == "1 reset"
        # A series of blocks ends without a mark, so that it is seen for five minutes more.
        assert of(server, "gone").n == pytest.approx(180, abs=10)
        assert (of(server, "seldom").badge, of(server, "seldom").n) == ("n = 6", 6)
        assert of(server, "nowhere").verdict is Verdict.NO_DATA
        later = server.trust(
            Query(signal="latency_p95", window=timedelta(minutes=10)),
            at=NOON + timedelta(minutes=8),
        )
        assert (later.verdict, later.badge) == (Verdict.STALE, "8 min old")
        assert any("series ended in the window" in said for said in later.also)
