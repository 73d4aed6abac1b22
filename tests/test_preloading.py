"""Which of Streamlit's files are fetched with a page."""

import ast
import inspect
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.applications import Starlette
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


def test_only_a_page_names_them_and_after_its_own() -> None:
    pages = [
        Route("/", lambda _: HTMLResponse("<head><script src=own></script></head><p>")),
        Route("/part", lambda _: HTMLResponse("<p>no head")),
        Route("/healthz", lambda _: PlainTextResponse("</head>")),
    ]
    client = TestClient(preloading.Preloading(Starlette(routes=pages)))

    page = client.get("/")
    own, _, named = page.text.partition("</script>")
    assert "modulepreload" not in own
    assert named.count('rel="modulepreload"') == len(preloading.files())
    assert named.endswith("</head><p>")
    assert int(page.headers["content-length"]) == len(page.content)
    assert client.get("/part").text == "<p>no head"
    assert client.get("/healthz").text == "</head>"
    assert client.head("/").status_code == 200
