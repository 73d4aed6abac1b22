"""Streamlit's widgets, fetched with the page and not when the first of a kind is to be drawn.

Streamlit tells the browser once what a field begins with. A browser that is still fetching the
widget's code when the page is drawn again begins with an empty field instead, and sends that back
as if it were typed: on a slow line, the second press in a form empties what it was filled with. So
every page names that code in its `Link` header, and the browser fetches it beside the page's own.
"""

import logging
import re
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Every kind of widget that keeps a value, by the name of its file.
WIDGETS: Final = (
    *("ButtonGroup", "Checkbox", "DateInput", "DateTimeInput", "Multiselect", "NumberInput"),
    *("Selectbox", "TextArea", "TextInput", "TimeInput"),
)
STATIC: Final = Path(streamlit.__file__).with_name("static")
_IMPORTED: Final = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')

logger = logging.getLogger(__name__)


def files() -> list[str]:
    """Return the widgets' files and what these import, but for what the page itself names.

    A widget without a file, in a Streamlit newer than we know, is logged: pages go on without it.
    """
    scripts = STATIC / "static" / "js"
    page = (STATIC / "index.html").read_text()
    found: set[str] = set()
    wanted = []
    for widget in WIDGETS:
        names = [path.name for path in scripts.glob(f"{widget}.*.js")]
        if not names:
            logger.warning("not_preloaded widget=%s streamlit=%s", widget, streamlit.__version__)
        wanted += names
    while wanted:
        name = wanted.pop()
        if name not in found and name not in page:
            found.add(name)
            wanted += _IMPORTED.findall((scripts / name).read_text())
    return sorted(found)


class Preloading:
    """Names the widgets' files on every page.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._link = ",".join(f"<static/js/{name}>;rel=modulepreload" for name in files())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and add the header to what is a page."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("link", self._link)
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
