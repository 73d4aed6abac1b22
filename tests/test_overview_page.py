"""The Overview page: full, empty, source down."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts.wiring import Wiring
from app import cached, signal_card, wired
from models.tables import Alert, Policy, Rule, SourceStatus
from models.vocabulary import AlertState, DataState, Severity
from signals import Labels
from tests.memory_source import NOON, MemorySource, wiring_of

DOWN = "Prometheus at http://prom:9090 did not answer within 5 s."


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
def wiring(source: MemorySource, tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, source)
    wired.set_current(made)
    cached.clear()
    yield made
    cached.clear()
    made.close()


def page() -> AppTest:
    def script() -> None:
        from app.views import overview

        overview.render()

    return AppTest.from_function(script, default_timeout=20)


def text(at: AppTest) -> str:
    """Return everything that is written on the page outside of widgets and numbers."""
    return "\n".join([*(m.value for m in at.markdown), *(e.value for e in at.error)])


def states(at: AppTest) -> dict[str, str]:
    """Return the word under each number, without its icon."""
    return {m.label: m.delta.partition(": ")[2] for m in at.metric}


def values(at: AppTest) -> dict[str, str]:
    return {m.label: m.value for m in at.metric}


def constant(**known: float | None) -> MemorySource:
    """Return a source whose signals stand still; those not named are missing."""
    return MemorySource(wave=lambda signal, labels, seconds: known.get(signal))


def add_alert(wiring: Wiring, name: str, **changes: Any) -> None:
    with Session(wiring.db) as session:
        policy = Policy(name=name, steps=[])
        session.add(policy)
        session.flush()
        rule = Rule(
            name=name,
            owner="ana",
            severity=Severity.CRITICAL,
            condition={"kind": "threshold", "signal": "latency_p95", "bound": 5.0},
            policy_id=policy.id or 0,
            updated_at=NOON,
            updated_by="ana",
            next_evaluation_at=NOON,
        )
        session.add(rule)
        session.flush()
        firing: dict[str, Any] = {
            "dedup_key": name,
            "rule_id": rule.id,
            "fingerprint": "",
            "labels": {},
            "severity": Severity.CRITICAL,
            "value": 5.9,
            "state": AlertState.FIRING,
            "active_at": NOON - timedelta(minutes=18),
            "fired_at": NOON - timedelta(minutes=13),
        }
        session.add(Alert(**{**firing, **changes}))
        session.commit()


def test_every_golden_signal_is_on_the_page(wiring: Wiring) -> None:
    at = page().run()

    assert not at.exception
    assert len(at.metric) == 11
    assert values(at)["Latency p95"].endswith(" s")


def test_each_number_says_in_a_word_how_it_stands(source: MemorySource, wiring: Wiring) -> None:
    source.wave = constant(
        latency_p50=1.0,
        latency_p95=5.1,
        error_ratio=0.02,
        cache_hit_ratio=0.2,
        guardrail_ratio=0.01,
        request_rate=3.0,
    ).wave

    found = states(page().run())

    assert found["Latency p50"] == "no target"
    assert found["Latency p95"] == "beyond alert threshold"
    assert found["Error rate"] == "over target"
    assert found["Cache hit rate"] == "under target"
    assert found["Guardrail trigger rate"] == "ok"
    assert found["Approval queue depth"] == "no traffic"


def test_a_signal_without_traffic_shows_no_number(source: MemorySource, wiring: Wiring) -> None:
    source.wave = constant(request_rate=3.0).wave

    assert values(page().run())["Error rate"] == "—"


def test_target_threshold_and_source_stand_under_the_number(wiring: Wiring) -> None:
    said = text(page().run())

    assert "target ≤ 3.5 s · alert > 5 s for 5 min" in said
    assert "over 5 min, from prometheus" in said


def test_a_number_from_another_source_says_so(tmp_path: Path) -> None:
    metrics = MemorySource(lacking=frozenset({"approval_queue_depth"}))
    wired.set_current(wiring_of(tmp_path, metrics, MemorySource(name="traces")))
    cached.clear()

    assert "over 5 min, from traces" in text(page().run())


def test_a_signal_that_no_source_has_says_what_is_missing(
    source: MemorySource, wiring: Wiring
) -> None:
    source.lacking = frozenset({"eval_score"})

    at = page().run()

    assert states(at)["Online eval score"] == "no source"
    assert not at.error


def test_a_number_on_few_requests_is_marked(source: MemorySource, wiring: Wiring) -> None:
    source.wave = constant(latency_p95=2.0, request_rate=7 / 300).wave

    at = page().run()

    (p95,) = [m for m in at.metric if m.label == "Latency p95"]
    assert p95.proto.delta_description == "n = 7"


def test_nothing_firing_is_said(wiring: Wiring) -> None:
    assert "nothing is firing" in text(page().run())


def test_what_fires_stands_first_with_its_time_and_who_has_it(wiring: Wiring) -> None:
    add_alert(wiring, "Latency p95 high")
    add_alert(wiring, "Errors high", state=AlertState.ACKNOWLEDGED, acknowledged_by="Ben _Okoro_")

    said = text(page().run())

    assert said.startswith("**2 firing**")
    assert "Latency p95 high" in said
    assert "13 min ago" in said
    assert "nobody has it yet" in said
    assert r"Ben \_Okoro\_ has it" in said


def test_more_than_five_firing_alerts_are_counted(wiring: Wiring) -> None:
    for number in range(7):
        add_alert(wiring, f"rule {number}")

    assert "and 2 more" in text(page().run())


def test_the_freshness_of_each_source_is_told(wiring: Wiring) -> None:
    with Session(wiring.db) as session:
        session.add(
            SourceStatus(
                name="prometheus",
                checked_at=NOON,
                answered_at=NOON,
                newest_at=NOON - timedelta(seconds=12),
                state=DataState.OK,
            )
        )
        session.add(
            SourceStatus(
                name="traces",
                checked_at=NOON,
                answered_at=NOON - timedelta(minutes=4),
                state=DataState.UNREACHABLE,
                error="refused",
            )
        )
        session.commit()

    said = text(page().run())

    assert "newest data 12 s ago" in said
    assert "last answered 4 min ago: refused" in said


def test_range_and_scope_come_from_the_address(wiring: Wiring, source: MemorySource) -> None:
    at = page()
    at.query_params["range"] = "7d"
    at.query_params["model"] = "gpt-4.1-mini"

    at.run()

    assert at.segmented_control(key="range").value == "7d"
    assert ("model", "gpt-4.1-mini") in source.asked[-1].scope
    assert "2 h of the last 7 d" in text(at)


def test_a_range_that_does_not_exist_falls_back(wiring: Wiring) -> None:
    at = page()
    at.query_params["range"] = "3 fortnights"

    at.run()

    assert not at.exception
    assert at.segmented_control(key="range").value == "1h"


def test_without_any_source_the_page_says_what_to_connect(tmp_path: Path) -> None:
    wired.set_current(wiring_of(tmp_path))
    cached.clear()

    at = page().run()

    assert not at.metric
    assert "WAKEFUL_PROMETHEUS_URL" in text(at)
    assert "/v1/traces" in text(at)


def test_sources_without_data_say_where_to_send_them(source: MemorySource, wiring: Wiring) -> None:
    source.wave = constant().wave

    at = page().run()

    assert not at.metric
    assert "No requests in the last 1 h" in text(at)


def test_a_scope_without_data_says_so(source: MemorySource, wiring: Wiring) -> None:
    def only_chat(signal: str, labels: Labels, seconds: float) -> float | None:
        return None if labels.get("feature") == "search" else 1.0

    source.wave = only_chat
    at = page()
    at.query_params["feature"] = "search"

    at.run()

    assert "No requests with feature search" in text(at)


def test_a_source_that_goes_down_is_named_and_its_last_data_stay(
    source: MemorySource, wiring: Wiring
) -> None:
    before = values(page().run())
    source.down = DOWN
    wired.set_current(replace(wiring, clock=lambda: NOON + timedelta(minutes=1)))
    signal_card.known.clear()  # ten seconds have passed

    at = page().run()

    assert not at.exception
    assert values(at) == before
    assert [e.value.count("1 min ago") for e in at.error] == [1]
    assert "did not answer within 5 s" in at.error[0].value
    assert "as of 1 min ago" in text(at)


def test_a_source_that_is_down_from_the_start_leaves_the_page_standing(
    source: MemorySource, wiring: Wiring
) -> None:
    source.down = DOWN

    at = page().run()

    assert not at.exception
    assert "There is no earlier answer to show." in at.error[0].value
    assert set(states(at).values()) == {"source down"}


def test_a_database_that_is_down_leaves_the_signals_on_the_page(wiring: Wiring) -> None:
    with wiring.db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alert")

    at = page().run()

    assert not at.exception
    assert len(at.metric) == 11
    assert "database" in at.error[0].value
