"""Every trace store, holding a little lot of traces of `told_traces`, each the way it gets them.

Embedded, Phoenix and ClickHouse (as chDB) are the real thing; the others are stand-ins built from
their published definitions. What a vendor does not keep of a span is named in `Held.lost`.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from signals.address import Address, parse
from signals.otlp.spans import spans_of
from signals.traces import TraceStore
from signals.traces.clickhouse import ClickHouse
from signals.traces.embedded import EmbeddedStore
from signals.traces.jaeger import Jaeger
from signals.traces.langfuse import Langfuse
from signals.traces.langsmith import LangSmith
from signals.traces.phoenix import Phoenix
from signals.traces.tempo import Tempo
from tests import clickhouse_server
from tests.clickhouse_rows import insert
from tests.jaeger_server import JaegerServer
from tests.langfuse_server import PUBLIC, SECRET, LangfuseServer
from tests.langsmith_server import KEY, LangSmithServer
from tests.serving import serve
from tests.spans import until
from tests.told_traces import LITTLE, NOON, Lot, Rated, exported

Holder = Callable[[pytest.FixtureRequest, Lot], Any]
KINDS = ("clickhouse", "jaeger", "langfuse", "langsmith", "phoenix", "tempo")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A store with the traces in it.

    Attributes:
        lost: Fields of spans that the vendor does not keep; `http` for the kind of a request,
            `ok` and `unset` for what it makes one of.
        scored: Whether it keeps scores beside its spans.
    """

    store: TraceStore
    lost: frozenset[str] = frozenset()
    scored: bool = False


def address(line: str) -> Address:
    return parse(line, KINDS)


@contextmanager
def embedded(_: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore.open(Path(folder) / "traces.duckdb")
        store.write(spans_of(exported(lot.traces), now=NOON).spans)
        yield Held(store=store)
        store.close()


def clickhouse(schema: str) -> Holder:
    @contextmanager
    def held(asked: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
        url = asked.getfixturevalue("clickhouse_url")
        database = f"{lot.name}_{schema}"
        insert(url, database, exported(lot.traces))
        yield Held(store=ClickHouse(address(clickhouse_line(url, database)), clock=lambda: NOON))

    return held


def clickhouse_line(url: str, database: str) -> str:
    place = url.removeprefix("http://")
    pair = f"{clickhouse_server.USER}:{quote(clickhouse_server.PASSWORD, safe='')}"
    return f"clickhouse+http://{pair}@{place}/{database}"


@contextmanager
def phoenix(asked: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
    url = asked.getfixturevalue("phoenix_url")
    send(f"{url}/v1/traces", lot, **{"openinference.project.name": lot.name})
    store = Phoenix(address(f"phoenix+{url}/?project={lot.name}"), page=3)
    until(lambda: _has_all(url, lot), 30)
    for rated in lot.rated:
        place, about = ("span", rated.span_id) if rated.span_id else ("trace", rated.trace_id)
        score = {
            "name": "correctness",
            "annotator_kind": "LLM",
            f"{place}_id": about,
            "result": {"score": rated.score, "label": rated.label, "explanation": "made up"},
        }
        answer = httpx2.post(f"{url}/v1/{place}_annotations?sync=true", json={"data": [score]})
        assert answer.status_code == 200, answer.text
    yield Held(store=store, lost=frozenset({"service", "environment", "http"}), scored=True)


def _has_all(url: str, lot: Lot) -> bool:
    answer = httpx2.get(f"{url}/v1/projects/{lot.name}/spans")
    spans = sum(len(made) for _, made in lot.traces.values())
    return answer.status_code == 200 and len(answer.json()["data"]) == spans


@contextmanager
def tempo(_: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
    from tests.tempo_server import TempoServer

    server = TempoServer(now=lambda: NOON, tenant="team-a")
    with serve(server.app) as url:
        send(f"{url}/v1/traces", lot)
        line = f"tempo+{url}/?tenant=team-a"
        yield Held(store=Tempo(address(line), clock=lambda: NOON))


@contextmanager
def jaeger(_: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
    with serve(JaegerServer().app) as url:
        send(f"{url}/v1/traces", lot)
        yield Held(store=Jaeger(address(f"jaeger+{url}")))


def langfuse(*, is_v4: bool) -> Holder:
    @contextmanager
    def held(_: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
        server = LangfuseServer(is_v4=is_v4)
        server.scores += [_langfuse_score(rated) for rated in lot.rated]
        with serve(server.app) as url:
            send(f"{url}/api/public/otel/v1/traces", lot)
            line = f"langfuse+http://{PUBLIC}:{SECRET}@{url.removeprefix('http://')}"
            store = Langfuse(address(line), page=3, clock=lambda: NOON)
            store.check()  # which finds out how old the server is
            yield Held(store=store, lost=frozenset({"http", "ok", "cost"}), scored=True)

    return held


def _langfuse_score(rated: Rated) -> dict[str, Any]:
    return {
        "id": rated.trace_id,
        "name": "correctness",
        "traceId": rated.trace_id,
        "observationId": rated.span_id or None,
        "value": rated.score if rated.score is not None else rated.label,
        "dataType": "CATEGORICAL" if rated.score is None else "NUMERIC",
        "timestamp": (NOON - timedelta(minutes=5)).isoformat(),
        "environment": "prod",
    }


def langsmith(*, is_v2: bool) -> Holder:
    @contextmanager
    def held(_: pytest.FixtureRequest, lot: Lot) -> Iterator[Held]:
        flags = {"ch_query_enabled": not is_v2, "sdb_query_enabled": is_v2}
        server = LangSmithServer(now=lambda: NOON, flags=flags)
        for rated in lot.rated:
            about = rated.span_id or lot.traces[rated.trace_id][1][0].id
            server.feedback[about] = {"correctness": {"n": 1, "avg": rated.score}}
        with serve(server.app) as url:
            send(f"{url}/otel/v1/traces", lot)
            line = f"langsmith+http://:{KEY}@{url.removeprefix('http://')}/?project=copilot"
            store = LangSmith(address(line), clock=lambda: NOON)
            texts = {"input_text", "output_text"}  # which it keeps inside of objects
            lost = frozenset({"http", "unset", "cost", "cache_read_tokens", *texts})
            yield Held(store=store, lost=lost, scored=True)

    return held


STORES: dict[str, Holder] = {
    "embedded": embedded,
    "clickhouse": clickhouse("map"),
    "clickhouse-old": clickhouse("old"),
    "clickhouse-json": clickhouse("json"),
    "tempo": tempo,
    "jaeger": jaeger,
    "langfuse": langfuse(is_v4=True),
    "langfuse-v1": langfuse(is_v4=False),
    "langsmith-v2": langsmith(is_v2=True),
    "langsmith-v1": langsmith(is_v2=False),
    "phoenix": phoenix,  # last: it takes longest to start
}


def send(url: str, lot: Lot = LITTLE, **resource: str) -> None:
    """Send the traces as an exporter does."""
    answer = httpx2.post(
        url,
        content=exported(lot.traces, **resource).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
    )
    assert answer.status_code == 200, answer.text
