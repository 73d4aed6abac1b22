"""The whole demo: seven days of history, Prometheus, the copilot, the stand-ins, and Wakeful.

python -m examples.copilot.demo [--fresh] [--stop] [--folder .demo]
"""

import argparse
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from examples.copilot.children import ChildError, Children, left_over, stop_left_over
from examples.copilot.commands import Ports, choose_ports, environment, links_of, programs
from examples.copilot.preparation import Folder, PreparationError
from scripts.servers import MissingError, ensure, find

PULSE_SECONDS = 2.0


def main() -> int:
    """Run the demo until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="wakeful demo", description="Watch, break and heal")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where it keeps data")
    parser.add_argument("--fresh", action="store_true", help="forget earlier data first")
    parser.add_argument("--stop", action="store_true", help="stop a demo that runs, and exit")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.stop:
        stopped = stop_left_over(folder)
        print(f"Stopped: {_named(stopped)}." if stopped else "No demo is running.")
        return 0
    if found := left_over(folder):
        said = "An earlier demo still runs" if "demo" in found else "An earlier demo left programs"
        print(f"{said}: {_named(found)}.\nStop it with: wakeful demo --stop", file=sys.stderr)
        return 1
    try:
        return _run(Folder(folder), fresh=options.fresh)
    except (ChildError, PreparationError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1


def _run(folder: Folder, *, fresh: bool) -> int:
    begun = time.monotonic()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    prometheus = _find_prometheus()
    ports, taken = choose_ports()
    print(*taken, sep="\n", end="\n" if taken else "")
    env = environment(ports, folder.path, prometheus)
    _prepare(folder, env, prometheus, fresh=fresh)
    children = Children(folder.path)
    try:
        if not stopped.is_set():
            for program in programs(ports, folder.path, prometheus):
                children.start(program.name, program.command, program.ready_url, env)
            children.wait_until_ready(stopped)
        if not stopped.is_set():
            _announce(ports, prometheus, time.monotonic() - begun)
        while not stopped.wait(PULSE_SECONDS):
            children.check()
            folder.pulse(now=datetime.now(UTC), metrics=prometheus is not None)
        print("\nStopping …", flush=True)
    finally:
        children.stop()
    return 0


def _find_prometheus() -> Path | None:
    try:
        return ensure("prometheus")
    except MissingError as error:
        print(f"No Prometheus: {error}.\nMetrics are computed from traces instead.", flush=True)
        return None


def _prepare(folder: Folder, env: dict[str, str], prometheus: Path | None, *, fresh: bool) -> None:
    now = datetime.now(UTC)
    if not fresh and folder.is_recent(now=now, metrics=prometheus is not None):
        print("Using the data of the last demo (start with --fresh for new).", flush=True)
        return
    print("Writing seven days of history …", flush=True)
    folder.clear()
    promtool = find("promtool") if prometheus is not None else None
    folder.fill(promtool, env, now=now)


def _announce(ports: Ports, prometheus: Path | None, seconds: float) -> None:
    lines = [f"  {title + ':':19}{url}" for title, url in links_of(ports, prometheus)]
    beside = "\n".join(lines)
    port = "" if ports == Ports() else f" --url {ports.url('copilot')}"
    print(
        f"""
Ready after {seconds:.0f} s.

  Wakeful:           {ports.url("wakeful")}
{beside}

What to do next:
  1. Open Wakeful: the golden signals of a live LLM application.
  2. Break it: on the page above, or with
     uv run python -m examples.copilot.break slow-model{port}
  3. Within a minute the alert fires: Slack at once, PagerDuty 20 s later, and 40 s after that
     Ada Lovelace, who is on call. Press Acknowledge in Slack and it stops.
  4. Heal it (… break heal{port}) and the alert resolves everywhere.

Ctrl-C stops everything.""",
        flush=True,
    )


def _named(pids: dict[str, int]) -> str:
    return ", ".join(f"{name} (pid {pid})" for name, pid in pids.items())


if __name__ == "__main__":
    sys.exit(main())
