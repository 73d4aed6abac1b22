"""Which of Streamlit's files are fetched with a page."""

import ast
import inspect
from pathlib import Path
from typing import Final

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app import preloading

APP: Final = Path(preloading.__file__).parent
# Which of Streamlit's files draws what a page calls.
DRAWN_BY: Final = {
    "checkbox": "Checkbox",
    "date_input": "DateInput",
    "datetime_input": "DateTimeInput",
    "multiselect": "Multiselect",
    "number_input": "NumberInput",
    "pills": "ButtonGroup",
    "segmented_control": "ButtonGroup",
    "selectbox": "Selectbox",
    "text_area": "TextArea",
    "text_input": "TextInput",
    "time_input": "TimeInput",
    "toggle": "Checkbox",
}
TEXT: Final = "<p>text" * 200
# These keep a value too, but nobody fills them in beforehand.
BEGIN_AS_THEY_ARE: Final = {"file_uploader", "pagination"}


def called() -> set[str]:
    """Return every name that our pages call on something with a key, as each field has one."""
    return {
        node.func.attr
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and "key" in {keyword.arg for keyword in node.keywords}
    }


def keeps_a_value(name: str) -> bool:
    """Say whether Streamlit has a widget of that name whose state can be made to persist."""
    widget = getattr(st, name)
    return callable(widget) and "persist_state" in inspect.signature(widget).parameters


def test_every_field_that_a_page_draws_is_fetched_with_it() -> None:
    fields = {name for name in called() if hasattr(st, name) and keeps_a_value(name)}
    assert {"text_input", "selectbox"} <= fields
    assert fields - BEGIN_AS_THEY_ARE <= set(DRAWN_BY)
    assert set(DRAWN_BY.values()) == set(preloading.WIDGETS)


def test_the_files_of_every_field_and_chart_are_named_once_and_are_there() -> None:
    found = preloading.files()

    assert len(found) == len(set(found))
    for kind in (*preloading.WIDGETS, *preloading.CHARTS):
        assert [name for name in found if name.startswith(f"{kind}.")], kind
    assert all((preloading.STATIC / "static" / "js" / name).is_file() for name in found)


@pytest.fixture
def client() -> TestClient:
    """Return a browser of pages that are compressed, as Streamlit does with all but the first."""
    pages = [
        Route("/", lambda _: HTMLResponse(f"<head><script src=own></script></head>{TEXT}")),
        Route("/part", lambda _: HTMLResponse(TEXT)),
        Route("/healthz", lambda _: PlainTextResponse("</head>")),
    ]
    app = Starlette(routes=pages, middleware=[Middleware(GZipMiddleware)])
    return TestClient(preloading.Preloading(app), headers={"accept": "text/html,*/*"})


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_page_names_them_after_its_own(client: TestClient, accepted: str) -> None:
    page = client.get("/", headers={"accept-encoding": accepted})

    own, _, named = page.text.partition("</script>")
    assert "modulepreload" not in own
    assert named.count('rel="modulepreload"') == len(preloading.files())
    assert named.endswith(f"</head>{TEXT}")
    assert page.headers.get("content-encoding", "identity") == accepted


def test_all_but_pages_stays_as_it_is(client: TestClient) -> None:
    assert client.get("/part").text == TEXT
    assert client.get("/healthz").text == "</head>"
    assert client.head("/").status_code == 200
    assert "modulepreload" not in client.get("/", headers={"accept": "*/*"}).text
