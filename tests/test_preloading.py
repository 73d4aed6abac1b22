"""Which of Streamlit's files are fetched with a page."""

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app import preloading


def test_the_file_of_every_field_is_named_once_and_is_there() -> None:
    found = preloading.files()

    assert len(found) == len(set(found))
    for widget in preloading.WIDGETS:
        assert [name for name in found if name.startswith(f"{widget}.")], widget
    assert all((preloading.STATIC / "static" / "js" / name).is_file() for name in found)


def test_only_a_page_names_them_and_fits_into_the_smallest_buffer_of_a_proxy() -> None:
    pages = [
        Route("/", lambda _: HTMLResponse("<p>")),
        Route("/healthz", lambda _: PlainTextResponse("ok")),
    ]
    client = TestClient(preloading.Preloading(Starlette(routes=pages)))

    link = client.get("/").headers["link"]
    assert link.count("rel=modulepreload") == len(preloading.files())
    assert len(link) < 3_000  # nginx takes 4 KiB of headers
    assert "link" not in client.get("/healthz").headers
