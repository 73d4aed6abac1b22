"""A stand-in for Langfuse 4: OTLP in, v2 observations, v2 metrics, v3 scores and v1 traces out.

It enforces what Langfuse does: page sizes, cursors, field groups, metadata cut at 200 characters,
filters that replace parameters, dimensions that are refused, and limits per kind of call; what its
filters take is in `langfuse_rules`.

Source: web/public/generated/api/openapi.yml; `langfuse` 5.0.4 (PyPI), api/observations, api/scores,
api/metrics; limits: https://langfuse.com/faq/all/api-limits (read 2026-11)
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.kept_spans import Kept, Spans, guarded
from tests.langfuse_metrics import RefusedError, compute
from tests.langfuse_rules import fits, instant, matches

PUBLIC, SECRET = "pk-lf-1", "sk-lf-1234567890abcdef"
NOT_V4 = "The observations v2 API is only available in a Langfuse v4 write mode"
CORE = ("id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type")
GROUPS = {
    "basic": (
        *("name", "level", "statusMessage", "version", "environment"),
        *("userId", "sessionId", "isRootObservation"),
    ),
    "time": ("completionStartTime", "createdAt", "updatedAt"),
    "io": ("input", "output"),
    "metadata": ("metadata",),
    "model": ("providedModelName", "modelParameters"),
    "usage": ("usageDetails", "costDetails", "totalCost"),
    "prompt": ("promptName", "promptVersion"),
    "metrics": ("latency", "timeToFirstToken"),
    "trace_context": ("tags", "release", "traceName"),
}
KINDS = {"LLM": "GENERATION", "RETRIEVER": "RETRIEVER", "TOOL": "TOOL"}
PRICES = {"gpt-4o": (2.5e-6, 1e-5), "claude-sonnet-4-0": (3e-6, 1.5e-5)}
TAKEN = ("session.id", "user.id", "input.value", "output.value")


@dataclass
class LangfuseServer:
    """`limits`: calls that are left, by kind; unlimited where there is none."""

    is_v4: bool = True
    limits: dict[str, int] = field(default_factory=dict)
    retry_after: str = "30"
    spans: Spans = field(default_factory=Spans)
    scores: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        routes: list[tuple[str, str, Callable[[Request], Response]]] = [
            ("/v2/observations", "public-api", self.observations),
            ("/v2/metrics", "public-api-v2-metrics", self.metrics),
            ("/v3/scores", "public-api", self.v3_scores),
            ("/traces", "public-api-legacy", self.traces),
            ("/traces/{id}", "public-api-legacy", self.trace),
        ]
        doors = [
            Route(f"/api/public{path}", guarded(self._counted(handler, kind), _knows))
            for path, kind, handler in routes
        ]
        health = Route("/api/public/health", lambda _: JSONResponse({"version": "4.2.0"}))
        return Starlette(routes=[self.spans.ingest("/api/public/otel/v1/traces"), health, *doors])

    def _counted(self, handler: Callable[[Request], Response], kind: str) -> Any:
        async def counted(request: Request) -> Response:
            self.asked.append(request.url.path)
            left = self.limits.get(kind)
            if left is not None and left <= 0:
                headers = {"Retry-After": self.retry_after, "X-RateLimit-Remaining": "0"}
                return JSONResponse({"message": "Rate limit exceeded"}, 429, headers)
            answer = handler(request)
            if left is not None:
                self.limits[kind] = left - 1
                answer.headers["X-RateLimit-Remaining"] = str(left - 1)
                answer.headers["X-RateLimit-Reset"] = self.retry_after
            return answer

        return counted

    def rows(self) -> list[dict[str, Any]]:
        return [observation(span) for span in self.spans.all]

    def observations(self, request: Request) -> Response:
        if not self.is_v4:
            return JSONResponse({"message": NOT_V4, "error": "NotFoundError"}, 404)
        params = request.query_params
        limit = int(params.get("limit", 50))
        if limit > 1000 or params.get("parseIoAsJson") == "true":
            return JSONResponse({"message": "Invalid request data"}, 400)
        fields = params.get("fields", "core,basic").split(",")
        if not set(fields) <= {"core", *GROUPS}:
            return JSONResponse({"message": "Invalid fields"}, 400)
        rows = sorted(self.rows(), key=lambda row: row["startTime"], reverse=True)
        if "filter" in params:
            conditions = json.loads(params["filter"])
            try:
                rows = [row for row in rows if all(matches(row, each) for each in conditions)]
            except RefusedError as error:
                return JSONResponse({"message": str(error)}, 400)
        elif "traceId" in params:
            rows = [row for row in rows if row["traceId"] == params["traceId"]]
        rows, cursor = _page(rows, limit, params.get("cursor"))
        expanded = params.get("expandMetadata", "").split(",")
        shown = [_shown(row, fields, expanded) for row in rows]
        return JSONResponse({"data": shown, "meta": {"cursor": cursor} if cursor else {}})

    def metrics(self, request: Request) -> Response:
        if not self.is_v4:
            return JSONResponse({"message": "Not found"}, 404)
        try:
            found = compute(json.loads(request.query_params["query"]), self.rows(), self.scores)
        except RefusedError as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse({"data": found})

    def v3_scores(self, request: Request) -> Response:
        params = request.query_params
        limit = int(params.get("limit", 50))
        try:
            found = [score for score in self.scores if fits(score, params)]
        except RefusedError as error:
            return JSONResponse({"message": str(error)}, 400)
        if limit > 100 or ("observationId" in params and "traceId" not in params):
            return JSONResponse({"message": "Invalid request data"}, 400)
        rows, cursor = _page(found, limit, params.get("cursor"))
        with_subject = "subject" in params.get("fields", "")
        data = [_v3(score) if with_subject else _bare(score) for score in rows]
        return JSONResponse({"data": data, "meta": {"limit": limit, "cursor": cursor}})

    def traces(self, request: Request) -> Response:
        params = request.query_params
        page, limit = int(params["page"]), int(params["limit"])
        if limit > 100:
            return JSONResponse({"message": "Invalid request data"}, 400)
        first, last = params["fromTimestamp"], params["toTimestamp"]
        roots = [row for row in self.rows() if row["isRootObservation"]]
        inside = [r for r in roots if instant(first) <= instant(r["startTime"]) < instant(last)]
        inside.sort(key=lambda row: row["startTime"], reverse=True)
        shown = [
            # Without metrics among the fields, sums are -1.
            {"id": row["traceId"], "timestamp": row["startTime"], "totalCost": -1, "latency": -1}
            for row in inside[(page - 1) * limit : page * limit]
        ]
        pages = -(-len(inside) // limit)
        meta = {"page": page, "limit": limit, "totalItems": len(inside), "totalPages": pages}
        return JSONResponse({"data": shown, "meta": meta, "_deprecation": {"message": "use v2"}})

    def trace(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        rows = [row for row in self.rows() if row["traceId"] == wanted]
        if not rows:
            return JSONResponse({"message": "Trace not found", "error": "NotFoundError"}, 404)
        root = next((row for row in rows if row["isRootObservation"]), rows[0])
        taken = {"traceName", "sessionId", "userId", "tags", "isRootObservation", "totalCost"}
        old = [
            {
                **{key: value for key, value in row.items() if key not in taken},
                "calculatedTotalCost": row["totalCost"],
                "model": row["providedModelName"],
            }
            for row in rows
        ]
        scores = [_bare(score) for score in self.scores if score["traceId"] == wanted]
        return JSONResponse(
            {
                "id": wanted,
                "name": root["traceName"],
                "sessionId": root["sessionId"],
                "userId": root["userId"],
                "environment": root["environment"],
                "tags": [],
                "observations": old,
                "scores": scores,
                "_deprecation": {"message": "use v2"},
            }
        )


def observation(span: Kept) -> dict[str, Any]:
    """Return a span as Langfuse keeps it: what it knows in columns, the rest in metadata."""
    told = dict(span.attributes)
    model = told.get("gen_ai.request.model")
    tokens = (
        told.get("gen_ai.usage.input_tokens", 0),
        told.get("gen_ai.usage.output_tokens", 0),
    )
    prices = PRICES.get(str(model))
    cached = told.get("gen_ai.usage.cache_read.input_tokens", 0)
    usage = {
        "input": tokens[0] - cached,
        "output": tokens[1],
        **({"input_cached_tokens": cached} if cached else {}),
    }
    cost = tokens[0] * prices[0] + tokens[1] * prices[1] if prices else None
    return {
        "id": span.id,
        "traceId": span.trace,
        "startTime": _iso(span.start),
        "endTime": _iso(span.end),
        "projectId": "p1",
        "parentObservationId": span.parent or None,
        "type": KINDS.get(str(told.get("openinference.span.kind")), "SPAN"),
        "name": span.name,
        "level": "ERROR" if span.status == 2 else "DEFAULT",
        "statusMessage": span.message or None,
        "version": None,
        "environment": span.resource.get("deployment.environment.name", "default"),
        "userId": told.get("user.id"),
        "sessionId": told.get("session.id"),
        "isRootObservation": span.is_root,
        "completionStartTime": None,
        "createdAt": _iso(span.end),
        "updatedAt": _iso(span.end),
        "input": told.get("input.value"),
        "output": told.get("output.value"),
        "metadata": {
            "attributes": {key: _text(v) for key, v in told.items() if key not in TAKEN},
            "resourceAttributes": span.resource,
            "scope": {"name": "tests"},
        },
        "providedModelName": model,
        "modelParameters": None,
        "usageDetails": usage if any(tokens) else {},
        "costDetails": {} if cost is None else {"total": cost},
        "totalCost": cost,
        "promptName": None,
        "promptVersion": None,
        "latency": span.duration / 1e9,
        "timeToFirstToken": None,
        "tags": [],
        "release": None,
        "traceName": None,
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _page(rows: list[Any], limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
    first = int(base64.b64decode(cursor)) if cursor else 0
    left = len(rows) > first + limit
    following = base64.b64encode(str(first + limit).encode()).decode() if left else None
    return rows[first : first + limit], following


def _shown(row: dict[str, Any], fields: list[str], expanded: list[str]) -> dict[str, Any]:
    names = {*CORE, *(name for group in fields for name in GROUPS.get(group, ()))}
    shown = {key: value for key, value in row.items() if key in names}
    if "metadata" in shown:
        shown["metadata"] = {
            key: value if key in expanded else json.dumps(value)[:200]
            for key, value in shown["metadata"].items()
        }
    return shown


def _v3(score: dict[str, Any]) -> dict[str, Any]:
    subject = {"kind": "trace", "id": score["traceId"]}
    if score.get("observationId"):
        subject = {
            "kind": "observation",
            "id": score["observationId"],
            "traceId": score["traceId"],
        }
    bare = {key: value for key, value in _bare(score).items() if key != "observationId"}
    return {**bare, "subject": subject}


def _bare(score: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in score.items() if key != "at"}


def _knows(request: Request) -> bool:
    pair = base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {pair}"


def _iso(nanoseconds: int) -> str:
    at = datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
