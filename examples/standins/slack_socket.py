"""Slack's Socket Mode: presses go to the app over connections that the app opened.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from examples.standins.faults import drop, hush
from examples.standins.slack_workspace import BOT

CONNECTIONS = 10
NORMAL = 1000
POLICY_VIOLATION = 1008


@dataclass(slots=True, eq=False)
class _Link:
    """One connection, and the envelopes on it that the app has not acknowledged."""

    socket: WebSocket
    receive: Receive
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    leaving: bool = False


class Sockets:
    """The app's connections; as an ASGI application, their door.

    Attributes:
        enabled: Whether Socket Mode is switched on in the app.
        deadline_seconds: For the app to acknowledge an envelope.
        warned_seconds: Between the word that a connection ends and its end.
        opened: How many connections there ever were.
        strange: Envelope ids that were acknowledged though nobody waited for them.
    """

    def __init__(
        self, *, enabled: bool, deadline_seconds: float = 3, warned_seconds: float = 10
    ) -> None:
        self.enabled = enabled
        self.deadline_seconds = deadline_seconds
        self.warned_seconds = warned_seconds
        self.opened = 0
        self.strange: list[str] = []
        self._tickets: set[str] = set()
        self._links: list[_Link] = []
        self._ends: set[asyncio.Task[None]] = set()
        self._turn = 0

    @property
    def count(self) -> int:
        """Return how many connections are open."""
        return len(self._links)

    def address(self, base: str) -> str:
        """Return an address that is good for one connection; `base` is the stand-in's own."""
        ticket = uuid4().hex
        self._tickets.add(ticket)
        return f"{base.replace('http', 'ws', 1)}link/?ticket={ticket}&app_id={BOT['app_id']}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one connection until it ends."""
        socket = WebSocket(scope, receive, send)
        ticket = parse_qs(scope["query_string"].decode()).get("ticket", [""])[0]
        if ticket not in self._tickets:
            await socket.close(POLICY_VIOLATION)  # before it was accepted: HTTP 403
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if why := self._refusal():
            await socket.send_json({"type": "disconnect", "reason": why})
            await socket.close(NORMAL)
            return
        self.opened += 1
        link = _Link(socket, receive)
        self._links.append(link)
        try:
            await socket.send_json(self._hello())
            while True:
                self._acknowledged(link, await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass  # it ended, from either side
        finally:
            self._links.remove(link)

    async def deliver(self, payload: dict[str, Any]) -> str:
        """Send an interaction to one of the connections; return what went wrong, or nothing."""
        links = [link for link in self._links if not link.leaving] or self._links
        if not links:
            return "the app is not connected"
        self._turn += 1
        link, number = links[self._turn % len(links)], str(uuid4())
        link.waiting[number] = done = asyncio.Event()
        envelope = {"envelope_id": number, "type": "interactive", "payload": payload}
        try:
            await link.socket.send_json(envelope | {"accepts_response_payload": False})
            await asyncio.wait_for(done.wait(), self.deadline_seconds)
        except TimeoutError:
            return "the app did not acknowledge within 3 seconds"
        except (WebSocketDisconnect, RuntimeError):
            return "the connection to the app broke"
        finally:
            link.waiting.pop(number, None)
        return ""

    async def control(self, request: Request) -> Response:
        """Do to every connection what a test asks: POST {"do": …}, one of `_DEEDS`."""
        asked = json.loads(await request.body())
        deed = str(asked.get("do"))
        if deed not in _DEEDS:
            return JSONResponse({"known": list(_DEEDS)}, 400)
        for link in [*self._links]:
            await self._do(deed, link, str(asked.get("text", "")))
        return JSONResponse({"open": self.count})

    async def _do(self, deed: str, link: _Link, text: str) -> None:
        if deed == "cut":
            drop(link.receive)
        elif deed == "hush":
            hush(link.receive)
        elif deed == "say":
            await link.socket.send_text(text)
        else:
            link.leaving = True
            await link.socket.send_json({"type": "disconnect", "reason": deed})
            if deed == "link_disabled":
                self.enabled = False
            wait = self.warned_seconds if deed == "warning" else 0
            task = asyncio.create_task(self._end(link, wait))
            self._ends.add(task)  # or it might be collected before it is done
            task.add_done_callback(self._ends.discard)

    async def _end(self, link: _Link, wait: float) -> None:
        await asyncio.sleep(wait)
        if link in self._links:
            await link.socket.close(NORMAL)

    def _acknowledged(self, link: _Link, said: str) -> None:
        number = str(json.loads(said).get("envelope_id"))
        waiting = link.waiting.get(number)
        if waiting is None:
            self.strange.append(number)
        else:
            waiting.set()

    def _refusal(self) -> str:
        if not self.enabled:
            return "link_disabled"
        return "too_many_websockets" if len(self._links) >= CONNECTIONS else ""

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._links),
            "connection_info": {"app_id": BOT["app_id"]},
            "debug_info": {"host": "stand-in", "approximate_connection_time": 18060},
        }


_DEEDS = ("warning", "refresh_requested", "link_disabled", "cut", "hush", "say")
