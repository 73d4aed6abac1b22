"""A real VictoriaMetrics on a loopback port, with a storage of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from scripts.servers import find
from tests.prometheus import NO_TARGETS, READY_SECONDS, Server, free_port, wait_until


@contextmanager
def running(folder: Path, *, config: str = NO_TARGETS) -> Iterator[Server]:
    """Run a VictoriaMetrics in `folder` while the block lasts, ready to answer.

    Args:
        folder: For its configuration, storage and log.
        config: What to scrape, in Prometheus' YAML.
    """
    program = find("victoria-metrics")
    if program is None:
        pytest.fail("victoria-metrics is missing: python scripts/servers.py victoria-metrics")
    port = free_port()
    settings = folder / "scrape.yml"
    settings.write_text(config)
    command = [
        program,
        f"-storageDataPath={folder / 'victoria'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-promscrape.config={settings}",
        "-retentionPeriod=100y",
        # It hides the last half minute otherwise, since writers may be late.
        "-search.latencyOffset=0s",
    ]
    log = folder / "victoria.log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _is_ready(url, process, log), seconds=READY_SECONDS)
            yield Server(url=url, pid=process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _is_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-2000:]
    try:
        return requests.get(f"{url}/health", timeout=1).ok
    except requests.ConnectionError:
        return False
