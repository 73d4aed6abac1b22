"""A stand-in for Loki: range queries over lines in memory, with its limits and defaults.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/ (2026-11); limits_config:
max_entries_limit_per_query 5000, default range 1 h, a selector needs one matcher that is not empty
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

HOUR_NS = 3600 * 10**9
_QUERY = re.compile(
    r'\{(\w+)(=~|=)"([^"]*)"\}\s*(?:(\|=)\s*"([^"]*)"|\|\s*(\w+)\s*=\s*"([^"]*)")?\s*'
)


@dataclass
class Line:
    at: int
    text: str
    labels: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class LokiServer:
    now: Callable[[], datetime]
    tenant: str = ""
    lines: list[Line] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/loki/api/v1/query_range", self.query_range),
                Route("/loki/api/v1/status/buildinfo", self.build),
            ]
        )

    def build(self, _: Request) -> Response:
        return JSONResponse({"version": "3.5.0"})

    def query_range(self, request: Request) -> Response:
        params = request.query_params
        self.asked.append(params["query"])
        if self.tenant and request.headers.get("x-scope-orgid") != self.tenant:
            return PlainTextResponse("no org id", 401)
        match = _QUERY.fullmatch(params["query"])
        if match is None:
            return PlainTextResponse("parse error : syntax error", 400)
        label, operator, wanted, contains, text, key, value = match.groups()
        if (operator == "=~" and re.fullmatch(wanted, "")) or not wanted:
            return PlainTextResponse(
                "parse error : queries require at least one regexp or equality matcher that does "
                "not have an empty-compatible value",
                400,
            )
        limit = int(params.get("limit", 100))
        if limit > 5000:
            return PlainTextResponse("max entries limit per query exceeded, limit > 5000", 400)
        end = int(params.get("end", self.now().timestamp() * 1e9))
        start = int(params.get("start", end - HOUR_NS))
        found = [
            line
            for line in self.lines
            if start <= line.at < end
            and re.fullmatch(wanted, line.labels.get(label, ""))
            and (not contains or text in line.text)
            and (not key or line.metadata.get(key) == value)
        ]
        found.sort(key=lambda line: line.at, reverse=params.get("direction") != "forward")
        # Without categorized labels, structured metadata stands among the stream's labels.
        streams = [
            {"stream": {**line.labels, **line.metadata}, "values": [[str(line.at), line.text]]}
            for line in found[:limit]
        ]
        return JSONResponse(
            {"status": "success", "data": {"resultType": "streams", "result": streams, "stats": {}}}
        )
