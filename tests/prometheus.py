"""A real Prometheus on a loopback port, with a storage of its own."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from scripts.servers import find

READY_SECONDS = 30
NO_TARGETS = "scrape_configs: []\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running Prometheus.

    Attributes:
        pid: For tests that stop it.
    """

    url: str
    pid: int


def program(name: str) -> Path:
    """Return `prometheus` or `promtool`, or fail the test that needs it."""
    path = find(name)
    if path is None:
        pytest.fail(f"{name} is missing: run python scripts/servers.py prometheus")
    return path


def backfill(storage: Path, openmetrics: str) -> None:
    """Write blocks with the samples of an OpenMetrics text; before the server starts."""
    source = storage.with_suffix(".om")
    source.write_text(openmetrics)
    command = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    done = subprocess.run(
        [*command, "--max-block-duration=24h", source, storage],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def running(
    folder: Path,
    *,
    storage: Path | None = None,
    config: str = NO_TARGETS,
    flags: Sequence[str] = (),
) -> Iterator[Server]:
    """Run a Prometheus in `folder` while the block lasts, ready to answer.

    Args:
        folder: For its configuration, storage and log.
        storage: Blocks written by `backfill`; its own otherwise.
        config: Its configuration, YAML.
        flags: More of its command line.
    """
    port = free_port()
    settings = folder / "prometheus.yml"
    settings.write_text(config)
    command = [
        program("prometheus"),
        f"--config.file={settings}",
        f"--storage.tsdb.path={storage or folder / 'storage'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    log = folder / "prometheus.log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _is_ready(url, process, log), seconds=READY_SECONDS)
            yield Server(url=url, pid=process.pid)
        finally:
            process.terminate()
            process.wait(10)


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    """Return once `holds()`; fail the test if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _is_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-2000:]
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False
