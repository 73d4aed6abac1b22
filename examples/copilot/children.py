"""The processes that the demo starts, watches and stops; nothing else is ever touched."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

STOP_SECONDS = 10.0
READY_SECONDS = 60.0
POLL_SECONDS = 0.1
RECORD = "running.json"


class ChildError(Exception):
    """A process did not come up or has ended; the message names it and its log."""


@dataclass(slots=True, kw_only=True)
class Child:
    """One process, its log, and the URL that answers once it is ready."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    ready_url: str

    def last_words(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def end(self) -> None:
        """Ask it to stop; if it does not listen, kill it."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Children:
    """All processes of one demo, in the order they were started."""

    def __init__(self, folder: Path) -> None:
        """Keep logs and the list of processes in `folder`."""
        self._folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._running: list[Child] = []

    def start(
        self, name: str, command: Sequence[str], ready_url: str, env: Mapping[str, str]
    ) -> None:
        """Start a process in a session of its own, so that Ctrl-C reaches only the demo."""
        log = self._logs / f"{name.lower()}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(env),
                start_new_session=True,
            )
        self._running.append(Child(name=name, process=process, log=log, ready_url=ready_url))
        self._remember()

    def wait_until_ready(self, stopped: threading.Event) -> None:
        """Return when every process answers.

        Raises:
            ChildError: One has ended, or does not answer in a minute.
        """
        deadline = time.monotonic() + READY_SECONDS
        with httpx2.Client(trust_env=False, timeout=2) as client:
            for child in self._running:
                while not stopped.is_set() and not _answers(client, child.ready_url):
                    self.check()
                    if time.monotonic() > deadline:
                        raise ChildError(f"{child.name} does not answer; see {child.log}")
                    stopped.wait(POLL_SECONDS)

    def check(self) -> None:
        """Raise ChildError if a process has ended by itself."""
        for child in self._running:
            code = child.process.poll()
            if code is not None:
                raise ChildError(
                    f"{child.name} ended with code {code}: {child.last_words()} (see {child.log})"
                )

    def stop(self) -> None:
        """Stop every process, senders before receivers; whoever does not listen is killed."""
        for child in self._running:
            child.end()
        self._running.clear()
        (self._folder / RECORD).unlink(missing_ok=True)

    def stop_one(self, name: str) -> None:
        """Stop the process of that name, and forget it; the others run on."""
        for child in [child for child in self._running if child.name == name]:
            child.end()
            self._running.remove(child)
        self._remember()

    def _remember(self) -> None:
        pids = [("demo", os.getpid())]
        pids += [(child.name, child.process.pid) for child in self._running]
        record = [(name, pid, _started(pid)) for name, pid in pids]
        (self._folder / RECORD).write_text(json.dumps(record))


def left_over(folder: Path) -> dict[str, int]:
    """Return what an earlier demo in `folder` started and still runs, by name: its pid.

    The demo itself is among them, as "demo", if it runs.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        known = [(str(name), int(pid), str(started)) for name, pid, started in record]
    except (OSError, ValueError, TypeError):
        return {}
    # A pid is used again by others; a pid with its start is not.
    return {name: pid for name, pid, started in known if started and _started(pid) == started}


def stop_left_over(folder: Path) -> dict[str, int]:
    """Stop an earlier demo, or what it left behind; return what that was."""
    found = left_over(folder)
    # A demo that runs stops its processes itself, in order.
    targets = {"demo": found["demo"]} if "demo" in found else found
    for pid in targets.values():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 2 * STOP_SECONDS
    while left_over(folder) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def _started(pid: int) -> str:
    """Return when the process `pid` started, in the words of `ps`; empty if there is none."""
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(url).status_code < 500
    except httpx2.HTTPError:
        return False
