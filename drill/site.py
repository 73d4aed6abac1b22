"""Where a drill takes place: a database, rules, vendors, and engines to start and kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_httpserver import HTTPServer
from sqlalchemy import Engine

from alerts import intake
from drill.vendors import Vendors
from models import database
from models.clock import utc_now

RULES = """
version: 1
policies:
  - name: short
    storm_limit: 0
    steps:
      - {after: 0s, channels: ["slack:#llm"]}
      - {after: 1s, channels: ["pagerduty:default"]}
rules:
  - name: Errors
    owner: ada
    condition: {kind: threshold, signal: error_ratio, bound: 0.05, window: 5m, by: [feature]}
    for: 0s
    interval: 1s
    policy: short
"""


class DrillError(Exception):
    """The drill itself could not go on; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Victim:
    """A running engine, and the point at which it will kill itself."""

    process: "subprocess.Popen[bytes]"
    point: str


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything one drill needs."""

    db: Engine
    vendors: Vendors
    folder: Path
    running: list[Victim] = field(default_factory=list)

    def start(self, point: str = "none", count: int = 0) -> Victim:
        """Start an engine that kills itself when it passes `point` for the `count`-th time."""
        env = {
            "PATH": os.environ["PATH"],
            "WAKEFUL_DATABASE_URL": self.db.url.render_as_string(hide_password=False),
            "WAKEFUL_DATA_DIR": str(self.folder),
            **self.vendors.settings,
        }
        with (self.folder / "engine.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "drill.engine", point, str(count)],
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        engine = Victim(process, point)
        self.running.append(engine)
        return engine

    def stop(self) -> None:
        """Stop every engine, as an operator would."""
        for engine in self.running:
            engine.process.send_signal(signal.SIGTERM)
        for engine in self.running:
            engine.process.wait(60)
        self.running.clear()

    def kill(self) -> None:
        """Leave nothing running."""
        for engine in self.running:
            engine.process.kill()
            engine.process.wait()
        self.running.clear()


@contextmanager
def site(db: Engine, folder: Path, rules: str = RULES) -> Iterator[Site]:
    """Give a site on an empty, migrated database."""
    server = HTTPServer(threaded=True)
    server.start()
    place = Site(db=db, vendors=Vendors(server), folder=folder)
    try:
        intake.load(db, rules, by="drill", now=utc_now())
        yield place
    finally:
        place.kill()
        server.clear()
        server.stop()


@contextmanager
def sqlite(folder: Path) -> Iterator[Engine]:
    """Give an empty, migrated SQLite database."""
    engine = database.connect(f"sqlite:///{folder / 'drill.db'}")
    database.migrate(engine)
    yield engine
    engine.dispose()


def until(holds: Callable[[], object], *, what: str, seconds: float = 60) -> float:
    """Return after how many seconds `holds()`.

    Raises:
        DrillError: It did not within `seconds`.
    """
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise DrillError(f"{what}: not so after {seconds:g} s")
        time.sleep(0.02)
    return time.monotonic() - started
