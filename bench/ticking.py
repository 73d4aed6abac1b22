"""Wakeful's evaluator, in a process of its own: `python -m bench.ticking --help`.

Prints one line of JSON: see `Ticks`.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import psutil
from sqlmodel import Session, col, func, select

from alerts.settings import Settings
from alerts.wiring import Role, wire
from bench.processes import cpu_seconds, resident_mb
from models.database import read_only
from models.tables import Alert
from models.vocabulary import AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """What the ticks took.

    Attributes:
        seconds: Of each tick after the first, which opens the alerts there are.
        first_seconds: Of that one.
        cpu_seconds: Of this process, in the ticks of `seconds`.
        peer_cpu_seconds: Of Prometheus, from the first to the last of them.
        elapsed_seconds: From the first to the last of them.
        resident_mb: Of this process, at the end.
        firing: Alerts at the end.
    """

    seconds: list[float]
    first_seconds: float
    cpu_seconds: float
    peer_cpu_seconds: float
    elapsed_seconds: float
    resident_mb: float
    firing: int


def main() -> None:
    """Tick, as the engine's job does, at the interval of the rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="folder of the database")
    parser.add_argument("url", help="of Prometheus")
    parser.add_argument("pid", type=int, help="of Prometheus")
    parser.add_argument("interval", type=int, help="seconds")
    parser.add_argument("ticks", type=int)
    options = parser.parse_args()
    print(json.dumps(asdict(tick(options))))


def tick(options: argparse.Namespace) -> Ticks:
    """Return what the ticks took."""
    settings = Settings(data_dir=options.data, prometheus_url=options.url, trace_store_url="none")
    wiring = wire(settings, Role.ENGINE)
    jobs = wiring.jobs()
    own, peer = psutil.Process(), psutil.Process(options.pid)
    first = _timed(jobs.evaluate)
    _wait_for(options.interval)
    started, peer_before, cpu, seconds = time.monotonic(), cpu_seconds(peer), 0.0, []
    for _ in range(options.ticks):
        before = time.process_time()
        seconds.append(_timed(jobs.evaluate))
        cpu += time.process_time() - before
        _wait_for(options.interval)
    with Session(read_only(wiring.db)) as session:
        firing = session.exec(
            select(func.count()).where(col(Alert.state) == AlertState.FIRING)
        ).one()
    return Ticks(
        seconds=seconds,
        first_seconds=first,
        cpu_seconds=cpu,
        peer_cpu_seconds=cpu_seconds(peer) - peer_before,
        elapsed_seconds=time.monotonic() - started,
        resident_mb=resident_mb(own),
        firing=firing,
    )


def _timed(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _wait_for(interval: int) -> None:
    """Wait for the next multiple of `interval`, at which every rule is due again."""
    time.sleep(interval - time.time() % interval + 0.05)


if __name__ == "__main__":
    main()
