"""Fetching a calendar: bounded in time and size, and no way into the private network."""

import gzip
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.calendars import CalendarError
from alerts.calendars.fetch import HOPS, SIZE_LIMIT, fetch, onwards, public
from alerts.settings import Settings
from tests.vendors import Wire, answer

HERE = frozenset({"127.0.0.1", "localhost"})
SECRET = "/private-5f3a9b/basic.ics"
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def asked(url: str, seconds: float = 2) -> bytes:
    return fetch(url, private=HERE, patience=timedelta(seconds=seconds))


def test_a_calendar_is_fetched_under_its_own_name(httpserver: HTTPServer) -> None:
    hosts: list[str] = []

    def give(request: Request) -> Response:
        hosts.append(request.host)
        return Response(BODY, content_type="text/calendar")

    httpserver.expect_request(SECRET).respond_with_handler(give)
    assert asked(httpserver.url_for(SECRET)) == BODY
    assert hosts == [f"localhost:{httpserver.port}"]


def test_a_packed_answer_is_unpacked(httpserver: HTTPServer) -> None:
    headers = {"Content-Encoding": "gzip"}
    httpserver.expect_request(SECRET).respond_with_data(gzip.compress(BODY), headers=headers)
    assert asked(httpserver.url_for(SECRET)) == BODY


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",  # 127.0.0.1 as one number
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",  # a cloud's metadata
        "100.64.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
    ],
)
def test_what_is_inside_the_network_is_not_asked(host: str) -> None:
    with pytest.raises(CalendarError, match="inside a private network"):
        fetch(f"http://{host}:1/{SECRET}")


def test_the_operator_may_name_hosts_inside_the_network() -> None:
    settings = Settings(calendar_hosts=" Calendar.Corp, 10.0.0.7,")
    assert settings.private_calendar_hosts == {"calendar.corp", "10.0.0.7"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("224.0.0.1", False),
        ("2002:7f00:1::", False),  # 6to4 around 127.0.0.1
        ("64:ff9b::7f00:1", False),  # NAT64 around it
    ],
)
def test_an_address_is_judged_by_where_it_leads(address: str, expected: bool) -> None:
    assert public(ipaddress.ip_address(address)) is expected


def test_a_redirect_is_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data(status=302, headers={"Location": SECRET})
    httpserver.expect_request(SECRET).respond_with_data(BODY)
    assert asked(httpserver.url_for("/old")) == BODY


def test_a_redirect_into_the_network_is_not_followed(httpserver: HTTPServer) -> None:
    headers = {"Location": "http://169.254.169.254/latest/meta-data/"}
    httpserver.expect_request("/").respond_with_data(status=302, headers=headers)
    with pytest.raises(CalendarError, match=r"169\.254\.169\.254 is inside a private network"):
        asked(httpserver.url_for("/"))


def test_redirects_end(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": "/"})
    with pytest.raises(CalendarError, match="without end"):
        asked(httpserver.url_for("/"))
    assert len(httpserver.log) == HOPS + 1


@pytest.mark.parametrize(
    "location", ["http://cal.example.org/x", "file:///etc/passwd", "gopher://x/"]
)
def test_a_redirect_leads_to_nothing_less_safe(location: str) -> None:
    with pytest.raises(CalendarError, match="not followed"):
        onwards("https://cal.example.org/x.ics", location)


def packed_zeros() -> bytes:
    return answer(200, gzip.compress(bytes(50 * SIZE_LIMIT)), Content_Encoding="gzip")


def torn() -> bytes:
    return answer(200, gzip.compress(BODY)[:-9], Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        pytest.param(answer(404, b"no"), "answered HTTP 404", id="not there"),
        pytest.param(answer(200, bytes(SIZE_LIMIT + 1)), "more than 2 MB", id="huge"),
        pytest.param(packed_zeros(), "more than 2 MB", id="huge once unpacked"),
        pytest.param(
            answer(200, b"not packed", Content_Encoding="gzip"), "be asked", id="not gzip"
        ),
        pytest.param(torn(), "sent a part of it", id="torn"),
        pytest.param(answer(200, BODY, cut=9), "could not be asked", id="cut off"),
        pytest.param(b"220 smtp ready\r\n\r\n", "could not be asked", id="not HTTP"),
        pytest.param(None, "did not answer within 1 s", id="silent"),
    ],
)
def test_what_is_no_calendar_gets_a_sentence(told: bytes | None, complaint: str) -> None:
    with Wire(told) as wire, pytest.raises(CalendarError, match=complaint) as raised:
        asked(f"{wire.url}{SECRET}", seconds=1)
    assert SECRET not in str(raised.value)


def test_nobody_listening_gets_a_sentence() -> None:
    with Wire(None, listening=False) as wire, pytest.raises(CalendarError, match="be asked"):
        asked(f"{wire.url}{SECRET}")


def test_an_unknown_host_gets_a_sentence() -> None:
    with pytest.raises(CalendarError, match="is not the name of any host"):
        asked("https://nowhere.invalid/x.ics", seconds=20)


@contextmanager
def dripping() -> Iterator[str]:
    """A server that sends one byte of its head every now and then, for ever."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not stop.wait(0.05):
                    try:
                        connection.send(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(5)


def test_a_server_that_drips_is_left_in_time() -> None:
    started = time.monotonic()
    with dripping() as url, pytest.raises(CalendarError, match="did not answer within 1 s"):
        asked(f"{url}{SECRET}", seconds=1)
    assert time.monotonic() - started < 5
