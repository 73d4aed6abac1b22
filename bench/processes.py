"""Other processes: started, watched, stopped; what they took of the processor and of memory."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

READY_SECONDS = 60
STOP_SECONDS = 20


class BenchError(Exception):
    """A part cannot be measured; the message says why."""


@contextmanager
def running(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    """Run `command` while the block lasts, its output in `log`."""
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        ) as child,
    ):
        try:
            yield psutil.Process(child.pid)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


def module(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    """Run `python -m name arguments` in a process of its own; return the JSON that it prints.

    Raises:
        BenchError: It failed; the message is the end of what it said.
    """
    command = [sys.executable, "-m", name, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    if done.returncode:
        raise BenchError(f"{name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def cpu_seconds(process: psutil.Process) -> float:
    """Return what `process` has taken of the processor, in and below the kernel's line."""
    times = process.cpu_times()
    return float(times.user + times.system)


def resident_mb(process: psutil.Process) -> float:
    """Return the resident memory, in megabytes."""
    return float(process.memory_info().rss) / 1e6


def wait_until(holds: Callable[[], bool], *, what: str, seconds: float = READY_SECONDS) -> None:
    """Return once `holds()`.

    Raises:
        BenchError: It did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not so after {seconds:g} s")
        time.sleep(0.1)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
