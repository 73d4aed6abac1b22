"""A Prometheus of our own: a past written into its storage, a target to scrape, rules to take."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from bench import processes
from bench.processes import BenchError
from scripts.servers import find

SCRAPE_SECONDS = 15
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running Prometheus, and the folder of its configuration."""

    url: str
    process: psutil.Process
    folder: Path

    def take(self, groups: Sequence[dict[str, Any]]) -> None:
        """Evaluate these rule groups from now on, and no others."""
        (self.folder / "rules.yml").write_text(yaml.dump({"groups": list(groups)}, Dumper=_Dumper))
        requests.post(f"{self.url}/-/reload", timeout=60).raise_for_status()

    def firing(self) -> int:
        """Return how many alerts of its rules are firing."""
        answer = requests.get(f"{self.url}/api/v1/alerts", timeout=60).json()
        return sum(alert["state"] == "firing" for alert in answer["data"]["alerts"])

    def value(self, expression: str) -> float:
        """Return the one value of `expression`, 0 without one."""
        answer = requests.get(
            f"{self.url}/api/v1/query", params={"query": expression}, timeout=60
        ).json()
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0


# The C dumper: ten thousand rules take the other half a minute.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def backfill(storage: Path, lines: Iterator[str]) -> None:
    """Write blocks with the OpenMetrics `lines`; before the server starts."""
    source = storage.with_suffix(".om")
    with source.open("w") as file:
        for line in lines:
            file.write(line + "\n")
        file.write("# EOF\n")
    command = [str(program("promtool")), "tsdb", "create-blocks-from", "openmetrics"]
    command += ["--max-block-duration=24h", str(source), str(storage)]
    log = storage.with_suffix(".log")
    with processes.running(command, log=log) as p:
        if p.wait(600):
            raise BenchError(f"promtool: {log.read_text()[-500:]}")
    source.unlink()


@contextmanager
def running(
    folder: Path,
    *,
    target: str = "",
    scrape_seconds: int = SCRAPE_SECONDS,
    alertmanager: str = "",
) -> Iterator[Server]:
    """Run a Prometheus over `folder`/storage while the block lasts.

    Args:
        folder: For its configuration, storage and log.
        target: What to scrape, `host:port`; nothing by default.
        scrape_seconds: How often.
        alertmanager: Where its alerts go, `host:port`; nowhere by default.
    """
    port = processes.free_port()
    scraped = [
        {"job_name": "copilot", "honor_labels": True, "static_configs": [{"targets": [target]}]}
    ]
    settings: dict[str, Any] = {
        "global": {"scrape_interval": f"{scrape_seconds}s"},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": scraped if target else [],
    }
    if alertmanager:
        peers = [{"static_configs": [{"targets": [alertmanager]}]}]
        settings["alerting"] = {"alertmanagers": peers}
    (folder / "prometheus.yml").write_text(yaml.dump(settings))
    (folder / "rules.yml").write_text("groups: []\n")
    command = [
        str(program("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'storage'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    ]
    with processes.running(command, log=folder / "prometheus.log") as process:
        server = Server(url=f"http://127.0.0.1:{port}", process=process, folder=folder)
        processes.wait_until(lambda: _is_ready(server), what="Prometheus is ready")
        yield server


@contextmanager
def exposed(text: Callable[[float], str]) -> Iterator[str]:
    """Expose `text(now)` to scrapes while the block lasts; yield `host:port`."""

    class Target(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text(time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", OPENMETRICS)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing of each scrape."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Target) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def program(name: str) -> Path:
    """Return where the program `name` is; raises BenchError."""
    path = find(name)
    if path is None:
        raise BenchError(
            f"{name} is missing: run python scripts/servers.py prometheus alertmanager"
        )
    return path


def _is_ready(server: Server) -> bool:
    try:
        return requests.get(f"{server.url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False
