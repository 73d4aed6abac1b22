"""A stand-in for Grafana Tempo: its paths, limits, encodings and errors, over spans in memory.

It is slower to show than it is to take: what a test sends is there at once, but metrics leave out
the last half minute, and a search without a time sees none of the past.

Source: grafana/tempo docs/sources/tempo/api_docs/_index.md (2026-11), modules/frontend
(168 h search, 24 h metrics, query_end_cutoff 30 s), pkg/traceql/engine_metrics.go
"""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests import traceql
from tests.kept_spans import Kept, Spans, key_values, otlp_json

MAX_SEARCH, MAX_METRICS, CUTOFF_NS = 168 * 3600, 24 * 3600 * 10**9, 30 * 10**9


@dataclass
class TempoServer:
    now: Callable[[], datetime]
    tenant: str = ""
    has_v2: bool = True
    is_partial: bool = False
    spans: Spans = field(default_factory=Spans)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        routes = [
            ("/api/v2/traces/{id}", self.trace),
            ("/api/traces/{id}", self.old_trace),
            ("/api/search", self.search),
            ("/api/v2/search/tags", self.tags),
            ("/api/v2/search/tag/{tag}/values", self.values),
            ("/api/metrics/query", self.instant),
            ("/api/metrics/query_range", self.range),
            ("/api/status/buildinfo", self.build),
        ]
        return Starlette(
            routes=[
                self.spans.ingest("/v1/traces"),
                *(Route(path, self._checked(handler)) for path, handler in routes),
            ]
        )

    def _checked(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def checked(request: Request) -> Response:
            self.asked.append(str(request.url))
            if self.tenant and request.headers.get("x-scope-orgid") != self.tenant:
                return PlainTextResponse("no org id", 401)
            try:
                return handler(request)
            except traceql.ParseError as error:
                return PlainTextResponse(f"invalid TraceQL query: {error}", 400)

        return checked

    def build(self, _: Request) -> Response:
        return JSONResponse({"version": "2.9.0", "revision": "stand-in"})

    def trace(self, request: Request) -> Response:
        found = self._trace(request)
        if not self.has_v2 or not found:
            return PlainTextResponse(
                "trace not found" if self.has_v2 else "404 page not found", 404
            )
        groups = otlp_json(found, ids="base64", enums="names")
        status = {"status": "PARTIAL", "message": "trace too large"} if self.is_partial else {}
        return JSONResponse({"trace": {"resourceSpans": groups}, "metrics": {}, **status})

    def old_trace(self, request: Request) -> Response:
        found = self._trace(request)
        if not found:
            return PlainTextResponse("trace not found", 404)
        return JSONResponse({"batches": otlp_json(found, ids="base64", enums="names")})

    def _trace(self, request: Request) -> list[Kept]:
        wanted = request.path_params["id"]
        if len(wanted) > 32 or not set(wanted) <= set("0123456789abcdef"):
            raise traceql.ParseError("trace IDs can only contain hex characters")
        return self.spans.of(wanted.zfill(32))

    def search(self, request: Request) -> Response:
        params = request.query_params
        query = traceql.parse(params["q"])
        start, end = int(params.get("start", 0)), int(params.get("end", 0))
        if end - start > MAX_SEARCH:
            return PlainTextResponse("range specified by start and end exceeds 168h0m0s", 400)
        if not end:  # only what is still in the live store
            end = math.ceil(self.now().timestamp())
            start = end - 60
        found = [
            (spans, matched)
            for spans in self.spans.traces().values()
            if (matched := self._matched(query, spans, start * 10**9, end * 10**9))
        ]
        if query.most_recent:
            found.sort(key=lambda pair: -min(span.start for span in pair[0]))
        limit, most = int(params.get("limit", 20)), int(params.get("spss", 3))
        if most > 100:
            return PlainTextResponse("invalid spss: must be at most 100", 400)
        lines = [self._line(query, *pair, most) for pair in found[:limit]]
        return JSONResponse({"traces": lines, "metrics": {"totalBlocks": 1}})

    def _matched(
        self, query: traceql.Parsed, spans: list[Kept], start: int, end: int
    ) -> list[Kept]:
        inside = [span for span in spans if start <= span.start <= end]
        sets = [[span for span in inside if test(span)] for test in query.sets]
        if not all(sets):
            return []
        return [span for span in inside if any(span in each for each in sets)]

    def _line(
        self, query: traceql.Parsed, spans: list[Kept], matched: list[Kept], most: int
    ) -> dict[str, Any]:
        root = next((span for span in spans if span.is_root), None)
        first, last = min(s.start for s in spans), max(s.end for s in spans)
        shown = [
            {
                "spanID": span.id,
                "name": span.name,
                "startTimeUnixNano": str(span.start),
                "durationNanos": str(span.duration),
                "attributes": [
                    {**pair, "key": key.lstrip(".")}
                    for key in query.selected
                    if (value := traceql.value_of(span, key)) is not None
                    for pair in key_values({key: value})
                ],
            }
            for span in matched[:most]
        ]
        failed = sum(span.status == 2 for span in spans)
        service = spans[0].resource.get("service.name", "")
        return {
            "traceID": spans[0].trace.lstrip("0"),
            "rootServiceName": service if root else "<root span not yet received>",
            "rootTraceName": root.name if root else "",
            "startTimeUnixNano": str(first),
            "durationMs": (last - first) // 10**6,
            "spanSets": [{"spans": shown, "matched": len(matched)}],
            "serviceStats": {service: {"spanCount": len(spans), "errorCount": failed}},
        }

    def tags(self, _: Request) -> Response:
        own = sorted({key for span in self.spans.all for key in span.attributes})
        resource = sorted({key for span in self.spans.all for key in span.resource})
        scopes = [{"name": "span", "tags": own}, {"name": "resource", "tags": resource}]
        return JSONResponse({"scopes": scopes})

    def values(self, request: Request) -> Response:
        tag = request.path_params["tag"]
        found = {traceql.value_of(span, tag) for span in self.spans.all} - {None}
        listed = [{"type": "string", "value": str(value)} for value in sorted(found, key=str)]
        return JSONResponse({"tagValues": listed})

    def instant(self, request: Request) -> Response:
        start, end = int(request.query_params["start"]), int(request.query_params["end"])
        return self._metric(request, start, end, 0)

    def range(self, request: Request) -> Response:
        start, end = int(request.query_params["start"]), int(request.query_params["end"])
        step = int(float(request.query_params["step"].removesuffix("s")) * 10**9)
        # As AlignRequest: whole steps, with one more in front.
        start, end = start - start % step - step, end + (-end) % step
        return self._metric(request, start, end, step)

    def _metric(self, request: Request, start: int, end: int, step: int) -> Response:
        query = traceql.parse(request.query_params["q"])
        if end - start > MAX_METRICS:
            return PlainTextResponse("metrics query time range exceeds the maximum 24h0m0s", 400)
        cutoff = int(self.now().timestamp() * 10**9) - CUTOFF_NS
        groups: dict[Any, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for span in self.spans.all:
            if start < span.start <= min(end, cutoff) and query.sets[0](span):
                labels = tuple((key, traceql.value_of(span, key)) for key in query.by)
                at = end if not step else start + math.ceil((span.start - start) / step) * step
                groups[labels][at].append(float(span.duration))
        series = []
        for labels, points in groups.items():
            named = [
                {"key": key, "value": {"stringValue": "<nil>" if value is None else str(value)}}
                for key, value in labels
            ]
            if query.metric == "quantile_over_time":
                named.append({"key": "p", "value": {"doubleValue": query.quantile}})
            values = {at: self._value(query, held) for at, held in points.items()}
            if step:
                samples = [
                    {"timestampMs": str(at // 10**6), "value": value}
                    for at, value in sorted(values.items())
                ]
                series.append({"labels": named, "samples": samples, "exemplars": []})
            else:
                series.append({"labels": named, "value": next(iter(values.values()))})
        return JSONResponse({"series": series, "metrics": {}})

    def _value(self, query: traceql.Parsed, durations: list[float]) -> float:
        if query.metric == "quantile_over_time":
            return traceql.log2_quantile(query.quantile, durations)
        return float(len(durations))
