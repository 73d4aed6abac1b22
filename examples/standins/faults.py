"""Failing on demand: `POST /_faults {"status": 500, "times": 2}`.

500, 429, … any status     answered instead of the vendor's answer; nothing is recorded
"timeout"                  no answer for a long time; nothing is recorded
"refuse"                   the connection is dropped unread
"cut"                      the request is carried out, and the connection dropped before the
                           answer: the sender cannot know
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("timeout", "refuse", "cut")
HANG_SECONDS = 60.0
RETRY_AFTER_SECONDS = 1


@dataclass(slots=True)
class Faults:
    """What goes wrong with the next requests of the API.

    Attributes:
        status: An HTTP status or one of `KINDS`.
        times: For how many requests more.
        path: Only requests whose path holds this text.
        retry_after: Seconds that a 429 asks to wait.
    """

    status: int | str = 0
    times: int = 0
    path: str = ""
    retry_after: int = RETRY_AFTER_SECONDS

    def routes(self) -> list[Route]:
        """Return the knob."""

        async def set_faults(request: Request) -> Response:
            try:
                asked = json.loads(await request.body())
                status, times = asked["status"], int(asked.get("times", 1))
                path, wait = str(asked.get("path", "")), int(asked.get("retry_after", 1))
            except (ValueError, TypeError, KeyError):
                return PlainTextResponse('send {"status": 500, "times": 2}', status_code=400)
            if status not in KINDS and not (isinstance(status, int) and 400 <= status <= 599):
                kinds = ", ".join(KINDS)
                return PlainTextResponse(f"status: 400 to 599, or {kinds}", status_code=400)
            self.status, self.times, self.path, self.retry_after = status, times, path, wait
            return JSONResponse({"status": status, "times": times, "path": path})

        return [Route("/_faults", set_faults, methods=["POST"])]

    def take(self, path: str) -> int | str | None:
        """Return what goes wrong with a request to `path`, or None."""
        if self.times <= 0 or self.path not in path:
            return None
        self.times -= 1
        return self.status


class Faulty:
    """ASGI middleware: lets requests whose path starts with one of `prefixes` fail as told."""

    def __init__(self, app: ASGIApp, faults: Faults, prefixes: tuple[str, ...]) -> None:
        self._app = app
        self._faults = faults
        self._prefixes = prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or fail."""
        fault = None
        if scope["type"] == "http" and scope["path"].startswith(self._prefixes):
            fault = self._faults.take(scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
        elif fault == "cut":
            await self._app(scope, receive, _swallow)
            drop(receive)
        elif fault == "refuse":
            drop(receive)
        elif fault == "timeout":
            await asyncio.sleep(HANG_SECONDS)
            drop(receive)
        else:
            wait = {"Retry-After": str(self._faults.retry_after)} if fault == 429 else {}
            answer = JSONResponse({"ok": False, "error": "fault"}, int(fault), headers=wait)
            await answer(scope, receive, send)


async def _swallow(_message: Message) -> None:
    """Take an answer that nobody will get."""


def drop(receive: Receive) -> None:
    """Close the client's connection at once, without an answer."""
    if (transport := _transport(receive)) is not None:
        transport.abort()


def hush(receive: Receive) -> None:
    """Hear nothing more of the client, and leave its connection open, as a cut network does."""
    if (transport := _transport(receive)) is not None:
        transport.pause_reading()


def _transport(receive: Receive) -> Any:
    # ASGI has no word for this: `receive` is a method of uvicorn's request, which has the socket.
    return getattr(getattr(receive, "__self__", None), "transport", None)
