"""Doors for JSON that pipelines and applications send: who may, how much, and what they are told.

A refusal is `{"error": "one sentence"}`. Only `application/json` is taken, which no page of another
site can send on a visitor's behalf.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from prometheus_client import Counter
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.http import bearer
from models.clock import Clock

MAX_BODY_BYTES = 256 * 2**10
RETRY_AFTER_SECONDS = 2
REFUSED = Counter(
    "wakeful_api_refused_total", "Requests to /api that were refused", ["door", "status"]
)

logger = logging.getLogger(__name__)
Act = Callable[[Any, datetime], tuple[int, dict[str, Any]]]


class RefusedError(Exception):
    """An answer that is not a success; the message is one sentence for the sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def told_route(path: str, act: Act, *, token: str, clock: Clock) -> Route:
    """Return the door at `path`.

    Args:
        path: Where.
        act: Does what decoded JSON asks for; returns a status and what to answer. Runs in a
            thread; may raise `RefusedError`.
        token: What senders must show as a bearer token; empty to let anyone in.
        clock: Tells the instant.
    """

    async def endpoint(request: Request) -> Response:
        try:
            said = _decoded(await _body(request, token))
            status, answer = await run_in_threadpool(act, said, clock())
        except RefusedError as refusal:
            return _refuse(path, refusal)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return JSONResponse(answer, status)

    return Route(path, endpoint, methods=["POST"])


async def _body(request: Request, token: str) -> bytes:
    if not bearer.shows(request, token):
        raise RefusedError(401, "a bearer token is needed: set WAKEFUL_INGEST_TOKEN's value")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "send application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, f"more than {MAX_BODY_BYTES} bytes: send less at a time")
    return bytes(body)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the body is not JSON") from error


def _refuse(path: str, refusal: RefusedError) -> Response:
    REFUSED.labels(door=path, status=refusal.status).inc()
    logger.warning("api_refused door=%s status=%d reason=%s", path, refusal.status, refusal)
    headers = {
        401: {"WWW-Authenticate": "Bearer"},
        503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
    }.get(refusal.status)
    return JSONResponse({"error": str(refusal)}, refusal.status, headers=headers)
