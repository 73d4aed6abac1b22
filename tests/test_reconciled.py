"""Metrics against traces: a real Prometheus and real traces of the same made-up requests.

Some requests are missing on either side; what the two say of each other is held to the list of
all. Traffic comes by chance, so that what a counter shows of an hour is no exact number.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from streamlit.testing.v1 import AppTest

from app import cached_reconciling, wired
from signals.counting import Traces, counted
from signals.counts import Side, percent
from signals.mapping import MappingDraft, own
from signals.packs import PACKS
from signals.prometheus import Prometheus, PrometheusAccess
from signals.reconciling import Reconciled, Verdict
from signals.routing import Sources
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore, TailSampling
from tests.house import House, close_house, forget, open_house
from tests.made_metrics import HOUR, NOON, Story
from tests.memory_source import MemorySource
from tests.pages import opened, text
from tests.prometheus import Server, backfill, running
from tests.spans import child, root
from tests.spans import opened as store_in

MINUTE = timedelta(minutes=1)
SCRAPE = 15
# The hour that is compared, in seconds after NOON.
START, END = -HOUR - 180, -180
# Requests per second, and how many of ten the metrics and the traces know.
TRAFFIC = {"chat": (0.6, 10, 6), "search": (0.3, 7, 10), "summaries": (0.2, 10, 10)}
BY_NAME = {pack.name: pack for pack in PACKS}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, how many seconds after NOON it ended, and who knows of it."""

    second: float
    feature: str
    counted: bool
    traced: bool


def happened() -> list[Request]:
    rng = Random(11)
    found = []
    for feature, (rate, known, held) in TRAFFIC.items():
        second = -2.0 * HOUR
        while (second := second + rng.expovariate(rate)) < 0:
            found.append(
                Request(second, feature, rng.random() * 10 < known, rng.random() * 10 < held)
            )
    return found


REQUESTS = happened()
WITHIN = [one for one in REQUESTS if START < one.second <= END]


def number(of: str = "", *, counted: bool = False, traced: bool = False) -> int:
    """Return how many requests of the hour there were, of a feature, that are known there."""
    return sum(
        (not of or one.feature == of)
        and (one.counted or not counted)
        and (one.traced or not traced)
        for one in WITHIN
    )


def lost(feature: str, *, counted: bool = False, traced: bool = False) -> int:
    return number(feature) - number(feature, counted=counted, traced=traced)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prometheus")
    story = Story()
    for feature in TRAFFIC:
        labels = {"feature": feature, "model": "m1", "outcome": "success"}
        ends = sorted(one.second for one in REQUESTS if one.feature == feature and one.counted)
        for second in range(-2 * HOUR, 1, SCRAPE):
            so_far = float(bisect_right(ends, second))
            story.sample("llm_requests_total", labels, so_far, second)
    # Every request calls a model twice; the metrics count each call.
    every = sorted(one.second for one in REQUESTS if one.traced)
    for second in range(-2 * HOUR, 1, SCRAPE):
        calls = 2.0 * bisect_right(every, second)
        story.sample("llm_calls_total", {"model": "m1", "status": "ok"}, calls, second)
    backfill(folder / "blocks", story.text())
    with running(folder, storage=folder / "blocks") as server:
        yield server


@pytest.fixture
def metrics(server: Server) -> Iterator[Prometheus]:
    with closing(Prometheus(PrometheusAccess(url=server.url), packs=[BY_NAME["seeds"]])) as found:
        found.stacks.look(at=NOON)
        yield found


def spans(requests: list[Request]) -> list[Span]:
    """Return the traces: a request of one feature, that calls a model twice."""
    ids, found = Random(7), []
    for one in requests:
        request = replace(
            root(NOON + timedelta(seconds=one.second), feature=one.feature, outcome="success"),
            trace_id=f"{ids.getrandbits(128):032x}",
        )
        found += [request, *(child(request, model="m1") for _ in range(2))]
    return found


TRACED = [one for one in REQUESTS if one.traced]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with store_in(tmp_path_factory.mktemp("traces")) as store:
        store.write(spans(TRACED))
        yield store


def held(metrics: Prometheus, store: EmbeddedStore) -> Reconciled:
    return counted(metrics, Traces(source=store, held_since=store.held_since), now=NOON)


def test_each_side_misses_the_share_that_it_was_not_told(
    metrics: Prometheus, store: EmbeddedStore
) -> None:
    found = held(metrics, store)
    assert found.verdict is Verdict.BOTH_MISS
    assert found.period is not None
    assert (found.period.start, found.period.end) == (NOON - 63 * MINUTE, NOON - 3 * MINUTE)
    assert found.whole is not None
    assert found.whole.metrics.n == pytest.approx(number(counted=True), rel=0.02)
    assert found.whole.traces.n == pytest.approx(number(traced=True))
    of_metrics = lost("chat", traced=True) / number(counted=True)
    of_traces = lost("search", counted=True) / number(traced=True)
    assert (of_metrics, of_traces) == pytest.approx((0.23, 0.11), abs=0.03)  # worth telling
    assert found.misses(Side.TRACES) == pytest.approx(of_metrics, abs=0.02)
    assert found.misses(Side.METRICS) == pytest.approx(of_traces, abs=0.02)


def test_the_worst_parts_are_named_with_their_shares(
    metrics: Prometheus, store: EmbeddedStore
) -> None:
    worst = {part.value: part for part in held(metrics, store).worst if part.label == "feature"}
    assert list(worst) == ["chat", "search"]
    chat, search = worst["chat"], worst["search"]
    assert (chat.lacking, search.lacking) == (Side.TRACES, Side.METRICS)
    truth = lost("chat", traced=True) / number("chat")
    assert chat.misses(Side.TRACES) == pytest.approx(truth, abs=0.03)
    truth = lost("search", counted=True) / number("search")
    assert search.misses(Side.METRICS) == pytest.approx(truth, abs=0.03)


def test_calls_are_held_against_calls_and_not_against_requests(
    server: Server, store: EmbeddedStore
) -> None:
    access = PrometheusAccess(url=server.url)
    with closing(Prometheus(access, packs=[BY_NAME["calls"]])) as metrics:
        metrics.stacks.look(at=NOON)
        found = held(metrics, store)
    assert (found.verdict, found.what) == (Verdict.AGREE, "calls")
    assert found.whole is not None
    assert found.whole.traces.n == 2 * number(traced=True)
    assert [(part.label, part.value) for part in found.parts] == [("model", "m1")]


def test_sampled_traces_are_weighed_and_said_to_be_an_estimate(
    metrics: Prometheus, tmp_path: Path
) -> None:
    rules = TailSampling(one_in=5, wait=MINUTE, slow=timedelta(seconds=60), dear_usd=1.0)
    with store_in(tmp_path, sampling=rules) as store:
        store.write(spans([one for one in REQUESTS if one.counted]))
        store.sample(now=NOON + 2 * MINUTE)
        kept = store.check()
        found = held(metrics, store)
    assert found.verdict is Verdict.AGREE
    assert found.is_estimate
    assert found.whole is not None
    truth, count = number(counted=True), found.whole.traces
    assert abs(count.n - truth) <= count.margin
    assert int(kept.split()[1]) < len(REQUESTS) / 4  # most of them are gone


def test_a_store_that_is_younger_is_asked_only_since_it_is_there(
    metrics: Prometheus, tmp_path: Path
) -> None:
    with store_in(tmp_path) as store:
        store.write(spans([one for one in REQUESTS if one.counted and one.second > -2000]))
        found = held(metrics, store)
    assert found.period is not None
    assert found.period.end - found.period.start == 30 * MINUTE  # of the 33 there, less the late
    assert found.verdict is Verdict.AGREE


def test_metrics_that_are_younger_are_asked_only_since_they_are_there(
    metrics: Prometheus, store: EmbeddedStore
) -> None:
    then = NOON - 2 * timedelta(hours=1) + 20 * MINUTE
    found = counted(metrics, Traces(source=store), now=then)
    assert found.period is not None
    assert 15 * MINUTE <= found.period.length <= 17 * MINUTE
    found = counted(metrics, Traces(source=store), now=then - 10 * MINUTE)
    assert found.verdict is Verdict.YOUNG
    assert "10 min can be compared" in found.why


def test_a_label_of_too_many_values_is_not_compared(metrics: Prometheus, tmp_path: Path) -> None:
    many = [replace(one, feature=f"feature {i % 51}") for i, one in enumerate(WITHIN)]
    with store_in(tmp_path) as store:
        store.write(spans(many))
        found = counted(metrics, Traces(source=store), now=NOON)
    assert "Not compared by feature: it has more than 50 values." in found.notes


def test_a_store_that_is_late_is_asked_about_what_has_come(
    metrics: Prometheus, store: EmbeddedStore
) -> None:
    found = counted(metrics, Traces(source=store, lag=10 * MINUTE), now=NOON)
    assert found.period is not None
    assert found.period.end == NOON - 11 * MINUTE


def test_an_expression_of_ones_own_is_not_compared(server: Server, store: EmbeddedStore) -> None:
    draft = MappingDraft(signal="request_rate", promql="sum(rate(llm_requests_total[$window]))")
    access = PrometheusAccess(url=server.url)
    with closing(Prometheus(access, own=lambda: {"request_rate": own(draft)})) as metrics:
        found = held(metrics, store)
    assert found.verdict is Verdict.NOT_COMPARABLE
    assert "nobody can say whether it counts requests or calls" in found.why


def test_a_store_that_cannot_count_calls_is_not_compared(server: Server) -> None:
    access = PrometheusAccess(url=server.url)
    with closing(Prometheus(access, packs=[BY_NAME["calls"]])) as metrics:
        metrics.stacks.look(at=NOON)
        found = counted(metrics, Traces(source=MemorySource(name="tempo")), now=NOON)
    assert found.why == (
        "The metrics of LLM call counters count calls of models, and tempo cannot count those."
    )


# On the pages


@pytest.fixture
def house(tmp_path: Path, metrics: Prometheus) -> Iterator[House]:
    """An empty house whose Prometheus and traces know the requests, at NOON."""
    house = open_house(tmp_path, NOON)
    store = house.wiring.store
    assert store is not None
    store.write(spans(TRACED))
    house.wiring = replace(
        house.wiring,
        prometheus=metrics,
        expressions=metrics,
        signals=Sources((metrics, store)),
        watched=(metrics, store),
        stores=(store,),
    )
    wired.set_current(house.wiring)
    forget()
    known()
    yield house
    close_house(house)


def known() -> Reconciled:
    """Return what pages know, as soon as they do."""
    answer = cached_reconciling.reconciled(timedelta(seconds=20))
    assert answer is not None
    assert answer.data is not None, answer.error
    return answer.data


def card(page: AppTest, key: str) -> str:
    return "\n".join(line.value for line in page.container(key=key).markdown).replace("\\", "")


def lacking(side: Side) -> str:
    """Return the mark of a number that `side` tells."""
    rest = percent(1 - known().misses(side))
    if side is Side.TRACES:
        return f"traces hold {rest} of the requests that metrics count"
    return f"metrics count {rest} of the requests that traces hold"


def test_the_page_of_sources_holds_one_against_the_other(house: House) -> None:
    page = opened("sources")
    said = card(page, "sources_reconciled")
    missed = [percent(known().misses(side)) for side in Side]
    assert f"metrics miss {missed[0]}, traces miss {missed[1]}" in said
    assert lacking(Side.TRACES) in said
    assert lacking(Side.METRICS)[1:] in said  # as a sentence begins
    counts = {metric.label: metric.value for metric in page.metric}
    assert counts["Requests in traces"] == f"{number(traced=True):,}"
    rows = page.dataframe[0].value
    assert {"feature chat", "feature search"} <= set(rows["Part"])
    assert "From 10:57:00 UTC to 11:57:00 UTC" in said


def test_what_metrics_tell_says_what_they_do_not_count(house: House) -> None:
    page = opened("overview")
    for signal in ("request_rate", "error_ratio"):
        assert lacking(Side.METRICS) in card(page, f"overview_{signal}")


def test_what_traces_tell_says_what_they_do_not_hold(house: House) -> None:
    assert house.wiring.store is not None
    wired.set_current(replace(house.wiring, signals=Sources((house.wiring.store,))))
    forget()
    said = lacking(Side.TRACES)
    assert said in card(opened("overview"), "overview_latency_p95")


@pytest.mark.parametrize("view", ["cost", "quality"])
def test_what_is_added_up_from_traces_says_what_they_do_not_hold(house: House, view: str) -> None:
    assert lacking(Side.TRACES) in text(opened(view))


def test_without_metrics_nothing_is_held_against_traces(house: House) -> None:
    wired.set_current(replace(house.wiring, prometheus=None))
    forget()
    assert "Metrics against traces" not in text(opened("sources"))


def test_of_a_server_that_is_down_the_last_comparison_stays(house: House) -> None:
    before = known()
    dead = PrometheusAccess(url="http://127.0.0.1:9", timeout=timedelta(seconds=1))
    with closing(Prometheus(dead)) as prometheus:
        watched = (prometheus, *house.wiring.watched[1:])
        wired.set_current(replace(house.wiring, prometheus=prometheus, watched=watched))
        cached_reconciling.asked.clear()
        house.now += cached_reconciling.FRESH
        page = opened("sources")
        assert lacking(Side.TRACES) in card(page, "sources_reconciled")
        assert any("What you see is its last answer" in error.value for error in page.error)
        assert known() == before
        assert lacking(Side.TRACES) in text(opened("quality"))
        house.now += timedelta(hours=1)
        assert lacking(Side.TRACES) not in text(opened("quality"))


def test_a_store_outside_is_asked_every_ten_minutes_only(house: House, metrics: Prometheus) -> None:
    tempo = MemorySource(name="tempo")
    wired.set_current(replace(house.wiring, watched=(metrics, tempo)))
    forget()
    known()
    asked = len(tempo.asked)
    for minutes, times in ((9, 1), (10, 2)):
        house.now = NOON + minutes * MINUTE
        cached_reconciling.asked.clear()
        known()
        assert len(tempo.asked) == times * asked > 0
