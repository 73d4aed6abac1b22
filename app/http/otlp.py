"""The door for OTLP over HTTP: `/v1/traces` and `/v1/logs`, answered when the batch is durable.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import logging
import threading
import zlib
from collections.abc import Callable
from datetime import datetime

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.http import bearer
from models.clock import Clock
from signals.logs import LogSink
from signals.otlp import MalformedError, wire
from signals.otlp.logs import logs_of
from signals.otlp.spans import spans_of
from signals.traces import BusyError, SpanSink

logger = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MAX_BODY_BYTES = 8 * 2**20  # as sent; the Collector's batches of 8,192 spans are well below
MAX_CONTENT_BYTES = 32 * 2**20  # after gzip
MAX_MEMBERS = 64  # streams of one gzip body; copying the rest of the body for each adds up
MAX_REQUESTS = 64  # at a time: what they hold in memory is bounded too
THREADS = 8
RETRY_AFTER_SECONDS = 2

Store = Callable[[bytes, bool, datetime], bytes]


class _RefusedError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def otlp_routes(spans: SpanSink, logs: LogSink, *, token: str, clock: Clock) -> list[Route]:
    """Return the two doors.

    Args:
        spans: Where spans go, and evaluation results that come as log events.
        logs: Where log lines go.
        token: What senders must show as a bearer token; empty to let anyone in.
        clock: Tells spans from the future.
    """
    # Threads that decode at the same time only take the interpreter from each other, and from
    # the loop that answers: one decodes, the others wait for their commits.
    decoding = threading.Lock()

    def store_traces(body: bytes, is_json: bool, now: datetime) -> bytes:
        with decoding:
            decoded = spans_of(wire.traces_request(body, is_json=is_json), now=now)
        spans.write(decoded.spans)
        return wire.traces_answer(decoded.rejected, decoded.reason, is_json=is_json)

    def store_logs(body: bytes, is_json: bool, now: datetime) -> bytes:
        with decoding:
            decoded = logs_of(wire.logs_request(body, is_json=is_json), now=now)
        spans.write(decoded.spans)
        logs.write(decoded.records)
        return wire.logs_answer(decoded.rejected, decoded.reason, is_json=is_json)

    door = _Door(token, clock)
    return [
        Route("/v1/traces", door.opened_to(store_traces), methods=["POST"]),
        Route("/v1/logs", door.opened_to(store_logs), methods=["POST"]),
    ]


class _Door:
    """What both routes check before and after the store."""

    def __init__(self, token: str, clock: Clock) -> None:
        self._token = token
        self._clock = clock
        self._threads = anyio.CapacityLimiter(THREADS)
        self._inside = 0

    def opened_to(self, store: Store) -> Callable[[Request], object]:
        """Return the endpoint that hands accepted bodies to `store`."""

        async def endpoint(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            try:
                return await self._receive(request, kind, store)
            except _RefusedError as refusal:
                return _refuse(refusal, is_json=kind != PROTOBUF)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it

        return endpoint

    async def _receive(self, request: Request, kind: str, store: Store) -> Response:
        if not bearer.shows(request, self._token):
            raise _RefusedError(401, "a bearer token is needed: set WAKEFUL_INGEST_TOKEN's value")
        if kind not in (PROTOBUF, JSON):
            raise _RefusedError(415, f"send {PROTOBUF} or {JSON}")
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity", ""):
            raise _RefusedError(415, "send the body plain or with gzip")
        if self._inside >= MAX_REQUESTS:
            raise _RefusedError(503, "too many requests at a time; send again soon")
        self._inside += 1
        try:
            body = await _body(request)

            def work() -> bytes:
                plain = inflate(body, MAX_CONTENT_BYTES) if encoding == "gzip" else body
                return store(plain, kind == JSON, self._clock())

            answer = await anyio.to_thread.run_sync(work, limiter=self._threads)
        except MalformedError as error:
            raise _RefusedError(400, str(error)) from error
        except BusyError as error:
            raise _RefusedError(503, str(error)) from error
        finally:
            self._inside -= 1
        return Response(answer, media_type=kind)


def inflate(body: bytes, limit: int) -> bytes:
    """Return what the gzip `body` holds.

    Raises:
        MalformedError: It is not gzip, ends early, or comes in very many parts.
        _RefusedError: It holds more than `limit` bytes; no more than that was unpacked.
    """
    plain = bytearray()
    for _ in range(MAX_MEMBERS):  # gzip may be several streams, one after the other
        if not body:
            return bytes(plain)
        stream = zlib.decompressobj(wbits=31)
        try:
            plain += stream.decompress(body, limit + 1 - len(plain))
        except zlib.error as error:
            raise MalformedError("the body is not gzip") from error
        if len(plain) > limit:
            raise _RefusedError(
                413, f"the body holds more than {limit} bytes: send smaller batches"
            )
        if not stream.eof:
            raise MalformedError("the gzip body ends early")
        body = stream.unused_data
    raise MalformedError("the gzip body has too many parts")


async def _body(request: Request) -> bytes:
    too_large = _RefusedError(413, f"more than {MAX_BODY_BYTES} bytes: send smaller batches")
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large
    return bytes(body)


def _refuse(refusal: _RefusedError, *, is_json: bool) -> Response:
    logger.warning("otlp_refused status=%d reason=%s", refusal.status, str(refusal))
    headers = {
        401: {"WWW-Authenticate": "Bearer"},
        503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
    }.get(refusal.status)
    return Response(
        wire.failure(str(refusal), is_json=is_json),
        status_code=refusal.status,
        headers=headers,
        media_type=JSON if is_json else PROTOBUF,
    )
