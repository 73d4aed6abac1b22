"""Sources: what is connected, who answers for each signal, and a mapping of one's own."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import mappings, selfwatch
from alerts.mappings import KnownMappings
from app import cached_sources, wired
from signals.prometheus import Prometheus, PrometheusAccess
from signals.routing import Sources
from tests.fake_prometheus import FakePrometheus, failure, serving
from tests.house import House, close_house, empty_house, forget, house, house_template, open_house
from tests.memory_source import NOON
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]

LITELLM = {
    "litellm_proxy_total_requests_metric_total": {"requested_model", "team", "status_code"},
    "litellm_proxy_failed_requests_metric_total": {"requested_model", "team"},
    "litellm_request_total_latency_metric_bucket": {"requested_model", "le"},
}
PROMQL = "sum by ($by) (rate(my_calls_total{$scope}[$window]))"


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        fake.names = dict(LITELLM)
        fake.values = {
            "timestamp(": str(NOON.timestamp() - 4),
            "histogram_quantile(0.95": "4.5",
            "failed_requests": "0.031",
            "my_calls_total": "7",
            "total_requests": "12.5",
        }
        yield fake


@pytest.fixture
def connected(empty_house: House, fake: FakePrometheus) -> Iterator[House]:
    """The empty house with a Prometheus that has LiteLLM's metrics."""
    own = KnownMappings(empty_house.wiring.db, lambda: empty_house.now)
    access = PrometheusAccess(url=fake.url, timeout=timedelta(seconds=2))
    with closing(Prometheus(access, own=own)) as prometheus:
        prometheus.stacks.look(at=empty_house.now)
        empty_house.wiring = replace(
            empty_house.wiring,
            prometheus=prometheus,
            own=own,
            expressions=prometheus,
            signals=Sources((prometheus,)),
            watched=(prometheus,),
        )
        wired.set_current(empty_house.wiring)
        selfwatch.look(empty_house.wiring.db, prometheus, now=empty_house.now)
        forget()
        yield empty_house


def card(page: AppTest, key: str) -> str:
    said = [line.value for line in page.container(key=key).markdown]
    return "\n".join(said).replace("\\", "")


def of(page: AppTest, signal: str) -> str:
    return card(page, f"sources_signal_{signal}")


def rows(house: House) -> dict[str, str]:
    with Session(house.wiring.db) as session:
        return {row.signal: row.promql for row in mappings.mappings(session)}


def typed(page: AppTest, promql: str, labels: str = "", *, signal: str = "request_rate") -> AppTest:
    page.text_input(key=f"sources_{signal}_labels").set_value(labels)
    page.text_area(key=f"sources_{signal}_promql").set_value(promql).run()
    assert not page.exception
    return page


def test_a_source_is_shown_with_its_freshness_and_its_stacks(connected: House) -> None:
    said = card(opened("sources"), "sources_prometheus")
    assert "prometheus" in said
    assert "newest data 4 s ago" in said
    assert "LiteLLM proxy: Every request of a client to the proxy" in said
    assert "Names looked up just now" in said


def test_each_signal_says_who_answers_how_and_what(connected: House) -> None:
    page = opened("sources")
    said = of(page, "latency_p95")
    assert "LiteLLM proxy" in said
    assert "4.5 s" in said
    code = page.container(key="sources_signal_latency_p95").code
    assert [one.value for one in code] == [
        "histogram_quantile(0.95, sum by (le) "
        "(rate(litellm_request_total_latency_metric_bucket[5m])))"
    ]


def test_a_signal_without_source_says_what_would_give_it(connected: House) -> None:
    said = of(opened("sources"), "guardrail_ratio")
    assert "no source" in said
    assert "LiteLLM proxy: Configure a guardrail in the proxy" in said


def test_a_server_without_any_stack_says_so(connected: House, fake: FakePrometheus) -> None:
    assert connected.wiring.prometheus is not None
    fake.names = {}
    with closing(Prometheus(PrometheusAccess(url=fake.url))) as prometheus:
        prometheus.stacks.look(at=connected.now)
        wired.set_current(replace(connected.wiring, prometheus=prometheus, watched=(prometheus,)))
        forget()
        page = opened("sources")
    assert "It has the metrics of no stack that Wakeful knows" in card(page, "sources_prometheus")


def test_what_traces_answer_says_so(house: House) -> None:
    said = of(opened("sources"), "latency_p95")
    assert "prometheus" in said  # the memory source's name, which is no Prometheus of ours
    assert "Open" not in said


def test_a_source_that_is_down_is_said_once_and_the_last_values_stay(
    connected: House, httpserver: HTTPServer
) -> None:
    opened("sources")
    httpserver.clear()
    connected.now += timedelta(seconds=30)
    assert connected.wiring.prometheus is not None
    selfwatch.look(connected.wiring.db, connected.wiring.prometheus, now=connected.now)
    cached_sources.clear()
    page = opened("sources")
    assert [error.value.count("answered 500") for error in page.error] == [1]
    assert "as of 30 s ago" in of(page, "latency_p95")
    assert "4.5 s" in of(page, "latency_p95")


def test_without_any_source_the_page_says_how_to_connect_one(tmp_path: Path) -> None:
    house = open_house(tmp_path, NOON)
    wired.set_current(replace(house.wiring, watched=(), signals=Sources(())))
    try:
        assert "No source is connected" in text(opened("sources"))
    finally:
        close_house(house)


def test_an_unknown_signal_gets_a_sentence(connected: House) -> None:
    assert "There is no signal happiness" in text(opened("sources", signal="happiness"))


def test_a_signal_is_opened_with_its_query_and_its_labels(connected: House) -> None:
    page = opened("sources", signal="request_rate")
    said = card(page, "sources_now")
    assert "12.5/s** over 5 min, from prometheus, LiteLLM proxy" in said
    assert "Split and narrowed by model (requested_model), tenant (team), outcome" in said


def test_an_expression_is_tried_before_it_may_be_saved(connected: House) -> None:
    page = opened("sources", signal="request_rate")
    assert page.button(key="sources_save").disabled
    typed(page, PROMQL, "model = my_model")
    assert "The server answers **7/s** over the last 5 min" in text(page)
    assert not page.button(key="sources_save").disabled


def test_a_saved_mapping_answers_from_then_on(connected: House) -> None:
    page = typed(opened("sources", signal="request_rate"), PROMQL)
    page.button(key="sources_save").click().run()
    assert toasts(page) == ["Saved. Requests is asked with your own expression now."]
    assert rows(connected) == {"request_rate": PROMQL}
    said = of(opened("sources"), "request_rate")
    assert "your own" in said
    assert "7/s" in said


def test_a_mapping_is_shown_again_and_can_be_removed(connected: House) -> None:
    page = typed(opened("sources", signal="request_rate"), PROMQL, "model = my_model")
    page.button(key="sources_save").click().run()
    page = opened("sources", signal="request_rate")
    assert page.text_area(key="sources_request_rate_promql").value == PROMQL
    assert page.text_input(key="sources_request_rate_labels").value == "model = my_model"
    page.button(key="sources_remove").click().run()
    assert rows(connected) == {}
    assert "LiteLLM proxy" in of(opened("sources"), "request_rate")


def test_a_syntax_error_is_shown_in_the_servers_words(
    connected: House, fake: FakePrometheus
) -> None:
    fake.answer(failure("bad_data", "1:5: parse error: unclosed left parenthesis"), 400)
    page = typed(opened("sources", signal="request_rate"), "sum(up")
    assert "1:5: parse error: unclosed left parenthesis" in text(page)
    assert page.button(key="sources_save").disabled
    assert "sum(up" in [one.value for one in page.code]


@pytest.mark.parametrize(
    ("promql", "labels", "complaint"),
    [
        ("up{$scpoe}", "", "$scpoe is no placeholder"),
        ("up", "model = m", "to be narrowed and split by labels it must contain"),
        ("up", "model", "'model' is not a label: write name = value"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(
    connected: House, promql: str, labels: str, complaint: str
) -> None:
    page = typed(opened("sources", signal="request_rate"), promql, labels)
    assert complaint in text(page)
    assert page.button(key="sources_save").disabled


def test_saving_without_a_database_says_that_nothing_was_saved(connected: House) -> None:
    page = typed(opened("sources", signal="request_rate"), PROMQL)
    with connected.wiring.db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE signalmapping")
    page.button(key="sources_save").click().run()
    assert "Nothing was saved: try again." in toasts(page)[0]
