"""Streamlit's code for fields and charts, fetched with the page and not when first drawn.

Streamlit tells the browser once what a field begins with. A browser that is still fetching the
widget's code when the page is drawn again begins with an empty field instead, and sends that back
as if it were typed: on a slow line, the second press in a form empties what it was filled with. And
a chart whose code is asked for only when it is to be drawn waits for it. So every page names that
code at the end of its head, after its own, and the browser fetches it beside that.
"""

import gzip
import logging
import re
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Every kind of widget that keeps a value, by the name of its file.
WIDGETS: Final = (
    *("ButtonGroup", "Checkbox", "DateInput", "DateTimeInput", "Multiselect", "NumberInput"),
    *("Selectbox", "TextArea", "TextInput", "TimeInput"),
)
CHARTS: Final = ("ArrowVegaLiteChart", "Metric", "embed")  # the last is asked for by the others
STATIC: Final = Path(streamlit.__file__).with_name("static")
_IMPORTED: Final = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')
_HEAD_ENDS: Final = b"</head>"
_LEVEL: Final = 6

logger = logging.getLogger(__name__)


def files() -> list[str]:
    """Return the files of widgets and charts and what these import, but for the page's own.

    One that has no file, in a Streamlit newer than we know, is logged: pages go on without it.
    """
    scripts = STATIC / "static" / "js"
    page = (STATIC / "index.html").read_text()
    found: set[str] = set()
    wanted = []
    for kind in (*WIDGETS, *CHARTS):
        names = [path.name for path in scripts.glob(f"{kind}.*.js")]
        if not names:
            logger.warning("not_preloaded kind=%s streamlit=%s", kind, streamlit.__version__)
        wanted += names
    while wanted:
        name = wanted.pop()
        if name not in found and name not in page:
            found.add(name)
            wanted += _IMPORTED.findall((scripts / name).read_text())
    return sorted(found)


class Preloading:
    """Names these files on every page.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._links = "".join(
            f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in files()
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and add the links to what is a page."""
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        start: Message | None = None  # of a page; kept back until its length is known
        body = b""

        async def add(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                whole = body.replace(_HEAD_ENDS, self._links + _HEAD_ENDS, 1)
                await _tell(start, whole, scope, send)

        await self._app(_uncompressed(scope), receive, add)


def _uncompressed(scope: Scope) -> Scope:
    """Return `scope` as if compressed answers were refused: in them no head is found."""
    kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": kept}


def _is_page(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


async def _tell(start: Message, page: bytes, scope: Scope, send: Send) -> None:
    headers = MutableHeaders(scope=start)
    headers.add_vary_header("Accept-Encoding")
    # A page without a body answers HEAD.
    if page and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
        page = gzip.compress(page, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    if page:
        headers["content-length"] = str(len(page))
    await send(start)
    await send({"type": "http.response.body", "body": page})
