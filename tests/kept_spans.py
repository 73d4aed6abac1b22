"""What the stand-ins of trace stores share: spans as they were sent, kept in memory."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from signals.otlp import wire

STATUS = ("unset", "ok", "error")
KIND = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass
class Kept:
    """One span; times in nanoseconds."""

    trace: str
    id: str
    parent: str
    name: str
    start: int
    end: int
    kind: int
    status: int
    message: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: list[tuple[int, str, dict[str, Any]]]

    @property
    def duration(self) -> int:
        return self.end - self.start

    @property
    def is_root(self) -> bool:
        return not self.parent


@dataclass
class Spans:
    """Spans in the order in which they came."""

    all: list[Kept] = field(default_factory=list)

    def add(self, message: ExportTraceServiceRequest) -> None:
        for group in message.resource_spans:
            resource = wire.attributes(group.resource.attributes)
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.all.append(
                        Kept(
                            trace=span.trace_id.hex(),
                            id=span.span_id.hex(),
                            parent=span.parent_span_id.hex(),
                            name=span.name,
                            start=span.start_time_unix_nano,
                            end=span.end_time_unix_nano,
                            kind=span.kind,
                            status=span.status.code,
                            message=span.status.message,
                            attributes=wire.attributes(span.attributes),
                            resource=resource,
                            events=[
                                (e.time_unix_nano, e.name, wire.attributes(e.attributes))
                                for e in span.events
                            ],
                        )
                    )

    def of(self, trace: str) -> list[Kept]:
        return [span for span in self.all if span.trace == trace]

    def traces(self) -> dict[str, list[Kept]]:
        return {span.trace: self.of(span.trace) for span in self.all}

    def ingest(self, path: str) -> Route:
        """Return the door for OTLP in protobuf; JSON is refused, as it is by most."""

        async def take(request: Request) -> Response:
            if "protobuf" not in request.headers.get("content-type", ""):
                return Response(status_code=415)
            message = ExportTraceServiceRequest()
            message.ParseFromString(await request.body())
            self.add(message)
            return JSONResponse({})

        return Route(path, take, methods=["POST"])


def otlp_json(spans: list[Kept], *, ids: str, enums: str) -> list[dict[str, Any]]:
    """Return OTLP as JSON. `ids`: hex or base64; `enums`: names or numbers; 64 bits are text."""
    groups = []
    for span in spans:
        told = {
            "traceId": _id(span.trace, ids),
            "spanId": _id(span.id, ids),
            "name": span.name,
            "kind": f"SPAN_KIND_{KIND[span.kind].upper()}" if enums == "names" else span.kind,
            "startTimeUnixNano": str(span.start),
            "endTimeUnixNano": str(span.end),
            "attributes": key_values(span.attributes),
            "events": [
                {"timeUnixNano": str(at), "name": name, "attributes": key_values(said)}
                for at, name, said in span.events
            ],
            "status": {
                "code": f"STATUS_CODE_{STATUS[span.status].upper()}"
                if enums == "names"
                else span.status,
                "message": span.message,
            },
        }
        if span.parent:
            told["parentSpanId"] = _id(span.parent, ids)
        groups.append(
            {
                "resource": {"attributes": key_values(span.resource)},
                "scopeSpans": [{"scope": {"name": "tests"}, "spans": [told]}],
            }
        )
    return groups


def key_values(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    from tests.told_traces import pairs

    return [MessageToDict(pair) for pair in pairs(attributes)]


def _id(hex_id: str, form: str) -> str:
    return hex_id if form == "hex" else base64.b64encode(bytes.fromhex(hex_id)).decode()


def guarded(
    handler: Callable[[Request], Awaitable[Response]], allowed: Callable[[Request], bool]
) -> Callable[[Request], Awaitable[Response]]:
    """Return `handler` for those who show the right credentials; 401 for the others."""

    async def guard(request: Request) -> Response:
        if not allowed(request):
            return JSONResponse({"message": "Invalid credentials"}, 401)
        return await handler(request)

    return guard
