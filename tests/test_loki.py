"""Log lines from Loki, against a stand-in with its limits and defaults."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from signals import QueryError, UnreachableError
from signals.address import parse
from signals.logs.loki import Loki
from tests.loki_server import Line, LokiServer
from tests.serving import serve
from tests.told_traces import CHAT, NOON, SECRET


def ns(ago: timedelta) -> int:
    return round((NOON - ago).timestamp() * 10**9)


def lines() -> list[Line]:
    labels = {"service_name": "copilot", "deployment_environment": "prod"}
    otlp = {"trace_id": CHAT, "span_id": "00f067aa0ba902b9", "severity_text": "info"}
    hours = timedelta(hours=5)
    return [
        Line(ns(hours), "calling gpt-4o", labels, otlp),
        Line(
            ns(hours - timedelta(seconds=1)),
            f'{{"level":"warn","trace_id":"{CHAT}","msg":"slow"}}',
            {"service_name": "api", "level": "warn"},
        ),
        Line(ns(hours - timedelta(seconds=2)), f"key {SECRET} leaked", labels, otlp),
        Line(ns(hours), "another request", labels, {"trace_id": "b" * 32}),
        Line(ns(timedelta(days=3)), "long ago", labels, otlp),
    ]


@contextmanager
def loki(query: str = "", **changes: Any) -> Iterator[tuple[LokiServer, Loki]]:
    server = LokiServer(now=lambda: NOON, lines=lines(), **changes)
    with serve(server.app) as url:
        store = Loki(parse(f"loki+{url}/{query}", {"loki"}), clock=lambda: NOON)
        with closing(store):
            yield server, store


def test_lines_are_found_by_metadata_and_by_what_they_say_oldest_first() -> None:
    with loki() as (_, store):
        found = store.lines(CHAT)
    assert [record.body[:8] for record in found] == ["calling ", '{"level"', "key [red"]
    first = found[0]
    assert (first.service, first.severity, first.span_id) == ("copilot", "INFO", "00f067aa0ba902b9")
    assert first.attributes == {"deployment_environment": "prod"}
    assert {record.trace_id for record in found} == {CHAT}


def test_a_secret_in_a_line_is_not_shown() -> None:
    with loki() as (_, store):
        assert SECRET not in repr(store.lines(CHAT))


def test_loki_is_told_where_to_look_for_it_looks_back_an_hour() -> None:
    with loki() as (_, store):
        start = NOON - timedelta(days=3, minutes=1)
        found = store.lines(CHAT, start=start, end=start + timedelta(minutes=2))
    assert [record.body for record in found] == ["long ago"]


def test_lines_are_as_many_as_asked_for_and_as_loki_gives() -> None:
    with loki() as (_, store):
        assert len(store.lines(CHAT, limit=2)) == 2
        assert len(store.lines(CHAT, limit=1_000_000)) == 3


def test_a_trace_without_lines_has_none() -> None:
    with loki() as (_, store):
        assert store.lines("c" * 32) == []


def test_the_streams_can_be_narrowed() -> None:
    with loki('?selector={service_name="api"}') as (server, store):
        assert len(store.lines(CHAT)) == 1
        assert all(query.startswith('{service_name="api"}') for query in server.asked)


def test_a_selector_that_loki_refuses_is_one_sentence() -> None:
    with (
        loki('?selector={service_name=~".*"}') as (_, store),
        pytest.raises(QueryError, match=r"Loki at .* refused the question: parse error"),
    ):
        store.lines(CHAT)


def test_a_tenant_is_shown() -> None:
    with loki("?tenant=team-a", tenant="team-a") as (_, store):
        assert len(store.lines(CHAT)) == 3
        assert store.check().endswith("answers; version 3.5.0")
    with (
        loki(tenant="team-a") as (_, store),
        pytest.raises(UnreachableError, match="does not accept our credentials"),
    ):
        store.lines(CHAT)
