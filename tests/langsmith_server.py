"""A stand-in for LangSmith: OTLP in; projects, v1 and v2 run queries out.

It enforces what LangSmith does: v2 answers ids only unless asked for more and looks back one day
unless told otherwise; pages of at most 1,000 (v2) and 100 (v1); a root's usage is its subtree's in
v1, and in v2 only if asked for. A `tree_filter` is met by any one run of a trace.

Source: `langsmith` 0.15.1 (PyPI), types/run_query_v2_params.py, types/run.py, client.py;
https://docs.langchain.com/langsmith/trace-query-syntax (read 2026-11)
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.kept_spans import Kept, Spans, guarded
from tests.langfuse_server import PRICES

KEY = "lsv2_pt_1234567890abcdef1234567890abcdef"
PROJECT, WORKSPACE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
KINDS = {"LLM": "llm", "TOOL": "tool", "RETRIEVER": "retriever"}
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[(),]|[\w.]+)')


@dataclass
class LangSmithServer:
    now: Callable[[], datetime]
    flags: dict[str, bool] = field(default_factory=lambda: {"sdb_query_enabled": True})
    calls_left: int | None = None
    feedback: dict[str, dict[str, Any]] = field(default_factory=dict)  # by span id
    spans: Spans = field(default_factory=Spans)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                self.spans.ingest("/otel/v1/traces"),
                Route("/api/v1/info", self.info),
                Route("/api/v1/sessions", guarded(self.sessions, _knows)),
                Route("/api/v1/runs/query", guarded(self.v1, _knows), methods=["POST"]),
                Route("/api/v2/runs/query", guarded(self.v2, _knows), methods=["POST"]),
            ]
        )

    async def info(self, _: Request) -> Response:
        return JSONResponse({"version": "0.18.1", "instance_flags": self.flags})

    async def sessions(self, request: Request) -> Response:
        known = request.query_params.get("name") == "copilot"
        row = {"id": PROJECT, "tenant_id": WORKSPACE, "name": "copilot"}
        return JSONResponse([row] if known else [])

    async def v1(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if (refused := self._refused(body, body.get("limit", 100), 100)) is not None:
            return refused
        if body.get("session") != [PROJECT]:
            return JSONResponse({"detail": "session is required"}, 400)
        since, until = (_at(body[key]) for key in ("start_time", "end_time"))
        runs = self._runs(subtree=True)
        found = [
            run
            for run in runs
            if since <= _at(run["start_time"]) <= until
            and body.get("trace") in (None, run["trace_id"])
            and (not body.get("is_root") or not run["parent_run_ids"])
            and (not body.get("error") or run["status"] == "error")
            and _holds(body.get("filter"), run, seconds_as_text=True)
            and _some_holds(body.get("tree_filter"), run, runs, seconds_as_text=True)
        ]
        page, following = _page(found, body.get("limit", 100), body.get("cursor"))
        shown = [{key: run[key] for key in body["select"] if key in run} for run in page]
        return JSONResponse({"runs": shown, "cursors": {"next": following}})

    async def v2(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if not self.flags.get("sdb_query_enabled"):
            return JSONResponse({"detail": "not enabled on this deployment"}, 501)
        if (refused := self._refused(body, body.get("page_size", 100), 1000)) is not None:
            return refused
        if body.get("project_ids") != [PROJECT]:
            return JSONResponse({"detail": "project_ids is required"}, 422)
        now = self.now()
        since = _at(body["min_start_time"]) if "min_start_time" in body else now - timedelta(days=1)
        until = _at(body["max_start_time"]) if "max_start_time" in body else now
        runs = self._runs(subtree=bool(body.get("include_subtree_usage")))
        found = [
            run
            for run in runs
            if since <= _at(run["start_time"]) <= until
            and body.get("trace_id") in (None, run["trace_id"])
            and (not body.get("is_root") or not run["parent_run_ids"])
            and (not body.get("has_error") or run["status"] == "error")
            and _holds(body.get("filter"), run, seconds_as_text=False)
            and _some_holds(body.get("tree_filter"), run, runs, seconds_as_text=False)
        ]
        page, following = _page(found, body.get("page_size", 100), body.get("cursor"))
        names = [name.lower() for name in body.get("selects", ["ID"])]
        shown = [{key: _v2(run)[key] for key in names if key in _v2(run)} for run in page]
        return JSONResponse({"items": shown, "next_cursor": following})

    def _refused(self, body: dict[str, Any], size: int, most: int) -> Response | None:
        self.asked.append(body)
        if self.calls_left is not None:
            if self.calls_left <= 0:
                return JSONResponse({"detail": "Too Many Requests"}, 429, {"Retry-After": "7"})
            self.calls_left -= 1
        if size > most:
            return JSONResponse({"detail": f"must be at most {most}"}, 422)
        return None

    def _runs(self, *, subtree: bool) -> list[dict[str, Any]]:
        runs = [_run(span, self.spans, self.feedback) for span in self.spans.all]
        runs.sort(key=lambda run: run["start_time"], reverse=True)
        if subtree:
            for run in runs:
                below = [r for r in runs if run["id"] in r["parent_run_ids"]]
                for key in ("prompt_tokens", "completion_tokens", "total_cost"):
                    told = [r[key] for r in (run, *below) if r[key] is not None]
                    run[key] = sum(told) if told else None
        return runs


def _run(span: Kept, spans: Spans, feedback: dict[str, dict[str, Any]]) -> dict[str, Any]:
    told = dict(span.attributes)
    tokens = (
        told.pop("gen_ai.usage.input_tokens", None),
        told.pop("gen_ai.usage.output_tokens", None),
    )
    model = told.pop("gen_ai.request.model", None)
    prices = PRICES.get(str(model))
    cost = tokens[0] * prices[0] + tokens[1] * prices[1] if prices else None
    metadata = {key: value for key, value in told.items() if not key.endswith(".value")}
    if model:
        metadata |= {"ls_model_name": model, "ls_provider": told.get("gen_ai.provider.name")}
    inputs, outputs = told.get("input.value"), told.get("output.value")
    return {
        "id": _uuid(span.id),
        "name": span.name,
        "run_type": KINDS.get(str(told.get("openinference.span.kind")), "chain"),
        "status": "error" if span.status == 2 else "success",
        "error": span.message if span.status == 2 else None,
        "start_time": _iso(span.start),
        "end_time": _iso(span.end),
        "first_token_time": None,
        "trace_id": _uuid(span.trace),
        "parent_run_ids": [_uuid(each) for each in _ancestors(span, spans)],
        "parent_run_id": _uuid(span.parent) if span.parent else None,
        "thread_id": told.get("session.id"),
        "inputs": {"input": inputs} if inputs else {},
        "outputs": {"output": outputs} if outputs else {},
        "extra": {"metadata": {**metadata, **span.resource}},
        "tags": [],
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "total_cost": cost,
        "prompt_token_details": {},
        "feedback_stats": feedback.get(span.id, {}),
        "latency": span.duration / 1e9,
    }


def _v2(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run as v2 writes it."""
    return {
        **{key: value for key, value in run.items() if key not in ("extra", "parent_run_id")},
        "run_type": run["run_type"].upper(),
        "status": run["status"].upper(),
        "metadata": run["extra"]["metadata"],
    }


def _ancestors(span: Kept, spans: Spans) -> list[str]:
    found: list[str] = []
    known = {each.id: each for each in spans.of(span.trace)}
    while span.parent and span.parent not in found:
        found.insert(0, span.parent)
        if span.parent not in known:
            break
        span = known[span.parent]
    return found


def _holds(text: str | None, run: dict[str, Any], *, seconds_as_text: bool) -> bool:
    """Evaluate a filter of LangSmith's query language."""
    return not text or _value(_expression(_tokens(text)), run, seconds_as_text)


def _some_holds(
    text: str | None, run: dict[str, Any], runs: list[dict[str, Any]], *, seconds_as_text: bool
) -> bool:
    tree = [each for each in runs if each["trace_id"] == run["trace_id"]]
    return any(_holds(text, each, seconds_as_text=seconds_as_text) for each in tree)


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match is not None, f"invalid filter at {place}: {text}"
        tokens.append(match[1])
        place = match.end()
    return tokens


def _expression(tokens: list[str]) -> Any:
    name = tokens.pop(0)
    if not tokens or tokens[0] != "(":
        return json.loads(name) if name.startswith('"') else name
    tokens.pop(0)
    arguments = []
    while tokens[0] != ")":
        arguments.append(_expression(tokens))
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return (name, *arguments)


def _value(node: Any, run: dict[str, Any], seconds_as_text: bool) -> bool:
    operator, *arguments = node
    if operator == "or":
        return any(_value(each, run, seconds_as_text) for each in arguments)
    if operator == "and":
        pair = dict(each[1:] for each in arguments if each[0] == "eq")
        if {"metadata_key", "metadata_value"} <= pair.keys():
            metadata = {**run["extra"]["metadata"], "thread_id": run["thread_id"]}
            said = metadata.get(pair["metadata_key"])
            said = json.dumps(said) if isinstance(said, bool | int | float) else said
            return bool(said == pair["metadata_value"])
        return all(_value(each, run, seconds_as_text) for each in arguments)
    if operator in ("gte", "lt") and arguments[0] == "latency":
        written = str(arguments[1])
        assert written.endswith("s") == seconds_as_text, written
        bound = float(written.rstrip("s"))
        return bool(run["latency"] >= bound if operator == "gte" else run["latency"] < bound)
    if operator == "eq" and arguments[0] in ("name", "run_type"):
        return bool(run[arguments[0]] == arguments[1])
    raise AssertionError(f"unknown filter {node}")


def _page(runs: list[Any], size: int, cursor: str | None) -> tuple[list[Any], str | None]:
    first = int(cursor) if cursor else 0
    return runs[first : first + size], str(first + size) if len(runs) > first + size else None


def _uuid(hex_id: str) -> str:
    digits = hex_id.zfill(32)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _knows(request: Request) -> bool:
    return request.headers.get("x-api-key") == KEY


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _iso(nanoseconds: int) -> str:
    at = datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
