"""Streamlit's own files, read and compressed once, then answered from memory.

A first visit asks for some hundred of them, 4.6 MB. Streamlit reads each from disk for each visitor
and compresses none, because a proxy in front would; most who run Wakeful have none. Their names
hold a hash of what is in them and browsers may keep them for a year, so that an answer never
changes while this process lives.
"""

import asyncio
import gzip
from dataclasses import dataclass, replace
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER: Final = "/static/"
MOST_BYTES: Final = 16_000_000  # all that Streamlit has are 8 MB, compressed
_LEVEL: Final = 6
_SHRINKS: Final = ("javascript", "text/css", "svg", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered for a file."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def never_changes(self) -> bool:
        """Say whether it was marked so by who answered."""
        control = Headers(raw=list(self.headers)).get("cache-control", "")
        return self.status == 200 and "immutable" in control

    async def tell(self, send: Send) -> None:
        """Send it."""
        start = {"status": self.status, "headers": list(self.headers)}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body})


class KeptFiles:
    """Answers for files that never change; asks for each only once.

    Args:
        app: Whom to ask, and what answers for all else.
        most_bytes: How much is kept.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._kept: dict[str, Answer] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory where that can be."""
        if not _may_be_kept(scope):
            await self._app(scope, receive, send)
            return
        answer = self._kept.get(scope["path"])
        if answer is None:
            answer = await self._ask(scope, receive)
            if answer.never_changes:
                answer = await asyncio.to_thread(_compressed, answer)
                self._keep(scope["path"], answer)
        await answer.tell(send)

    def _keep(self, path: str, answer: Answer) -> None:
        # Another visitor may have been faster: then it is there already.
        if path not in self._kept and self._bytes + len(answer.body) <= self._most_bytes:
            self._bytes += len(answer.body)
            self._kept[path] = answer

    async def _ask(self, scope: Scope, receive: Receive) -> Answer:
        told: list[Message] = []

        async def take(message: Message) -> None:
            told.append(message)

        # No extensions: a server that reads files itself would be told a path, and no body.
        await self._app({**scope, "extensions": {}}, receive, take)
        return Answer(
            status=told[0]["status"],
            headers=tuple(told[0]["headers"]),
            body=b"".join(part.get("body", b"") for part in told[1:]),
        )


def _may_be_kept(scope: Scope) -> bool:
    """Say whether this asks for a whole file and takes it compressed."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = Headers(scope=scope)
    return (
        scope["path"].startswith(FOLDER)
        and "gzip" in headers.get("accept-encoding", "")
        and not {"range", "if-none-match"} & set(headers)
    )


def _compressed(answer: Answer) -> Answer:
    """Return `answer` with its body compressed, if it is of a kind that becomes smaller."""
    headers = MutableHeaders(raw=list(answer.headers))
    headers.add_vary_header("Accept-Encoding")
    body = answer.body
    if any(kind in headers.get("content-type", "") for kind in _SHRINKS):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(body))
        if tag := headers.get("etag"):
            headers["etag"] = f"W/{tag.removeprefix('W/')}"  # the same file, in other bytes
    return replace(answer, headers=tuple(headers.raw), body=body)
