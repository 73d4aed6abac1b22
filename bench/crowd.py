"""Ten thousand open alerts, and five hundred changes of state within a minute."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from alerts import policies, rulebook
from alerts.conditions import Promql
from alerts.policies import PolicyDraft, StepDraft
from alerts.ruledraft import RuleDraft
from bench import processes, wakeful
from bench.pagerduty import ROUTING_KEY, Pages, pagerduty
from bench.report import Table, judged, number
from drill.postgresql import postgresql
from models.clock import utc_now
from models.database import connect, migrate, read_only
from models.tables import Alert

RULES = 10
OPEN = 10_000
CHANGES = 500
MINUTE = 60.0
STEP = timedelta(seconds=10)
PATIENCE = 1_800
TARGET = 5.0  # seconds, for decisions and for pages


@dataclass(slots=True)
class Crowd:
    """Who breaches, by rule; and when the engine was first told of each change.

    Attributes:
        told: By feature, when an answer first said that it is as it is now.
    """

    breaching: list[set[str]] = field(default_factory=lambda: [set() for _ in range(RULES)])
    changed: set[str] = field(default_factory=set)
    told: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, feature: str, *, breaches: bool) -> None:
        """Let `feature` breach, or no more."""
        with self.lock:
            of_rule = self.breaching[int(feature.rpartition("-")[2]) % RULES]
            (of_rule.add if breaches else of_rule.discard)(feature)
            self.changed.add(feature)

    def answer(self, rule: int) -> list[dict[str, Any]]:
        """Return who breaches the rule, as Prometheus would."""
        now = time.time()
        with self.lock:
            for feature in [f for f in self.changed if int(f.rpartition("-")[2]) % RULES == rule]:
                self.told[feature] = now
                self.changed.discard(feature)
            features = list(self.breaching[rule])
        return [{"metric": {"feature": f}, "value": [now, "1"]} for f in features]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How it went, in seconds.

    Attributes:
        opened: Until all alerts were open, from the first answer.
        decided: For each change, from the answer that told of it to its row being readable.
        late: For each page that fell into the minute, how long after it was due it arrived.
    """

    opened: float
    decided: list[float]
    late: list[float]
    resident_mb: float
    cpu: float


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` adds PostgreSQL."""
    (folder / "sqlite").mkdir()
    (folder / "postgresql").mkdir()
    db = connect(f"sqlite:///{folder / 'sqlite' / 'wakeful.db'}")
    migrate(db)
    courses = {"SQLite": _course(db, folder / "sqlite")}
    if large:
        with postgresql() as other:
            courses["PostgreSQL"] = _course(other, folder / "postgresql")
    return [_table(courses)]


def _course(db: Engine, data: Path) -> Course:
    crowd = Crowd()
    _save_rules(db)
    with prometheus(crowd) as url, pagerduty() as pages:
        settings = {
            "database_url": db.url.render_as_string(hide_password=False),
            "prometheus_url": url,
            "trace_store_url": "none",
            "pagerduty_routing_key": ROUTING_KEY,
            "pagerduty_events_url": pages.url,
        }
        for n in range(OPEN):
            crowd.change(name(n), breaches=True)
        started = time.monotonic()
        with wakeful.up(data, **settings) as running:
            processes.wait_until(
                lambda: len(pages.first) >= OPEN, what="all are open and paged", seconds=PATIENCE
            )
            opened = time.monotonic() - started
            cpu, began = processes.cpu_seconds(running.process), time.monotonic()
            seen = _minute(db, crowd, pages)
            share = (processes.cpu_seconds(running.process) - cpu) / (time.monotonic() - began)
            resident = processes.resident_mb(running.process)
    decided = [at - crowd.told[feature] for feature, (at, _) in seen.items()]
    late = [
        pages.first[feature] - (fired + STEP).timestamp()
        for feature, (_, fired) in seen.items()
        if fired is not None
    ]
    db.dispose()
    return Course(opened=opened, decided=decided, late=late, resident_mb=resident, cpu=share)


def name(n: int) -> str:
    """Return the feature number `n`."""
    return f"feature-{n:05}"


def _minute(db: Engine, crowd: Crowd, pages: Pages) -> dict[str, tuple[float, datetime | None]]:
    """Change one alert after the other, evenly; return when each change could be read.

    With each goes the instant at which its alert fired, or None where it ended.
    """
    wanted: dict[str, bool] = {}
    began = time.monotonic()
    with Session(read_only(db)) as session:
        newest = session.exec(select(func.max(Alert.id))).one() or 0
    seen: dict[str, tuple[float, datetime | None]] = {}
    since = utc_now()
    while len(seen) < CHANGES or not set(_fired(seen)) <= set(pages.first):
        due = min(int((time.monotonic() - began) / MINUTE * CHANGES), CHANGES)
        for n in range(len(wanted), due):
            feature = name(n) if n % 2 else name(OPEN + n)
            wanted[feature] = not n % 2
            crowd.change(feature, breaches=wanted[feature])
        _look(db, newest, since, seen)
        if time.monotonic() - began > PATIENCE:
            raise processes.BenchError("the changes of a minute were not decided and paged")
        time.sleep(0.1)
    return seen


def _fired(seen: dict[str, tuple[float, datetime | None]]) -> Iterator[str]:
    return (feature for feature, (_, fired) in seen.items() if fired is not None)


def _look(
    db: Engine, newest: int, since: datetime, seen: dict[str, tuple[float, datetime | None]]
) -> None:
    """Write down what can be read by now."""
    begun = select(Alert.labels, Alert.fired_at).where(
        col(Alert.id) > newest, col(Alert.fired_at).is_not(None)
    )
    ended = select(Alert.labels).where(col(Alert.resolved_at) >= since)
    with Session(read_only(db)) as session:
        rows = [(labels["feature"], fired) for labels, fired in session.exec(begun)]
        rows += [(labels["feature"], None) for labels in session.exec(ended)]
    now = time.time()
    for feature, fired in rows:
        seen.setdefault(feature, (now, fired))


def _save_rules(db: Engine) -> None:
    step = StepDraft.model_validate({"after": "10s", "channels": ["pagerduty:default"]})
    policies.save_policy(db, PolicyDraft(name="soon", steps=[step], storm_limit=0))
    for n in range(RULES):
        draft = RuleDraft.model_validate(
            {
                "name": f"Crowd {n}",
                "owner": "ada",
                "severity": "critical",
                "condition": Promql(expression=f"crowd_{n}"),
                "for": "0s",
                "keep_firing_for": "0s",
                "interval": "5s",
                "policy": "soon",
            }
        )
        rulebook.save_rule(db, draft, by="bench", now=utc_now())


@contextmanager
def prometheus(crowd: Crowd) -> Iterator[str]:
    """Answer for Prometheus, whose own work is not what is measured; yield its URL."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
            rule = asked.removeprefix("crowd_")
            result = crowd.answer(int(rule)) if rule.isdigit() else []
            data = {"resultType": "vector", "result": result}
            self._say({"status": "success", "data": data if "query?" in self.path else []})

        def _say(self, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing of each query."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _table(courses: dict[str, Course]) -> Table:
    rows = [
        [
            database,
            f"{number(course.opened)} s",
            f"{number(median(course.decided))} s",
            f"{judged(max(course.decided), TARGET)} s",
            f"{number(median(course.late))} s",
            f"{judged(max(course.late), TARGET)} s",
            f"{course.cpu:.0%}",
            f"{course.resident_mb:.0f} MB",
        ]
        for database, course in courses.items()
    ]
    return Table(
        title=f"{OPEN:,} open alerts, {CHANGES} changes of state in a minute",
        columns=[
            *("database", "all open and paged after", "decided, median", "longest"),
            *("page late by, median", "longest", "of a core", "resident"),
        ],
        rows=rows,
        notes=[
            "Half of the changes open an alert, half end one; ten rules are evaluated every 5 s. "
            "Decided: from the answer that told of the change to its row being readable.",
            "A page is due 10 s after its alert fired; late is when PagerDuty's stand-in had it.",
        ],
    )
