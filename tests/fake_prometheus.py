"""The query API of Prometheus at the wire, which insists on what the real one insists on."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from signals import Query, SignalError
from signals.prometheus import Prometheus, PrometheusAccess

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RATE = Query(signal="request_rate", window=timedelta(minutes=5), by=("feature",))


def vector(*values: str, feature: str = "chat") -> list[dict[str, Any]]:
    return [
        {"metric": {"__name__": "x", "feature": feature}, "value": [AT.timestamp(), value]}
        for value in values
    ]


def success(result: object, kind: str = "vector", **more: object) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def failure(kind: str, message: str) -> dict[str, Any]:
    return {"status": "error", "errorType": kind, "error": message}


@dataclass
class FakePrometheus:
    """The query API at the wire, which insists on what the real one insists on.

    Attributes:
        replies: What to answer next, with the status; the last one stays.
        values: What to answer instead to a query that names this metric.
        names: The labels of each metric it has; None where it does not tell its names.
        untold: The status of what it does not tell.
        seen: The parameters of each question, by whichever way they came.
        told: The paths that were asked for names and labels.
    """

    url: str
    replies: list[tuple[int, Any]] = field(default_factory=lambda: [(200, success([]))])
    values: dict[str, str] = field(default_factory=dict)
    names: dict[str, set[str]] | None = None
    untold: int = 500
    seen: list[dict[str, str]] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: list[Prometheus] = field(default_factory=list)

    def connect(self, **access: Any) -> Prometheus:
        """Return a connection, closed when the test ends."""
        access = {"url": self.url, "timeout": timedelta(seconds=2), **access}
        self.connections.append(Prometheus(PrometheusAccess(**access)))
        return self.connections[-1]

    def answer(self, body: Any, status: int = 200) -> None:
        self.replies = [(status, body)]

    def query(self, request: Request) -> Response:
        self.requests.append(request)
        params = {**request.args, **dict(parse_qsl(request.get_data(as_text=True)))}
        self.seen.append(params)
        if not params.get("query") or len(request.full_path) > 8190:
            return _json(400, failure("bad_data", 'invalid parameter "query"'))
        float(params.get("time", "0"))
        for name, value in self.values.items():
            if name in params["query"]:
                return _json(200, success([{"metric": {}, "value": [0, value]}]))
        return self._reply()

    def tell(self, request: Request) -> Response:
        self.requests.append(request)
        self.told.append({"path": request.path, **request.args})
        if self.names is None or request.path.endswith("metadata"):
            return _json(self.untold, "no")
        matching = request.args["match[]"]
        if request.path.endswith("values"):
            prefixes = matching.removeprefix('{__name__=~"').removesuffix('"}')
            words = [name for name in self.names if re.fullmatch(prefixes, name)]
        else:
            words = sorted(self.names[matching] | {"__name__", "job", "instance"})
        return _json(200, {"status": "success", "data": words})

    def query_range(self, request: Request) -> Response:
        self.requests.append(request)
        params = {**request.args, **dict(parse_qsl(request.get_data(as_text=True)))}
        self.seen.append(params)
        start, end, step = (float(params[name]) for name in ("start", "end", "step"))
        if (end - start) / step > 11_000:
            return _json(400, failure("bad_data", "exceeded maximum resolution of 11,000 points"))
        times = [start + i * step for i in range(int((end - start) / step) + 1)]
        if self.replies[0][1] != success([]):
            return self._reply()
        values = [[t, str(i)] for i, t in enumerate(times)]
        return _json(200, success([{"metric": {"feature": "chat"}, "values": values}], "matrix"))

    def _reply(self) -> Response:
        status, body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return _json(status, body)


def _json(status: int, body: Any) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(text, status=status, content_type="application/json")


@contextmanager
def serving(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    """Serve the API while the block lasts; close all connections to it after."""
    fake = FakePrometheus(httpserver.url_for("").rstrip("/"))
    httpserver.expect_request("/api/v1/query").respond_with_handler(fake.query)
    httpserver.expect_request("/api/v1/query_range").respond_with_handler(fake.query_range)
    for path in ("label/__name__/values", "labels", "metadata"):
        httpserver.expect_request(f"/api/v1/{path}").respond_with_handler(fake.tell)
    yield fake
    for connection in fake.connections:
        connection.close()


def error_of(ask: Callable[[], object]) -> SignalError:
    """Return what `ask` raises."""
    with pytest.raises(SignalError) as caught:
        ask()
    return caught.value


def read_error(url: str, **access: Any) -> SignalError:
    """Return what reading from `url` raises."""
    access = {"timeout": timedelta(seconds=2), **access}
    with closing(Prometheus(PrometheusAccess(url=url, **access))) as prometheus:
        return error_of(lambda: prometheus.read(RATE, at=AT))
