"""Real trace stores in processes of their own: Phoenix, and ClickHouse's engine behind HTTP."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).parent.parent
PHOENIX = ROOT / ".ready" / "phoenix" / "bin" / "phoenix"


@pytest.fixture(scope="session", autouse=True)
def head_start(request: pytest.FixtureRequest) -> None:
    """Start Phoenix first if some test will ask it: it takes 20 seconds to be there.

    Of several processes that share the tests, the one that comes to it starts it then.
    """
    alone = not hasattr(request.config, "workerinput")
    if alone and any("[phoenix" in item.nodeid for item in request.session.items):
        request.getfixturevalue("phoenix_starting")


@contextmanager
def running(command: list[str | Path], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def clickhouse_url() -> Iterator[str]:
    port = _free_port()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        command = [sys.executable, "-m", "tests.clickhouse_server", str(port), folder]
        process = stack.enter_context(running(command, cwd=ROOT, stdout=subprocess.PIPE))
        assert process.stdout is not None
        stack.enter_context(process.stdout)
        assert process.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def phoenix_starting() -> Iterator[str]:
    """Phoenix on its way: it takes 20 seconds, in which the other stores are asked."""
    assert PHOENIX.exists(), "run `make .ready/phoenix/bin/phoenix`: `make test` does so by itself"
    port = _free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {
            # What it compiles at its first start is kept, whatever the environment says.
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "PHOENIX_WORKING_DIR": folder,
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(_free_port()),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        }
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with running([PHOENIX, "serve"], env=environment, cwd=folder, **silent):
            yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def phoenix_url(phoenix_starting: str) -> str:
    waiting = threading.Event()
    for _ in range(1200):
        if _answers(phoenix_starting):
            return phoenix_starting
        waiting.wait(0.1)
    raise AssertionError("Phoenix did not start within two minutes")


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/v1/projects").status_code == 200
    return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
