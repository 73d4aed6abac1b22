"""The real `wakeful up`, in a process of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench import processes

PROGRAM = Path(sys.executable).with_name("wakeful")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running Wakeful: where it listens, and its process."""

    host: str
    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        """Return its base URL."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def up(data: Path, **settings: str) -> Iterator[Running]:
    """Run `wakeful up` on the folder `data` while the block lasts.

    Args:
        data: Its data folder; may hold databases already.
        settings: More settings, by the name of the field.
    """
    port = processes.free_port()
    settings |= {"data_dir": str(data), "port": str(port), "log_level": "WARNING"}
    env = {f"WAKEFUL_{name.upper()}": value for name, value in settings.items()}
    with processes.running([PROGRAM, "up"], log=data / "wakeful.log", env=env) as process:
        running = Running(host="127.0.0.1", port=port, process=process)
        processes.wait_until(lambda: _is_healthy(running.url), what="Wakeful is healthy")
        yield running


def _is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False
