"""Streamlit's files from memory: asked for once, compressed, and otherwise as they were."""

import gzip
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.kept_files import KeptFiles

SCRIPT = b"export const one = 1;\n" * 500
FONT = bytes(range(256)) * 4
FOREVER = {"cache-control": "public, immutable, max-age=31536000", "etag": '"1"'}


class Files:
    """Answers as Streamlit does, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        if path.endswith(".js"):
            return Response(SCRIPT, media_type="application/javascript", headers=FOREVER)
        if path.endswith(".woff2"):
            return Response(FONT, media_type="font/woff2", headers=FOREVER)
        if path.endswith(".json"):
            return Response(
                "{}", media_type="application/json", headers={"cache-control": "no-cache"}
            )
        return Response("no such file", 404, headers=FOREVER)


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def client(files: Files) -> Iterator[TestClient]:
    with TestClient(KeptFiles(Starlette(routes=[Route("/{path:path}", files.answer)]))) as made:
        yield made


def test_a_file_is_asked_for_once_and_comes_compressed(client: TestClient, files: Files) -> None:
    first, second = client.get("/static/a.js"), client.get("/static/a.js")

    assert files.asked == ["/static/a.js"]
    assert first.content == second.content == SCRIPT  # as the client unpacks it
    assert second.headers["content-encoding"] == "gzip"
    assert int(second.headers["content-length"]) < len(SCRIPT) / 10
    assert second.headers["etag"] == 'W/"1"'
    assert second.headers["cache-control"] == FOREVER["cache-control"]
    assert second.headers["vary"] == "Accept-Encoding"


def test_what_does_not_become_smaller_comes_as_it_is(client: TestClient, files: Files) -> None:
    client.get("/static/a.woff2")
    again = client.get("/static/a.woff2")

    assert (again.content, len(files.asked)) == (FONT, 1)
    assert "content-encoding" not in again.headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/a.js", {"accept-encoding": "identity"}),
        ("/static/a.js", {"range": "bytes=0-9"}),
        ("/static/a.js", {"if-none-match": '"1"'}),
        ("/static/manifest.json", {}),
        ("/static/gone.txt", {}),
        ("/media/a.js", {}),
    ],
    ids=["not compressed", "a part", "if changed", "may change", "missing", "elsewhere"],
)
def test_all_else_is_asked_for_each_time(
    client: TestClient, files: Files, path: str, headers: dict[str, str]
) -> None:
    for _ in range(2):
        assert "content-encoding" not in client.get(path, headers=headers).headers

    assert files.asked == [path, path]


def test_what_is_kept_has_a_limit(files: Files) -> None:
    served = Starlette(routes=[Route("/{path:path}", files.answer)])
    client = TestClient(KeptFiles(served, most_bytes=len(gzip.compress(SCRIPT))))

    for path in ("/static/a.js", "/static/b.js", "/static/b.js", "/static/a.js"):
        assert client.get(path).content == SCRIPT

    assert files.asked == ["/static/a.js", "/static/b.js", "/static/b.js"]
