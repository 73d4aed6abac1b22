"""Rule evaluation, against Prometheus' own ruler, on the same rules and the same series."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import requests

from bench import made_series, processes, prometheus, rulebook
from bench.processes import BenchError, cpu_seconds, resident_mb
from bench.prometheus import Server
from bench.report import Table, judged, number
from bench.rulebook import Wanted
from models.clock import utc_now

PAST_SECONDS = 35 * 60  # the longest window is 30 minutes
AT_REST_SECONDS = 15
TICKS = 5
# Source: what design and issue ask for, in ratios to the ruler on the same rules.
TICK_SECONDS = 0.25
TEMPLATES = {1_000: 1.0, 10_000: 0.2}
RAW = 5.0
RULER = "Prometheus' ruler"
SCATTERED = ", scattered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one evaluator took for its rules.

    Attributes:
        tick_seconds: Median time of one round of all rules.
        own_cpu, peer_cpu: Seconds per 1,000 evaluations: its own, and what it made Prometheus do.
        resident_mb: Of its process.
        firing: Alerts at the end.
    """

    evaluator: str
    rules: int
    tick_seconds: float
    own_cpu: float
    peer_cpu: float = 0.0
    resident_mb: float
    firing: int

    @property
    def cpu(self) -> float:
        """Return all CPU-seconds per 1,000 evaluations."""
        return self.own_cpu + self.peer_cpu

    def cells(self) -> list[str]:
        """Return the row as text."""
        parts = f" ({number(self.own_cpu)} + {number(self.peer_cpu)})" if self.peer_cpu else ""
        return [
            self.evaluator,
            number(self.rules),
            number(self.rules / self.tick_seconds, 2),
            f"{number(self.cpu)}{parts}",
            f"{number(self.tick_seconds)} s",
            f"{self.resident_mb:.0f} MB",
            str(self.firing),
        ]


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` adds 10,000 rules."""
    made = made_series.traffic()
    born = time.time() - 24 * 3600
    prometheus.backfill(folder / "storage", _past(made, born))
    with (
        prometheus.exposed(lambda now: made_series.exposition(made, born=born, at=now)) as target,
        prometheus.running(folder, target=target) as server,
    ):
        processes.wait_until(lambda: server.value("up") == 1, what="the target was scraped")
        stage = Stage(server=server, folder=folder, rest=_rest(server))
        rules = rulebook.wanted(1_000, made)
        rows = [stage.ruler(rules), stage.wakeful(rules), stage.wakeful(rules, raw=True)]
        if large:
            rules = rulebook.scattered(1_000, made)
            rows += [stage.ruler(rules, SCATTERED), stage.wakeful(rules, SCATTERED)]
            stage = replace(stage, interval=15)
            rules = rulebook.wanted(10_000, made)
            rows += [stage.ruler(rules), stage.wakeful(rules)]
    return [_table(rows, len(made)), _targets(rows)]


def _past(made: list[made_series.Traffic], born: float) -> Iterator[str]:
    now = time.time()
    for age in range(PAST_SECONDS, 0, -prometheus.SCRAPE_SECONDS):
        yield made_series.exposition(made, born=born, at=now - age, stamped=True)


def _rest(server: Server) -> float:
    """Return what Prometheus takes of a core while it only scrapes."""
    before, started = cpu_seconds(server.process), time.monotonic()
    time.sleep(AT_REST_SECONDS)
    return (cpu_seconds(server.process) - before) / (time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where evaluators take turns.

    Attributes:
        rest: What Prometheus takes of a core while it only scrapes.
        interval: Of every rule, in seconds.
    """

    server: Server
    folder: Path
    rest: float
    interval: int = 5

    def ruler(self, rules: Sequence[Wanted], remark: str = "") -> Row:
        """Return what Prometheus' ruler takes; it has no rules afterwards."""
        server = self.server
        server.take(rulebook.groups(rules, interval_seconds=self.interval))
        processes.wait_until(lambda: _counted(server)[0] >= len(rules), what="rules were evaluated")
        before, (evaluations, durations, rounds) = cpu_seconds(server.process), _counted(server)
        started = time.monotonic()
        time.sleep(TICKS * self.interval)
        cpu = cpu_seconds(server.process) - before - self.rest * (time.monotonic() - started)
        after = _counted(server)
        if after[2] == rounds:
            raise BenchError("the ruler did not finish a round: the machine is too busy")
        firing = server.firing()
        server.take([])
        return Row(
            evaluator=f"{RULER}{remark}",
            rules=len(rules),
            tick_seconds=(after[1] - durations) / (after[2] - rounds),
            own_cpu=cpu / (after[0] - evaluations) * 1000,
            resident_mb=resident_mb(server.process),
            firing=firing,
        )

    def wakeful(self, rules: Sequence[Wanted], remark: str = "", *, raw: bool = False) -> Row:
        """Return what Wakeful takes, its rules templates or `raw` PromQL."""
        kind = "raw PromQL" if raw else "templates"
        data = self.folder / f"{len(rules)} {kind}{remark}"
        rulebook.save(data, rules, raw=raw, interval_seconds=self.interval, now=utc_now())
        pid, interval = str(self.server.process.pid), str(self.interval)
        ticks: dict[str, Any] = processes.module(
            "bench.ticking", str(data), self.server.url, pid, interval, str(TICKS)
        )
        evaluations = len(rules) * TICKS
        peer = ticks["peer_cpu_seconds"] - self.rest * ticks["elapsed_seconds"]
        return Row(
            evaluator=f"Wakeful, {kind}{remark}",
            rules=len(rules),
            tick_seconds=median(ticks["seconds"]),
            own_cpu=ticks["cpu_seconds"] / evaluations * 1000,
            peer_cpu=max(0.0, peer) / evaluations * 1000,
            resident_mb=ticks["resident_mb"],
            firing=ticks["firing"],
        )


def _counted(server: Server) -> tuple[float, float, float]:
    """Return how many evaluations there were, the seconds of all rounds, and how many rounds."""
    text = requests.get(f"{server.url}/metrics", timeout=60).text
    names = (
        "prometheus_rule_evaluations_total",
        "prometheus_rule_group_duration_seconds_sum",
        "prometheus_rule_group_duration_seconds_count",
    )
    found = [
        sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
        for name in names
    ]
    return found[0], found[1], found[2]


def _table(rows: Sequence[Row], pairs: int) -> Table:
    return Table(
        title="Rules",
        columns=[
            "evaluator",
            "rules",
            "evaluations/s",
            "CPU-s per 1,000 evaluations",
            "one round",
            "resident",
            "firing",
        ],
        rows=[row.cells() for row in rows],
        notes=[
            f"One Prometheus holds {pairs * 11:,} series (and {pairs * 4:,} `_created`), "
            f"{PAST_SECONDS // 60} minutes of them at {prometheus.SCRAPE_SECONDS} s, and is "
            "scraping on. Each evaluator has it to itself, one after the other, at the same "
            "interval (5 s; 15 s for 10,000 rules).",
            "CPU is that of the process (`/proc/<pid>/stat`), for Prometheus without what it takes "
            "at rest. Wakeful's is its own + what answering its questions took of Prometheus.",
            "The ruler evaluates the rules as one would write them by hand, with plain `rate`; so "
            "does Wakeful as raw PromQL. Its templates become the pack's PromQL.",
            "A round of the ruler is `prometheus_rule_group_duration_seconds`; of Wakeful, the "
            "engine's `evaluate` job, database and Prometheus included: the median. Evaluations "
            "per second are rules / round; the last rule of a round is late by the whole round."
            " The first round, which opens the alerts, is left out.",
            "1,000 rules are five for each of 200 features and models; scattered, they are 1,000 "
            "out of 3,600 that ask different questions. All evaluators must end with the same "
            "number of alerts firing.",
        ],
    )


def _targets(rows: Sequence[Row]) -> Table:
    lines = []
    for row in rows:
        if row.evaluator.startswith(RULER):
            ruler = row
            continue
        raw = "raw" in row.evaluator
        ratio = row.cpu / ruler.cpu
        most = RAW if raw else TEMPLATES[row.rules]
        lines.append([f"{row.evaluator}, {row.rules:,}: CPU over the ruler's", judged(ratio, most)])
        if row.rules == 1_000 and not raw:
            lines.append(["… one round, seconds", judged(row.tick_seconds, TICK_SECONDS)])
    return Table(title="Rules: targets", columns=["what", "measured"], rows=lines)
