"""A panel fails by itself: whatever its source does, the rest of the page is unharmed.

PromQL is asked of a stand-in over real HTTP that answers by what the expression names.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pytest_httpserver import HTTPServer
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest
from werkzeug import Request, Response

from alerts.wiring import Wiring
from app import cached, cached_panels, dashboards, panel_plots, wired
from models.tables import Dashboard
from signals.prometheus import Prometheus, PrometheusAccess
from signals.routing import Sources
from tests.fake_prometheus import failure, success
from tests.memory_source import NOON, MemorySource, wiring_of
from tests.spans import MINUTE, child, opened, root

MANY = 50_000
ERRORS: dict[str, Any] = {"title": "Errors", "kind": "line", "signals": ["error_ratio"]}


@dataclass
class Stand:
    """A Prometheus that does what a metric's name says.

    Attributes:
        may_go_on: What `slow` waits for.
        asked: Every expression, in order.
    """

    may_go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        params = request.values.to_dict()
        expression = params["query"]
        self.asked.append(expression)
        if "slow" in expression:
            self.may_go_on.wait(timeout=20)
        if "refused" in expression:
            return _json(failure("bad_data", "parse error: unexpected end of input"), 400)
        if "broken" in expression:
            return Response("<html>502</html>", status=502)
        if request.path.endswith("query"):
            count = MANY if "many" in expression else 1
            return _json(success([{"metric": {}, "value": [0, str(count)]}]))
        return _json(success(_matrix(expression, params), "matrix"))


def _matrix(expression: str, params: dict[str, str]) -> list[dict[str, Any]]:
    start, end, step = (float(params[name]) for name in ("start", "end", "step"))
    times = [start + i * step for i in range(int((end - start) / step) + 1)]
    values = {"odd": ["NaN", "+Inf", "-Inf", "7", "1e300"], "void": ["NaN"]}
    cycle = next((found for name, found in values.items() if name in expression), ["3"])
    return [
        {
            "metric": {"feature": "chat"},
            "values": [[at, cycle[index % len(cycle)]] for index, at in enumerate(times)],
        }
    ]


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


@pytest.fixture
def stand(httpserver: HTTPServer) -> Iterator[Stand]:
    made = Stand()
    for path in ("/api/v1/query", "/api/v1/query_range"):
        httpserver.expect_request(path).respond_with_handler(made.answer)
    yield made
    made.may_go_on.set()


@pytest.fixture
def wiring(stand: Stand, httpserver: HTTPServer, tmp_path: Path) -> Iterator[Wiring]:
    prometheus = Prometheus(PrometheusAccess(url=httpserver.url_for("").rstrip("/")))
    with opened(tmp_path) as store:
        calls = [
            child(root(NOON - MINUTE), duration_ms=9000.0),
            child(root(NOON - MINUTE), duration_ms=10.0),
        ]
        store.write(calls)
        made = replace(wiring_of(tmp_path, MemorySource()), expressions=prometheus, store=store)
        made = replace(made, signals=Sources((*made.signals.sources, store)))
        wired.set_current(made)
        cached.clear()
        with Session(made.db) as session:
            dashboards.ensure_default_dashboards(session, "Ana", now=NOON)
        yield made
        cached.clear()
        prometheus.close()
        made.db.dispose()


def show(wiring: Wiring, *panels: dict[str, Any], **query: str) -> AppTest:
    """Return the page of a dashboard of `panels`, whose last is always sound."""
    with Session(wiring.db) as session:
        row = session.exec(select(Dashboard).where(Dashboard.slug == "service-health")).one()
        row.panels = [*panels, ERRORS]
        session.add(row)
        session.commit()

    def script() -> None:
        from app.views import dashboards

        dashboards.render()

    at = AppTest.from_function(script, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def promql(expression: str, **more: Any) -> dict[str, Any]:
    return {"title": "Own", "kind": "line", "promql": expression, **more}


def text(at: AppTest) -> str:
    return "\n".join([*(m.value for m in at.markdown), *(e.value for e in at.error)])


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("vega_lite_chart")]


def values(chart: Any) -> set[float | None]:
    (sent,) = [one.data.data for one in chart.datasets if one.name == "series"]
    return set(pa.ipc.open_stream(sent).read_all().column("s0").to_pylist())


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("many", "prometheus has 50,000 series for this, more than 1,000"),
        ("refused(", "parse error: unexpected end of input"),
        ("broken", "answered 502"),
        ("void", "Nothing in this range and scope"),
    ],
    ids=["50,000 series", "a syntax error", "a broken server", "nothing but NaN"],
)
def test_what_is_wrong_is_said_in_the_panel_and_the_rest_is_unharmed(
    wiring: Wiring, expression: str, said: str
) -> None:
    at = show(wiring, promql(expression))

    assert not at.exception
    assert said in text(at).replace("\\", "")
    assert len(charts(at)) == 1
    assert not at.error


def test_50_000_series_are_counted_and_never_fetched(wiring: Wiring, stand: Stand) -> None:
    show(wiring, promql("many"))

    assert stand.asked == ["count(\nmany\n)"]


def test_infinities_and_nan_are_gaps_in_the_line(wiring: Wiring) -> None:
    own, _ = charts(show(wiring, promql("odd")))

    assert values(own) == {None, 7.0}


def test_a_source_that_does_not_answer_holds_up_its_own_panel_only(
    wiring: Wiring, stand: Stand
) -> None:
    at = show(wiring, promql("slow"))

    assert not at.exception
    assert "Still asking" in text(at)
    assert len(charts(at)) == 1


def test_what_was_late_is_drawn_when_it_is_there(wiring: Wiring, stand: Stand) -> None:
    at = show(wiring, promql("slow"))
    stand.may_go_on.set()

    at.run()

    assert len(charts(at)) == 2


def test_what_was_drawn_stays_while_its_source_is_slow(wiring: Wiring, stand: Stand) -> None:
    stand.may_go_on.set()
    show(wiring, promql("slow"))
    stand.may_go_on.clear()
    wired.set_current(replace(wiring, clock=lambda: NOON.replace(minute=4)))
    panel_plots.drawn.clear()

    at = show(wiring, promql("slow"))

    assert len(charts(at)) == 2
    assert "its source is slow: as of 4 min ago" in text(at)


def test_promql_is_narrowed_to_what_the_page_is(wiring: Wiring, stand: Stand) -> None:
    at = show(wiring, promql('up{feature=~"$feature"}'), feature="chat", tenant="acme")

    assert 'up{feature=~"chat"}' in stand.asked
    assert "all of tenant: its PromQL does not name it" in text(at)


def test_a_measure_is_drawn_from_the_spans(wiring: Wiring) -> None:
    slow = {"aggregate": "ratio", "where": ["kind = llm"], "part": ["duration_ms > 8000"]}

    at = show(wiring, {"title": "Slow", "kind": "stat", "measure": slow}, range="15m")

    assert [one.value for one in at.metric] == ["50 %"]
    assert "from traces" in text(at)


def test_a_panel_that_was_drawn_stays_when_its_source_breaks(wiring: Wiring, stand: Stand) -> None:
    show(wiring, promql("fine"))
    later = NOON.replace(minute=3)
    broken = Prometheus(PrometheusAccess(url="http://127.0.0.1:9"))
    wired.set_current(replace(wiring, expressions=broken, clock=lambda: later))
    panel_plots.drawn.clear()
    cached_panels.counted.clear()

    at = show(wiring, promql("fine"))
    broken.close()

    assert len(charts(at)) == 2
    assert "as of 3 min ago" in text(at)
