"""How we reach Prometheus and show who we are; what silence means; no secret in any error."""

import logging
import socket
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from signals import UnreachableError
from signals.prometheus import PrometheusAccess
from tests.fake_prometheus import AT, RATE, FakePrometheus, read_error, serving, success, vector
from tests.prometheus import free_port

SECRET = "s3cret-t0ken"


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        yield fake


def test_credentials_and_tenant_are_sent(fake: FakePrometheus) -> None:
    fake.connect(bearer_token=SECRET, tenant="team-a").evaluate("up", at=AT)
    fake.connect(username="wakeful", password="pässwörd€").evaluate("up", at=AT)
    first, second = (request.headers for request in fake.requests)
    assert (first["Authorization"], first["X-Scope-OrgID"]) == (f"Bearer {SECRET}", "team-a")
    pair = b64encode("wakeful:pässwörd€".encode()).decode()
    assert second["Authorization"] == f"Basic {pair}"
    assert "X-Scope-OrgID" not in second


def test_a_user_in_the_url_is_sent_as_basic_authentication(fake: FakePrometheus) -> None:
    url = fake.url.replace("://", "://wakeful:p%40ss@")
    fake.connect(url=url).read(RATE, at=AT)
    pair = b64encode(b"wakeful:p@ss").decode()
    assert fake.requests[0].headers["Authorization"] == f"Basic {pair}"


def test_on_loopback_answers_are_asked_for_uncompressed(fake: FakePrometheus) -> None:
    fake.connect().read(RATE, at=AT)
    assert fake.requests[0].headers["Accept-Encoding"] == "identity"


def test_the_environment_changes_nothing(
    fake: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    fake.answer(success(vector("1")))
    assert fake.connect().read(RATE, at=AT).samples


def test_the_server_is_told_how_long_we_wait(fake: FakePrometheus) -> None:
    fake.connect(timeout=timedelta(seconds=2.5)).read(RATE, at=AT)
    assert fake.seen[0]["timeout"] == "2500ms"


@contextmanager
def raw_server(reply: bytes) -> Iterator[str]:
    """Serve one connection with `reply` and close it; with no reply, keep it open silently."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        if reply:
            threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_says_nothing_is_unreachable_in_time() -> None:
    with raw_server(b"") as url:
        error = read_error(url, timeout=timedelta(seconds=0.2))
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("did not answer within 0.2 s")


def test_an_answer_broken_off_is_unreachable() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with raw_server(head + b'{"status":"success","data":{"resultTy') as url:
        error = read_error(url)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("broke off its answer")


def test_a_server_that_hangs_up_is_unreachable() -> None:
    with raw_server(b"\r\n") as url:
        assert isinstance(read_error(url), UnreachableError)


def test_a_closed_port_is_unreachable_and_named() -> None:
    place = f"127.0.0.1:{free_port()}"
    error = read_error(f"http://{place}")
    assert isinstance(error, UnreachableError)
    assert str(error) == (f"Prometheus at {place} could not be reached: Connection refused")


def test_plain_http_where_tls_is_expected_is_unreachable(fake: FakePrometheus) -> None:
    error = read_error(fake.url.replace("http://", "https://"))
    assert isinstance(error, UnreachableError)


def test_a_missing_certificate_authority_is_named() -> None:
    error = read_error("https://127.0.0.1:1", ca_cert="/nowhere/ca.pem")
    assert str(error).endswith("the file of the certificate authority is not readable")


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET}\u2026"])
def test_a_token_that_no_header_carries_is_refused_without_showing_it(
    fake: FakePrometheus, token: str
) -> None:
    error = read_error(fake.url, bearer_token=token)
    assert isinstance(error, UnreachableError)
    assert "the bearer token or the tenant holds characters" in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 429, 500, 503])
def test_no_error_shows_a_secret(
    fake: FakePrometheus, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.answer("nonsense", status)
    url = fake.url.replace("://", f"://wakeful:{SECRET}@")
    errors = [read_error(url), read_error(url, bearer_token=SECRET)]
    shown = "".join(line for error in errors for line in traceback.format_exception(error))
    assert SECRET not in shown + caplog.text
    assert b64encode(f"wakeful:{SECRET}".encode()).decode() not in shown + caplog.text


def test_silence_shows_no_secret() -> None:
    place = f"127.0.0.1:{free_port()}"
    error = read_error(f"http://wakeful:{SECRET}@{place}", bearer_token=SECRET)
    assert SECRET not in "".join(traceback.format_exception(error))


def test_access_does_not_show_its_secrets() -> None:
    access = PrometheusAccess(url="http://p", bearer_token=SECRET, password=SECRET)
    assert SECRET not in repr(access)
