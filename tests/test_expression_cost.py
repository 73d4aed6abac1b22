"""What a PromQL expression yields and costs: as each server tells it, in words, and in the form."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from streamlit.testing.v1 import AppTest
from werkzeug import Request, Response

from alerts.rulelint import Check, Grade, asked
from app import verdict_words, wired
from app.verdicts import Verdict
from models.clock import utc_now
from signals import QueryError, UnreachableError
from signals.prometheus import Prometheus, PrometheusAccess
from signals.prometheus_cost import Cost
from tests import prometheus, victoria
from tests.fake_prometheus import AT, FakePrometheus, failure, serving, success, vector
from tests.house import House, house, house_template
from tests.made_metrics import NOON, Story
from tests.pages import text
from tests.prometheus import backfill
from tests.test_rule_lint_page import lint
from tests.test_rules_page import ERRORS, choose_kind, editing

__all__ = ["house", "house_template"]

STATS = {
    "timings": {"evalTotalTime": 0.0125},
    "samples": {"totalQueryableSamples": 2_000_000, "peakSamples": 300},
}
TOLD = Cost(series=2, samples=2_000_000, peak=300, seconds=0.0125)


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        yield fake


def with_stats(*values: str) -> dict[str, object]:
    answer = success(vector(*values))
    answer["data"]["stats"] = STATS
    return answer


def test_prometheus_tells_series_samples_and_time(tmp_path: Path) -> None:
    story = Story()
    for name in ("a", "b", "c"):
        story.counter("llm_requests_total", {"feature": name}, 1.0, seconds=range(-600, 1, 15))
    backfill(tmp_path / "blocks", story.text())
    with (
        prometheus.running(tmp_path, storage=tmp_path / "blocks") as server,
        closing(Prometheus(PrometheusAccess(url=server.url))) as connected,
    ):
        cost = connected.cost("sum by (feature) (rate(llm_requests_total[5m]))", at=NOON)
        with pytest.raises(QueryError, match="unclosed left parenthesis"):
            connected.cost("sum(", at=NOON)
    assert cost.series == 3
    # Three series, a sample each 15 s; both ends of the window or one, by the server's version.
    assert cost.samples in (60, 63)
    assert cost.peak
    assert cost.seconds
    assert cost.fetched is None


def test_victoria_metrics_tells_the_series_and_no_samples(tmp_path: Path) -> None:
    with (
        victoria.running(tmp_path) as server,
        closing(Prometheus(PrometheusAccess(url=server.url))) as connected,
    ):
        cost = connected.cost("vector(1)", at=utc_now())
    # Newer versions tell the series that they read too, of which Debian's is silent.
    assert replace(cost, fetched=None) == Cost(series=1)


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        (with_stats("1", "2"), TOLD),
        (with_stats("1", "NaN"), replace(TOLD, series=1)),
        (success(vector("1")), Cost(series=1)),
        (success([], stats={"seriesFetched": "17"}), Cost(series=0, fetched=17)),
        (success([], stats={"seriesFetched": "many"}), Cost(series=0)),
        (success([], stats=["odd"]), Cost(series=0)),
    ],
    ids=["all", "a series without a value", "none", "victoria", "no number", "another shape"],
)
def test_what_a_server_does_not_tell_is_not_made_up(
    fake: FakePrometheus, answer: object, cost: Cost
) -> None:
    fake.answer(answer)
    assert fake.connect().cost("up", at=AT) == cost
    assert fake.seen[0]["stats"] == "all"


@pytest.mark.parametrize("body", [[], {"status": "success", "data": {"result": "odd"}}])
def test_an_answer_in_another_shape_is_a_fault(fake: FakePrometheus, body: object) -> None:
    fake.answer(body)
    with pytest.raises(UnreachableError, match="not Prometheus' JSON"):
        fake.connect().cost("up", at=AT)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            Verdict(cost=TOLD),
            "It parses, and yields 2 series now: an alert for each. Each evaluation costs the "
            "server 2,000,000 samples read, 300 at once in memory, 12.5 ms.",
        ),
        (
            Verdict(cost=Cost(series=1, fetched=17)),
            "It parses, and yields 1 series now: one alert. It reads 17 series. Cost not told by "
            "this server.",
        ),
        (
            Verdict(cost=Cost(series=0)),
            "It parses, and yields no series now: nothing would be pending. Cost not told by this "
            "server.",
        ),
        (Verdict(complaint="parse error"), "Never evaluated: parse error"),
        (
            Verdict(silence="No Prometheus is set."),
            "Nobody tells what it yields and costs. No Prometheus is set.",
        ),
    ],
    ids=["all", "victoria", "nothing", "refused", "nobody"],
)
def test_the_sentence_says_what_was_told(verdict: Verdict, said: str) -> None:
    assert verdict_words.sentence(verdict) == said


@pytest.mark.parametrize(
    ("cost", "checks"),
    [
        (Cost(series=100, samples=1_000_000), []),
        (Cost(series=101), [Check.CARDINALITY]),
        (Cost(series=1, samples=1_000_001), [Check.COST]),
        (Cost(series=101, samples=1_000_001), [Check.CARDINALITY, Check.COST]),
    ],
    ids=["neither", "series", "samples", "both"],
)
def test_much_of_either_is_a_hint(cost: Cost, checks: list[Check]) -> None:
    found = asked.cost(cost)
    assert [one.check for one in found] == checks
    assert {one.grade for one in found} <= {Grade.HINT}


def typed(house: House, connected: Prometheus, expression: str) -> AppTest:
    """Return the form with the expression typed, over a server."""
    wired.set_current(replace(house.wiring, prometheus=connected))
    page, keys = editing(house, ERRORS)
    choose_kind(page, keys, "promql")
    page.text_area(key=f"{keys}_expression").set_value(expression).run()
    return page


def test_the_form_says_what_an_expression_costs(house: House, fake: FakePrometheus) -> None:
    fake.answer(with_stats("1", "2"))
    page = typed(house, fake.connect(), "up > 0")
    assert "yields 2 series now: an alert for each" in text(page)
    assert "Each evaluation reads 2,000,000 samples" in lint(page)


def test_the_form_says_that_an_expression_is_refused(house: House, fake: FakePrometheus) -> None:
    fake.answer(failure("bad_data", "parse error: unexpected end of input"), 400)
    page = typed(house, fake.connect(), "up >")
    assert "Never evaluated: Prometheus at" in text(page)
    assert "It is refused, so it is never evaluated" in lint(page)


def test_a_server_that_is_slow_does_not_hold_up_the_form(
    house: House, httpserver: HTTPServer
) -> None:
    answered = threading.Event()
    fake = FakePrometheus(httpserver.url_for("").rstrip("/"))

    def late(request: Request) -> Response:
        answered.wait(10)
        return fake.query(request)

    httpserver.expect_request("/api/v1/query").respond_with_handler(late)
    connected = fake.connect(timeout=timedelta(seconds=10))
    try:
        page = typed(house, connected, "up > 0")
        assert "The server has not yet said what it yields and costs" in text(page)
    finally:
        answered.set()
        connected.close()
