from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from alerts.settings import Settings
from app.gate import Gate, Visitors, login_routes

HERE = ("127.0.0.1", 50000)
ELSEWHERE = ("10.0.0.9", 50000)
DOORS = ("/v1/traces", "/api/annotations", "/api/outcomes")


def client(settings: Settings, *, peer: tuple[str, int] = HERE) -> TestClient:
    def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(unquote(request.headers["x-wakeful-user"]))

    def door(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("open")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(unquote(websocket.headers["x-wakeful-user"]))
        await websocket.close()

    visitors = Visitors(settings)
    routes = [
        *login_routes(visitors),
        *(Route(path, door) for path in DOORS),
        Route("/alerts", page),
        WebSocketRoute("/_stcore/stream", socket),
    ]
    app = Gate(Starlette(routes=routes), visitors)
    return TestClient(app, follow_redirects=False, client=peer)


GUARDED = Settings(host="0.0.0.0", access_token="hunter2")
PROXIED = Settings(proxy_user_header="X-Forwarded-User")


def test_on_loopback_everyone_is_the_local_user() -> None:
    assert client(Settings(user="ada")).get("/alerts").text == "ada"


def test_nobody_can_say_who_they_are_by_our_own_header() -> None:
    spoofed = {"X-Wakeful-User": "mallory"}
    assert client(Settings(user="ada")).get("/alerts", headers=spoofed).text == "ada"


def test_a_stranger_is_sent_to_the_login_and_back_to_the_deep_link() -> None:
    visitor = client(GUARDED)
    turned_away = visitor.get("/alerts?alert=7")
    assert turned_away.headers["location"] == "/login?next=%2Falerts%3Falert%3D7"
    form = {"password": "hunter2", "name": "Zoë", "next": "/alerts?alert=7"}
    signed_in = visitor.post("/login", data=form)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/alerts?alert=7")
    assert visitor.get("/alerts").text == "Zoë"


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"password": "guess", "name": "ada"}, "not the password"),
        ({"password": "hunter2", "name": " "}, "say who you are"),
    ],
)
def test_a_wrong_login_says_why(form: dict[str, str], complaint: str) -> None:
    answer = client(GUARDED).post("/login", data=form)
    assert answer.status_code == 401
    assert complaint in answer.text


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_login_leads_nowhere_else(wanted: str) -> None:
    form = {"password": "hunter2", "name": "ada", "next": wanted}
    assert client(GUARDED).post("/login", data=form).headers["location"] == "/"


def test_a_forged_cookie_is_a_stranger() -> None:
    visitor = client(GUARDED)
    visitor.cookies.set("wakeful_user", "ImFkYSI.aaaaaa.forged")
    assert visitor.get("/alerts").status_code == 303


def test_a_strangers_websocket_is_closed() -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client(GUARDED).websocket_connect("/_stcore/stream"),
    ):
        pass
    assert closed.value.code == 4401


def test_a_known_websocket_carries_its_user() -> None:
    with client(Settings(user="ada")).websocket_connect("/_stcore/stream") as websocket:
        assert websocket.receive_text() == "ada"


@pytest.mark.parametrize("path", DOORS)
def test_doors_with_their_own_checks_stay_open(path: str) -> None:
    assert client(GUARDED).get(path).text == "open"


def test_a_proxy_on_loopback_names_the_user() -> None:
    headers = {"X-Forwarded-User": "ada"}
    assert client(PROXIED).get("/alerts", headers=headers).text == "ada"
    assert client(PROXIED).get("/alerts").status_code == 303


def test_a_proxys_header_from_elsewhere_counts_for_nothing() -> None:
    headers = {"X-Forwarded-User": "mallory"}
    answer = client(PROXIED, peer=ELSEWHERE).get("/alerts", headers=headers)
    assert answer.status_code == 303
