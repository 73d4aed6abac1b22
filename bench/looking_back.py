"""The form of a rule looking back, in a process of its own: `python -m bench.looking_back --help`.

Prints one line of JSON: a list of `Look`.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median

from streamlit.testing.v1 import AppTest

from alerts import policies, rulebook
from alerts.conditions import AnyCondition, BurnRate, Threshold
from alerts.policies import PolicyDraft, StepDraft
from alerts.ruledraft import RuleDraft
from alerts.settings import Settings
from alerts.wiring import Role, Wiring, wire
from app import cached, looking_back, wired
from models.clock import utc_now
from models.database import migrate

SPAN = "30 days"
MOVES = 5
RULES: dict[str, tuple[AnyCondition, str]] = {
    "latency p95": (Threshold(signal="latency_p95", bound=5.0), "bound"),
    "error rate by feature": (
        Threshold(signal="error_ratio", bound=0.05, by=("feature",)),
        "bound",
    ),
    "burn rate, two pairs of windows": (
        BurnRate(signal="error_ratio", objective=0.99),
        "objective",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look back over 30 days.

    Attributes:
        first_seconds: From the click on 30 days until the page with the chart is made; nothing
            of it was asked before.
        moved_seconds: Likewise after the threshold moved, the median.
    """

    rule: str
    first_seconds: float
    moved_seconds: float


def main() -> None:
    """Look back on each of `RULES`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="folder of the database")
    parser.add_argument("url", help="of Prometheus")
    options = parser.parse_args()
    settings = Settings(data_dir=options.data, prometheus_url=options.url, trace_store_url="none")
    wiring = wire(settings, role=Role.TOOL)
    migrate(wiring.db)
    wired.set_current(wiring)
    steps = (StepDraft(channels=("slack:#bench",)),)
    policies.save_policy(wiring.db, PolicyDraft(name="bench", steps=steps))
    print(json.dumps([asdict(_look(wiring, name)) for name in RULES]))
    wiring.close()


def _look(wiring: Wiring, name: str) -> Look:
    condition, field = RULES[name]
    draft = RuleDraft(
        name=name,
        owner="bench",
        condition=condition,
        policy="bench",
        hold=timedelta(minutes=5),
    )
    rule_id = rulebook.save_rule(wiring.db, draft, by="bench", now=utc_now())
    cached.clear()
    looking_back.shelf.clear()
    page = AppTest.from_function(_show, default_timeout=120)
    page.query_params["rule"] = str(rule_id)
    page.run()  # with the last 24 hours
    page.get_by_key("rules_span").set_value(SPAN)
    first = _timed(page)
    moved = []
    for step in range(MOVES):
        bound = page.number_input(key=f"rules_{rule_id}_{field}")
        bound.set_value(float(bound.value or 0) * (1 - 0.001 * (step + 1)))
        moved.append(_timed(page))
    return Look(rule=name, first_seconds=first, moved_seconds=median(moved))


def _timed(page: AppTest) -> float:
    started = time.perf_counter()
    page.run()
    while page.get("progress"):  # in the browser the page looks by itself, twice a second
        looking_back.shelf.wait()
        page.run()
    elapsed = time.perf_counter() - started
    if page.exception or not page.get("vega_lite_chart"):
        raise SystemExit(f"no chart: {[one.value for one in page.exception]}")
    return elapsed


def _show() -> None:
    from app.views import rules

    rules.render()


if __name__ == "__main__":
    main()
