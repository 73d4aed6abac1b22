"""A stand-in for Jaeger's query service: v3 and the older v1, over spans in memory.

Source: jaeger-idl, proto/api_v3/query_service.proto (2026-11): fields are matched against single
spans, results have no order; jaeger, cmd/query HTTP gateway: an empty answer is a 404 in JSON.
"""

import json
import random
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.kept_spans import KIND, STATUS, Kept, Spans, otlp_json

_UNITS = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}


@dataclass
class JaegerServer:
    has_v3: bool = True
    spans: Spans = field(default_factory=Spans)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        v3 = [
            Route("/api/v3/services", self.services),
            Route("/api/v3/traces", self.search),
            Route("/api/v3/traces/{id}", self.trace),
        ]
        return Starlette(
            routes=[
                self.spans.ingest("/v1/traces"),
                *(v3 if self.has_v3 else ()),
                Route("/api/traces/{id}", self.old_trace),
            ]
        )

    def services(self, _: Request) -> Response:
        names = {span.resource.get("service.name", "") for span in self.spans.all}
        return JSONResponse({"services": sorted(names)})

    def trace(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        if not re.fullmatch(r"[0-9a-f]{1,32}", wanted):
            return _fault(400, "malformed parameter trace_id")
        return self._answer(self.spans.of(wanted.zfill(32)))

    def search(self, request: Request) -> Response:
        params = request.query_params
        self.asked.append(str(params.get("query.attributes", "")))
        try:
            start = _nanoseconds(params["query.startTimeMin"])
            end = _nanoseconds(params["query.startTimeMax"])
            least = _duration(params.get("query.durationMin", "0s"))
            most = _duration(params["query.durationMax"]) if "query.durationMax" in params else None
            attributes = json.loads(params.get("query.attributes", "{}"))
        except KeyError as error:
            return _fault(400, f"{error.args[0]} is required")
        except ValueError as error:
            return _fault(400, f"malformed parameter: {error}")
        if not params.get("query.serviceName"):
            return _fault(400, "query.service_name is required")
        depth = int(params.get("query.searchDepth", 100))

        def fits(span: Kept) -> bool:
            told = {**span.resource, **span.attributes}
            return (
                span.resource.get("service.name") == params["query.serviceName"]
                and start <= span.start < end
                and span.duration >= least
                and (most is None or span.duration <= most)
                and all(_text(told.get(key)) == value for key, value in attributes.items())
            )

        found = [spans for spans in self.spans.traces().values() if any(map(fits, spans))]
        random.Random(7).shuffle(found)
        return self._answer([span for spans in found[:depth] for span in spans])

    def _answer(self, spans: list[Kept]) -> Response:
        if not spans:
            return _fault(404, "No traces found")
        groups = otlp_json(spans, ids="hex", enums="numbers")
        return JSONResponse({"result": {"resourceSpans": groups}})

    def old_trace(self, request: Request) -> Response:
        spans = self.spans.of(request.path_params["id"].zfill(32))
        if not spans:
            error = {"code": 404, "msg": "trace not found"}
            return JSONResponse({"data": None, "errors": [error]}, 404)
        processes: dict[str, Any] = {}
        rows = [_row(span, processes) for span in spans]
        trace = {"traceID": spans[0].trace, "spans": rows, "processes": processes}
        return JSONResponse({"data": [trace], "errors": None})


def _row(span: Kept, processes: dict[str, Any]) -> dict[str, Any]:
    resource = dict(span.resource)
    service = resource.pop("service.name", "")
    processes["p1"] = {"serviceName": service, "tags": _tags(resource)}
    tags = {**span.attributes, "span.kind": KIND[span.kind]}
    if span.status:
        tags["otel.status_code"] = STATUS[span.status].upper()
    if span.status == 2:
        tags |= {"error": True, "otel.status_description": span.message}
    parent = {"refType": "CHILD_OF", "traceID": span.trace, "spanID": span.parent}
    return {
        "traceID": span.trace,
        "spanID": span.id,
        "operationName": span.name,
        "references": [parent] if span.parent else [],
        "startTime": span.start // 1000,
        "duration": span.duration // 1000,
        "tags": _tags(tags),
        "logs": [
            {"timestamp": at // 1000, "fields": _tags({"event": name, **said})}
            for at, name, said in span.events
        ],
        "processID": "p1",
        "warnings": None,
    }


def _tags(told: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {bool: "bool", int: "int64", float: "float64"}
    return [
        {"key": key, "type": kinds.get(type(value), "string"), "value": value}
        for key, value in told.items()
    ]


def _fault(status: int, message: str) -> Response:
    if status == 400:
        return PlainTextResponse(message, status)
    error = {"grpcCode": 5, "httpCode": status, "message": message, "httpStatus": "Not Found"}
    return JSONResponse({"error": error}, status)


def _nanoseconds(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} is no RFC 3339")
    return round(at.timestamp() * 1e6) * 1000


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", text)
    if match is None:
        raise ValueError(f"time: invalid duration {text}")
    return float(match[1]) * _UNITS[match[2]]


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
