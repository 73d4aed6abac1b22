"""Every trace store, holding the little set of traces of `told_traces`, each the way it gets them.

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
from tests.told_traces import FAILED, NOON, exported

KINDS = ("clickhouse", "jaeger", "langfuse", "langsmith", "phoenix", "tempo")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A store with the traces in it.

    Attributes:
        lost: Fields of spans that the vendor does not keep; `http` for the kind of a request,
            `ok` and `unset` for what it makes one of.
        scored: Whether the failed trace has a score of 0.25.
    """

    store: TraceStore
    lost: frozenset[str] = frozenset()
    scored: bool = False


def address(line: str) -> Address:
    return parse(line, KINDS)


@contextmanager
def embedded(_: pytest.FixtureRequest) -> Iterator[Held]:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore.open(Path(folder) / "traces.duckdb")
        store.write(spans_of(exported(), now=NOON).spans)
        yield Held(store=store)
        store.close()


def clickhouse(database: str) -> Callable[[pytest.FixtureRequest], Any]:
    @contextmanager
    def held(asked: pytest.FixtureRequest) -> Iterator[Held]:
        url = asked.getfixturevalue("clickhouse_url")
        insert(url, database, exported())
        yield Held(store=ClickHouse(address(clickhouse_line(url, database)), clock=lambda: NOON))

    return held


def clickhouse_line(url: str, database: str) -> str:
    place = url.removeprefix("http://")
    pair = f"{clickhouse_server.USER}:{quote(clickhouse_server.PASSWORD, safe='')}"
    return f"clickhouse+http://{pair}@{place}/{database}"


@contextmanager
def phoenix(asked: pytest.FixtureRequest) -> Iterator[Held]:
    url = asked.getfixturevalue("phoenix_url")
    send(f"{url}/v1/traces", **{"openinference.project.name": "conformance"})
    store = Phoenix(address(f"phoenix+{url}/?project=conformance"), page=3)
    until(lambda: _has_all(url), 30)
    score = {
        "name": "correctness",
        "annotator_kind": "LLM",
        "trace_id": FAILED,
        "result": {"score": 0.25, "label": "incorrect", "explanation": "made up"},
    }
    answer = httpx2.post(f"{url}/v1/trace_annotations?sync=true", json={"data": [score]})
    assert answer.status_code == 200, answer.text
    yield Held(store=store, lost=frozenset({"service", "environment", "http"}), scored=True)


def _has_all(url: str) -> bool:
    answer = httpx2.get(f"{url}/v1/projects/conformance/spans")
    return answer.status_code == 200 and len(answer.json()["data"]) == 9


@contextmanager
def tempo(_: pytest.FixtureRequest) -> Iterator[Held]:
    from tests.tempo_server import TempoServer

    server = TempoServer(now=lambda: NOON, tenant="team-a")
    with serve(server.app) as url:
        send(f"{url}/v1/traces")
        line = f"tempo+{url}/?tenant=team-a"
        yield Held(store=Tempo(address(line), clock=lambda: NOON))


@contextmanager
def jaeger(_: pytest.FixtureRequest) -> Iterator[Held]:
    with serve(JaegerServer().app) as url:
        send(f"{url}/v1/traces")
        yield Held(store=Jaeger(address(f"jaeger+{url}")))


def langfuse(*, is_v4: bool) -> Callable[[pytest.FixtureRequest], Any]:
    @contextmanager
    def held(_: pytest.FixtureRequest) -> Iterator[Held]:
        server = LangfuseServer(is_v4=is_v4)
        server.scores.append(
            {
                "id": "1",
                "name": "correctness",
                "traceId": FAILED,
                "value": 0.25,
                "dataType": "NUMERIC",
                "timestamp": (NOON - timedelta(minutes=20)).isoformat(),
                "environment": "prod",
            }
        )
        with serve(server.app) as url:
            send(f"{url}/api/public/otel/v1/traces")
            line = f"langfuse+http://{PUBLIC}:{SECRET}@{url.removeprefix('http://')}"
            store = Langfuse(address(line), page=3, clock=lambda: NOON)
            store.check()  # which finds out how old the server is
            yield Held(store=store, lost=frozenset({"http", "ok", "cost"}), scored=True)

    return held


def langsmith(*, is_v2: bool) -> Callable[[pytest.FixtureRequest], Any]:
    @contextmanager
    def held(_: pytest.FixtureRequest) -> Iterator[Held]:
        flags = {"ch_query_enabled": not is_v2, "sdb_query_enabled": is_v2}
        server = LangSmithServer(now=lambda: NOON, flags=flags)
        server.feedback["d75597dee50b0cac"] = {"correctness": {"n": 1, "avg": 0.25}}
        with serve(server.app) as url:
            send(f"{url}/otel/v1/traces")
            line = f"langsmith+http://:{KEY}@{url.removeprefix('http://')}/?project=copilot"
            store = LangSmith(address(line), clock=lambda: NOON)
            texts = {"input_text", "output_text"}  # which it keeps inside of objects
            lost = frozenset({"http", "unset", "cost", "cache_read_tokens", *texts})
            yield Held(store=store, lost=lost, scored=True)

    return held


STORES: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "embedded": embedded,
    "clickhouse": clickhouse("otel"),
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


def send(url: str, **resource: str) -> None:
    """Send the traces as an exporter does."""
    answer = httpx2.post(
        url,
        content=exported(**resource).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
    )
    assert answer.status_code == 200, answer.text
