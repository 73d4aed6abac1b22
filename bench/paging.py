"""From the breaching sample being scraped to the page, beside Prometheus with Alertmanager."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

import requests
import yaml

from alerts import policies, rulebook
from alerts.conditions import Promql
from alerts.policies import PolicyDraft, StepDraft
from alerts.ruledraft import RuleDraft
from bench import processes, prometheus, wakeful
from bench.pagerduty import ROUTING_KEY, Pages, pagerduty
from bench.processes import BenchError
from bench.report import Table, number
from models.clock import utc_now
from models.database import connect, migrate

INCIDENTS = 30
INTERVAL = 5  # seconds, of both evaluators
SCRAPE = 1
PATIENCE = 60
DEBIANS = "prometheus-alertmanager"
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
BREACHED = "bench_breached > 0"


class Incidents:
    """A target with one series a feature, 1 from when it is to be broken.

    Attributes:
        scraped: By feature, when the first breaching sample was handed out.
    """

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.scraped: dict[str, float] = {}

    def exposition(self, now: float) -> str:
        """Return every series as it is at `now`."""
        lines = ["# TYPE bench_breached gauge"]
        for feature in names():
            breached = feature in self.broken
            if breached:
                self.scraped.setdefault(feature, now)
            lines.append(f'bench_breached{{feature="{feature}"}} {int(breached)}')
        return "\n".join([*lines, "# EOF\n"])


def names() -> list[str]:
    """Return a feature for each incident."""
    return [f"feature-{n:02}" for n in range(INCIDENTS)]


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` changes nothing."""
    del large
    incidents = Incidents()
    with (
        pagerduty() as theirs,
        pagerduty() as ours,
        _alertmanager(folder, theirs) as alertmanager,
        prometheus.exposed(incidents.exposition) as target,
        prometheus.running(
            folder, target=target, scrape_seconds=SCRAPE, alertmanager=alertmanager
        ) as server,
    ):
        processes.wait_until(lambda: server.value("up") == 1, what="the target was scraped")
        server.take([_group()])
        _save_rule(folder)
        settings = {
            "prometheus_url": server.url,
            "trace_store_url": "none",
            "pagerduty_routing_key": ROUTING_KEY,
            "pagerduty_events_url": ours.url,
        }
        with wakeful.up(folder / "data", **settings):
            _break(incidents, theirs, ours)
    return [_table(incidents, theirs, ours)]


def _break(incidents: Incidents, theirs: Pages, ours: Pages) -> None:
    """Break one feature after the other, at no multiple of anybody's interval."""
    dice = Random(1)
    time.sleep(INTERVAL)
    for feature in names():
        incidents.broken.append(feature)
        time.sleep(1 + 3 * dice.random())
    processes.wait_until(
        lambda: len(theirs.first) == len(ours.first) == INCIDENTS,
        what="everything was paged",
        seconds=PATIENCE,
    )


def _group() -> dict[str, object]:
    rule = {"alert": "Breached", "expr": BREACHED, "labels": {"severity": "critical"}}
    return {"name": "bench", "interval": f"{INTERVAL}s", "rules": [rule]}


def _save_rule(folder: Path) -> None:
    (folder / "data").mkdir()
    db = connect(f"sqlite:///{folder / 'data' / 'wakeful.db'}")
    migrate(db)
    step = StepDraft.model_validate({"after": "0s", "channels": ["pagerduty:default"]})
    policies.save_policy(db, PolicyDraft(name="at once", steps=[step], storm_limit=0))
    draft = RuleDraft.model_validate(
        {
            "name": "Breached",
            "owner": "ada",
            "severity": "critical",
            "condition": Promql(expression=BREACHED),
            "for": "0s",
            "interval": f"{INTERVAL}s",
            "policy": "at once",
        }
    )
    rulebook.save_rule(db, draft, by="bench", now=utc_now())
    db.dispose()


@contextmanager
def _alertmanager(folder: Path, pages: Pages) -> Iterator[str]:
    """Run an Alertmanager that waits for nothing; yield `host:port`."""
    program = prometheus.program("alertmanager")
    if program.name == DEBIANS and not TEMPLATES.exists():
        raise BenchError(f"Debian's Alertmanager needs {TEMPLATES}: apt-get install {DEBIANS}")
    receiver = {
        "routing_key": ROUTING_KEY,
        "url": f"{pages.url}/v2/enqueue",
        "severity": "critical",
        "details": {"feature": "{{ .CommonLabels.feature }}"},
    }
    settings = {
        "route": {"receiver": "pagerduty", "group_by": ["..."], "group_wait": "0s"},
        "receivers": [{"name": "pagerduty", "pagerduty_configs": [receiver]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.dump(settings))
    address = f"127.0.0.1:{processes.free_port()}"
    command = [
        str(program),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with processes.running(command, log=folder / "alertmanager.log"):
        processes.wait_until(lambda: _is_ready(address), what="Alertmanager is ready")
        yield address


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=1).ok
    except requests.RequestException:
        return False


def _table(incidents: Incidents, theirs: Pages, ours: Pages) -> Table:
    rows = []
    for who, pages in (("Prometheus + Alertmanager", theirs), ("Wakeful", ours)):
        took = [pages.first[feature] - incidents.scraped[feature] for feature in names()]
        rows.append(
            [who, *(f"{number(s)} s" for s in (median(took), max(took))), str(pages.repeated)]
        )
    return Table(
        title=f"From the breaching sample being scraped to the page, {INCIDENTS} incidents",
        columns=["evaluator", "median", "longest", "paged twice"],
        rows=rows,
        notes=[
            f"`for: 0`, both evaluate every {INTERVAL} s and scrape every {SCRAPE} s, Alertmanager "
            "with `group_wait: 0s`. Incidents begin at random instants, so that half an interval "
            "is the least that a median can be.",
        ],
    )
