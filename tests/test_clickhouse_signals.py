"""Every signal ClickHouse answers is what the embedded store says of the same spans.

Two hours of made-up requests: labels on the root or on a model call, costs reported, computed,
unknown or billed at the root, guardrails, caches, scores, queues, orphans.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from signals import Query
from signals.otlp.spans import spans_of
from signals.traces.clickhouse import ClickHouse
from signals.traces.embedded import EmbeddedStore
from tests.clickhouse_rows import insert
from tests.told_traces import NOON, Made, exported
from tests.trace_stores import address, clickhouse_line

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MODELS = ("gpt-4o", "claude-sonnet-4-0", "a-model-nobody-sells")
SIGNALS = (
    *("latency_p50", "latency_p95", "latency_p99", "error_ratio", "request_rate", "token_rate"),
    *("cost_per_request", "cost", "cache_hit_ratio", "guardrail_ratio", "eval_score"),
    "approval_queue_depth",
)
# Split by labels, narrowed to labels.
SPLITS: list[tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = [
    ((), ()),
    (("model",), (("feature", "chat"),)),
    (("tenant", "feature"), ()),
    (("outcome",), (("tenant", "acme"),)),
    ((), (("prompt_version", ""),)),
]


def requests() -> dict[str, tuple[timedelta, list[Made]]]:
    rng = random.Random(11)
    made = {}
    for number in range(1, 241):
        ago = timedelta(seconds=rng.uniform(60, 7000))
        made[f"{number:032x}"] = (ago, list(_request(number * 16, rng)))
    return made


def _request(first: int, rng: random.Random) -> Iterator[Made]:
    root_id, ms = f"{first:016x}", rng.lognormvariate(7, 0.6)
    failed = rng.random() < 0.15
    context: dict[str, Any] = {"feature": rng.choice(("chat", "search"))}
    if rng.random() < 0.7:
        context["tenant.id"] = rng.choice(("acme", "globex"))
    if rng.random() < 0.3:
        context["cache.hit"] = rng.random() < 0.5
    if rng.random() < 0.2:
        context["gen_ai.usage.cost"] = 0.5  # what a gateway bills for the whole request
    if failed and rng.random() < 0.5:
        context["error.type"] = rng.choice(("RateLimitError", "TimeoutError", "ValueError"))
    if rng.random() < 0.1:
        context["http.response.status_code"] = rng.choice((200, 429, 503))
    yield Made(
        id=root_id,
        name="POST /chat",
        ms=ms,
        status=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_OK,
        server=True,
        attributes=context,
    )
    for number in range(1, rng.randint(1, 4)):
        yield _call(f"{first + number:016x}", root_id, ms, rng)
    yield from _judgements(first, root_id, ms, rng)


def _judgements(first: int, root_id: str, ms: float, rng: random.Random) -> Iterator[Made]:
    if rng.random() < 0.4:
        triggered = rng.choice(("deny", "allow"))
        yield Made(
            id=f"{first + 8:016x}",
            parent=root_id,
            name="guard",
            ms=5,
            attributes={"guardrail.name": "pii", "guardrail.verdict": triggered},
        )
    if rng.random() < 0.3:
        score: dict[str, Any] = {"gen_ai.evaluation.score.value": rng.choice((0.2, 0.9, 55.0, -3))}
        if rng.random() < 0.3:
            score = {"gen_ai.evaluation.score.label": rng.choice(("pass", "fail", "odd"))}
        yield Made(
            id=f"{first + 9:016x}", parent=root_id, name="judge", at_ms=ms, ms=7, attributes=score
        )
    if rng.random() < 0.2:
        depth = {"approval.queue.depth": rng.randint(0, 40)}
        yield Made(id=f"{first + 10:016x}", parent=root_id, name="ask", ms=3, attributes=depth)


def _call(own: str, root_id: str, ms: float, rng: random.Random) -> Made:
    tokens = {"gen_ai.usage.input_tokens": rng.randint(1, 5000)}
    if rng.random() < 0.9:
        tokens["gen_ai.usage.output_tokens"] = rng.randint(0, 900)
    said: dict[str, Any] = {"gen_ai.operation.name": "chat", **tokens}
    if rng.random() < 0.9:
        said["gen_ai.request.model"] = rng.choice(MODELS)
    if rng.random() < 0.4:
        said["gen_ai.usage.cost"] = round(rng.uniform(0, 0.1), 6)
    if rng.random() < 0.3:
        said["prompt.version"] = rng.choice(("v1", "v2"))
    if rng.random() < 0.2:
        said["openinference.span.kind"] = rng.choice(("AGENT", "CHAIN", "TOOL", "WEIRD"))
    share = rng.uniform(0.1, 0.8)
    return Made(id=own, parent=root_id, name="chat", at_ms=ms * 0.1, ms=ms * share, attributes=said)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore.open(tmp_path_factory.mktemp("signals") / "traces.duckdb")
    store.write(spans_of(exported(requests()), now=NOON).spans)
    yield store
    store.close()


@pytest.fixture(scope="module")
def clickhouse(clickhouse_url: str) -> Iterator[ClickHouse]:
    yield from opened(clickhouse_url, "signals_map")


@pytest.fixture(scope="module")
def json_clickhouse(clickhouse_url: str) -> Iterator[ClickHouse]:
    yield from opened(clickhouse_url, "signals_json")


def opened(url: str, database: str) -> Iterator[ClickHouse]:
    insert(url, database, exported(requests()))
    store = ClickHouse(address(clickhouse_line(url, database)), clock=lambda: NOON)
    yield store
    store.close()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("by", "scope"), SPLITS)
def test_an_instant_is_equal(
    clickhouse: ClickHouse, embedded: EmbeddedStore, signal: str, by: Any, scope: Any
) -> None:
    query = Query(signal=signal, window=100 * MINUTE, by=by, scope=scope)
    expected = _values(embedded, query)
    assert _values(clickhouse, query) == pytest.approx(expected)
    assert expected or signal in ("approval_queue_depth", "eval_score")


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_instant_is_equal_where_attributes_are_json(
    json_clickhouse: ClickHouse, embedded: EmbeddedStore, signal: str
) -> None:
    query = Query(signal=signal, window=100 * MINUTE, by=("model",))
    assert _values(json_clickhouse, query) == pytest.approx(_values(embedded, query))


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("window", "step"), [(10 * MINUTE, 3 * MINUTE), (MINUTE, HOUR)])
def test_a_range_is_equal(
    clickhouse: ClickHouse,
    embedded: EmbeddedStore,
    signal: str,
    window: timedelta,
    step: timedelta,
) -> None:
    query = Query(signal=signal, window=window, by=("model",))
    # Each remembers a rate for its own time, so that both begin where there was nothing.
    times = {"start": NOON - 2 * HOUR, "end": NOON, "step": step}
    expected = {_key(s.labels): _points(s) for s in embedded.read_range(query, **times)}
    found = {_key(s.labels): _points(s) for s in clickhouse.read_range(query, **times)}
    assert found.keys() == expected.keys()
    for labels, points in expected.items():
        assert found[labels] == pytest.approx(points), labels


def _values(store: EmbeddedStore | ClickHouse, query: Query) -> dict[Any, float]:
    return {_key(s.labels): s.value for s in store.read(query, at=NOON - 20 * MINUTE).samples}


def _points(series: Any) -> dict[float, float]:
    return dict(zip(series.seconds, series.values, strict=True))


def _key(labels: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
