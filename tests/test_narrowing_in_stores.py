"""That a list is narrowed in the store, not by looking through what it holds, and what if not.

One request in 2,101 is meant, the oldest: more than are looked through for it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from signals import QueryError
from signals.traces import TraceQuery
from signals.traces.jaeger import Jaeger
from signals.traces.langfuse import Langfuse
from signals.traces.phoenix import Phoenix
from signals.traces.scanning import MAX_SCANNED
from tests.jaeger_server import JaegerServer
from tests.langfuse_server import PUBLIC, SECRET, LangfuseServer
from tests.raw_server import raw, text
from tests.serving import serve
from tests.told_traces import END, NOON, START, Lot, Made, Rated, exported
from tests.trace_stores import STORES, Held, address

MEANT = "ab" * 16
QUERY = TraceQuery(start=START, end=END)


def request(number: int, ms: float, **attributes: str) -> tuple[timedelta, list[Made]]:
    made = Made(id=f"{number + 1:016x}", name="POST /chat", ms=ms, attributes=attributes)
    return timedelta(minutes=40) - timedelta(seconds=number), [made]


OTHERS = {f"{n:032x}": request(n, 2000) for n in range(1, MAX_SCANNED + 101)}
MANY = Lot(
    name="many",
    traces={**OTHERS, MEANT: request(0, 900, team="pay", **{"eval.score": "0.2"})},
    rated=(Rated(trace_id=MEANT, score=0.2),),
)


@pytest.fixture(scope="module", params=["clickhouse", "langfuse"])
def held(request: pytest.FixtureRequest) -> Iterator[Held]:
    with STORES[request.param](request, MANY) as found:
        yield found
        found.store.close()


@pytest.mark.parametrize(
    "narrowed",
    [{"max_duration_ms": 1000.0}, {"max_score": 50.0}, {"attributes": (("team", "pay"),)}],
    ids=["speed", "score", "attribute"],
)
def test_one_of_many_is_found_in_the_store(held: Held, narrowed: dict[str, Any]) -> None:
    assert [line.trace_id for line in held.store.search(replace(QUERY, **narrowed))] == [MEANT]


def test_what_most_tell_is_listed_newest_first(held: Held) -> None:
    attributes = (("name", "POST /chat"),)
    found = held.store.search(replace(QUERY, attributes=attributes, limit=3))
    newest = sorted(OTHERS, reverse=True)[:3]
    assert [line.trace_id for line in found] == newest


@contextmanager
def langfuse(lot: Lot) -> Iterator[tuple[LangfuseServer, Langfuse]]:
    server = LangfuseServer()
    server.spans.add(exported(lot.traces))
    with serve(server.app) as url:
        line = f"langfuse+http://{PUBLIC}:{SECRET}@{url.removeprefix('http://')}"
        with closing(Langfuse(address(line), clock=lambda: NOON)) as store:
            yield server, store


def test_what_too_many_tell_is_looked_through_instead() -> None:
    with langfuse(MANY) as (_, store):
        found = store.search(replace(QUERY, attributes=(("telling", "resource"),), limit=3))
        assert [line.trace_id for line in found] == sorted(OTHERS, reverse=True)[:3]


def score(number: int, **changes: Any) -> dict[str, Any]:
    kept = {"id": str(number), "name": "thumbs", "traceId": MEANT, "timestamp": NOON.isoformat()}
    return {**kept, "dataType": "BOOLEAN", "value": False, **changes}


ONE = Lot(name="one", traces={MEANT: MANY.traces[MEANT]})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [MEANT]),
        ({"value": True}, []),
        ({"dataType": "CATEGORICAL", "value": "Failed"}, [MEANT]),
        ({"dataType": "CATEGORICAL", "value": "blue"}, []),
        ({"dataType": "NUMERIC", "value": -1}, []),
        ({"traceId": "another project's"}, []),
        ({"timestamp": (START - timedelta(days=1)).isoformat()}, []),
    ],
    ids=["no", "yes", "a bad word", "another word", "no scale", "another", "before"],
)
def test_scores_of_every_type_narrow_langfuse(changes: dict[str, Any], expected: list[str]) -> None:
    with langfuse(ONE) as (server, store):
        server.scores.append(score(1, **changes))
        found = store.search(replace(QUERY, max_score=50))
        assert [line.trace_id for line in found] == expected


def test_more_scores_than_are_read_are_refused() -> None:
    with langfuse(ONE) as (server, store):
        server.scores += [score(number) for number in range(1_001)]
        with pytest.raises(QueryError, match="more than 1,000 such scores"):
            store.search(replace(QUERY, max_score=50))


def test_a_langfuse_without_its_newer_api_refuses_before_it_lists() -> None:
    with langfuse(ONE) as (server, store):
        server.is_v4 = False
        with pytest.raises(QueryError, match="cannot filter traces by any attribute"):
            store.search(replace(QUERY, attributes=(("team", "pay"),)))
        assert "/api/public/traces" not in server.asked


def test_a_phoenix_that_would_ignore_a_filter_is_not_asked_with_one() -> None:
    everything = text(b'{"data": [], "next_cursor": null}')
    with raw(everything) as place, closing(Phoenix(address(f"phoenix+http://{place}"))) as store:
        with pytest.raises(QueryError, match="it is from before its trace filters"):
            store.search(replace(QUERY, max_score=50))
        assert store.search(replace(QUERY, max_duration_ms=50)) == []


def test_phoenix_is_asked_who_tells_an_attribute_and_then_for_those() -> None:
    asked: list[tuple[str, str | None, str | None]] = []

    def answer(request: Request) -> Response:
        params = request.query_params
        asked.append((request.url.path, params.get("attribute"), params.get("filter")))
        rows = [{"context": {"trace_id": MEANT}}] if "attribute" in params else []
        return JSONResponse({"data": rows, "next_cursor": None})

    with (
        serve(Starlette(routes=[Route("/{path:path}", answer)])) as url,
        closing(Phoenix(address(f"phoenix+{url}"))) as store,
    ):
        store.search(replace(QUERY, attributes=(("team", "pay"),), max_duration_ms=1000))
    speed = "any(span.parent_id is None and span.latency_ms <= 1000.100000 for span in spans)"
    assert asked == [
        ("/v1/projects/default/spans", 'team:"pay"', None),
        ("/v1/projects/default/traces", None, f'({speed}) and (trace_id in ["{MEANT}"])'),
    ]


def test_jaeger_that_gives_too_few_of_those_that_match_says_so() -> None:
    server = JaegerServer()
    server.spans.add(exported({**dict(list(OTHERS.items())[:200]), MEANT: MANY.traces[MEANT]}))
    slow = Made(id="f" * 16, name="child", parent=f"{2:016x}", ms=1, attributes={"team": "pay"})
    with serve(server.app) as url, closing(Jaeger(address(f"jaeger+{url}"))) as store:
        found = store.search(replace(QUERY, attributes=(("team", "pay"),)))
        assert [line.trace_id for line in found] == [MEANT]
        assert store.search(replace(QUERY, max_duration_ms=1000))[0].trace_id == MEANT
        server.spans.add(exported({key: (ago, [slow]) for key, (ago, _) in OTHERS.items()}))
        with pytest.raises(QueryError, match="gave 100 of the traces of this time"):
            store.search(replace(QUERY, max_duration_ms=1000))
