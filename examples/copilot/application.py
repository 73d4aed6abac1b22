"""The copilot as a web application: its endpoint, its page, its metrics and its own traffic."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import httpx2
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from examples.copilot import people
from examples.copilot.control import control_routes
from examples.copilot.middleware import RESOURCE, Instrumented, Telemetry
from examples.copilot.prompts import pick
from examples.copilot.world import World, approve, traffic

EXPORT_EVERY_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CopilotConfig:
    """How to run the copilot.

    Attributes:
        otlp_url: Where spans and log lines go, without `/v1/…`; None keeps them here.
        requests_per_second: Of its own traffic, on a day's average; 0 for none.
        waits: Whether a request takes as long as it says; tests do not wait.
        links: Titles and addresses for the page.
    """

    otlp_url: str | None = None
    seed: int = 7
    requests_per_second: float = 3.0
    waits: bool = True
    links: Mapping[str, str] = field(default_factory=dict)


def copilot_app(config: CopilotConfig, *, telemetry: Telemetry | None = None) -> Starlette:
    """Return the application; `telemetry` replaces the exporters of `config`."""
    world = World(Random(config.seed), requests_per_second=config.requests_per_second)
    if telemetry is None:
        telemetry = _telemetry(config.otlp_url)
    telemetry.metrics.queue.set_function(lambda: round(world.approvals.depth))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            tasks = [asyncio.create_task(approve(world))]
            if config.requests_per_second:
                tasks.append(asyncio.create_task(traffic(world, client, config.otlp_url)))
            yield
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return Starlette(
        routes=[
            Route("/v1/{feature}", _endpoint(world, waits=config.waits), methods=["POST"]),
            Route("/metrics", _metrics(telemetry.registry)),
            *control_routes(world, config.links),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(Instrumented, telemetry=telemetry),
        ],
        lifespan=lifespan,
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def _metrics(registry: CollectorRegistry) -> Endpoint:
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)

    return metrics


def _endpoint(world: World, *, waits: bool) -> Endpoint:
    async def ask(request: Request) -> Response:
        asked = await _read(request)
        if isinstance(asked, str):
            return PlainTextResponse(asked, status_code=400)
        plan = world.plan(asked)
        if waits:
            await asyncio.sleep(plan.duration_ms / 1000)
        request.state.plan = plan
        body = {"answer": plan.answer, "outcome": plan.outcome}
        return JSONResponse(body, status_code=plan.status_code)

    return ask


async def _read(request: Request) -> people.Request | str:
    """Return what was asked, or one sentence on what is wrong with it."""
    feature = people.FEATURES.get(request.path_params["feature"])
    if feature is None:
        return f"there is no such feature; there are {', '.join(people.FEATURES)}"
    try:
        body = json.loads(await request.body())
        question, turn = str(body["question"]), int(body.get("turn", 1))
    except (ValueError, TypeError, KeyError, AttributeError):
        return 'send JSON such as {"question": "…"}'
    user_id = request.headers.get("x-user-id", "u-visitor")
    return people.Request(
        request_id=request.headers.get("x-request-id", f"req_{uuid4().hex[:12]}"),
        feature=feature,
        tenant=request.headers.get("x-tenant-id", "visitors"),
        user_id=user_id,
        session_id=request.headers.get("x-session-id", f"s-{uuid4().hex[:10]}"),
        turn=turn,
        prompt=pick(user_id),
        question=question,
    )


def _telemetry(otlp_url: str | None) -> Telemetry:
    resource = Resource.create(RESOURCE)
    tracers, loggers = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    if otlp_url is not None:
        tracers.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=f"{otlp_url}/v1/traces"),
                schedule_delay_millis=EXPORT_EVERY_MS,
            )
        )
        loggers.add_log_record_processor(
            BatchLogRecordProcessor(
                OTLPLogExporter(endpoint=f"{otlp_url}/v1/logs"),
                schedule_delay_millis=EXPORT_EVERY_MS,
            )
        )
    return Telemetry(registry=CollectorRegistry(), tracers=tracers, loggers=loggers, out=sys.stdout)
