"""Seven days at once: Prometheus takes the blocks, the trace store the spans."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.copilot import backfill, history, prompts
from examples.copilot.past import Past
from scripts.servers import find
from signals import Query
from signals.traces import TraceQuery
from signals.traces.embedded import EmbeddedStore
from tests.copilot import MOVES, NOW, breached


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    promtool = find("promtool")
    assert promtool is not None
    folder = tmp_path_factory.mktemp("prometheus")
    backfill.write_blocks(promtool, folder, now=NOW)
    return folder


def test_promtool_takes_the_history_as_blocks(blocks: Path) -> None:
    promtool = find("promtool")
    listed = subprocess.run(
        [str(promtool), "tsdb", "list", str(blocks)], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) > 7
    assert not list(blocks.glob("*.om"))


def test_the_backfilled_incident_is_slow_and_the_hour_before_is_not(blocks: Path) -> None:
    past = Past(now=NOW)
    began, ended = past.incident
    name = "llm_latency_seconds_bucket"
    counts = _dumped(blocks, f'{name}{{feature="answers",le=~"5.0|[+]Inf"}}', began, ended)
    slow = _growth(counts, began + timedelta(minutes=5), ended)
    calm = _growth(counts, began - timedelta(hours=1), began - timedelta(minutes=5))
    assert slow["5.0"] / slow["+Inf"] < 0.8
    assert calm["5.0"] / calm["+Inf"] > 0.99


def _dumped(
    blocks: Path, match: str, began: datetime, ended: datetime
) -> dict[str, list[tuple[float, float]]]:
    """The samples around an incident, by bound."""
    times = [round((at.timestamp()) * 1000) for at in (began - timedelta(hours=2), ended)]
    command = [str(find("promtool")), "tsdb", "dump", f"--min-time={times[0]}"]
    command += [f"--max-time={times[1]}", f"--match={match}", str(blocks)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[tuple[float, float]]] = {}
    for line in text.splitlines():
        labels, value, at = line.rsplit(" ", 2)
        bound = labels.split('le="')[1].split('"')[0]
        found.setdefault(bound, []).append((int(at) / 1000, float(value)))
    return found


def _growth(
    counts: dict[str, list[tuple[float, float]]], start: datetime, end: datetime
) -> dict[str, float]:
    growth = {}
    for bound, samples in counts.items():
        inside = [v for at, v in samples if start.timestamp() <= at <= end.timestamp()]
        growth[bound] = max(inside) - min(inside)
    return growth


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("traces") / "traces.duckdb"
    with ThreadPoolExecutor(1) as executor:
        count = history.write_history(path, now=NOW, executor=executor)
    assert count > 70_000
    opened = EmbeddedStore.open(path)
    yield opened
    opened.close()


def test_the_history_reaches_over_seven_days(store: EmbeddedStore) -> None:
    newest = store.newest(at=NOW)
    assert newest is not None
    assert NOW - newest < timedelta(minutes=10)
    first = TraceQuery(start=NOW - timedelta(days=7), end=NOW - timedelta(days=6, hours=20))
    assert len(store.search(first)) > 50


def test_the_history_is_healthy_today(store: EmbeddedStore) -> None:
    values = {name: value_of(store, name, timedelta(days=1), NOW) for name in MOVES.values()}
    assert breached(values) == set()


def test_the_history_has_a_slow_incident_two_days_ago(store: EmbeddedStore) -> None:
    _, ended = Past(now=NOW).incident
    slow = value_of(store, "latency_p95", timedelta(minutes=20), ended)
    before = value_of(store, "latency_p95", timedelta(hours=6), ended - timedelta(hours=2))
    assert slow > 7
    assert before < 3.5


def test_the_candidate_prompt_appears_three_days_ago(store: EmbeddedStore) -> None:
    rollout = NOW - timedelta(days=3)
    before = store.values("prompt_version", start=NOW - timedelta(days=7), end=rollout)
    since = store.values("prompt_version", start=rollout, end=NOW)
    assert before == [prompts.CURRENT.version]
    assert since == [prompts.CURRENT.version, prompts.CANDIDATE.version]


def test_a_trace_of_the_past_has_its_log_lines(store: EmbeddedStore) -> None:
    found = store.search(TraceQuery(start=NOW - timedelta(hours=6), end=NOW, limit=1))
    lines = store.logs.lines(found[0].trace_id)
    assert [lines[0].body, lines[-1].body] == ["request accepted", "llm.request"]


def value_of(store: EmbeddedStore, signal: str, window: timedelta, at: datetime) -> float:
    return store.read(Query(signal=signal, window=window), at=at).samples[0].value


def test_the_last_hours_have_two_samples_in_every_half_minute() -> None:
    seconds = backfill.instants_of(Past(now=NOW))
    recent = seconds[seconds >= (NOW - timedelta(hours=5)).timestamp()]
    assert set(np.diff(recent)) == {15}
    assert NOW.timestamp() - seconds[-1] <= 15
    assert (np.diff(seconds) > 0).all()


def test_a_short_history_begins_when_it_is_told_to() -> None:
    past = Past(now=NOW, lasts=timedelta(hours=2))
    seconds = backfill.instants_of(past)
    assert timedelta(0) <= past.start - datetime.fromtimestamp(seconds[0], UTC) < timedelta(0, 120)
    with ThreadPoolExecutor(1) as executor:
        traces, _, _ = executor.submit(history.quarter, past, 0, 7).result()
    assert len(traces) > 1000


def test_the_counters_of_the_past_only_grow() -> None:
    past = Past(now=NOW)
    seconds = backfill.instants_of(past)[-500:]
    for (name, _), values in backfill.counters(past, seconds, seed=1).items():
        assert name == "llm_approval_queue_depth" or (np.diff(values) >= 0).all()


def test_the_load_of_the_past_is_three_requests_a_second() -> None:
    past = Past(now=NOW)
    series = backfill.counters(past, backfill.instants_of(past), seed=1)
    total = sum(values[-1] for (name, _), values in series.items() if name == "llm_requests_total")
    assert total / timedelta(days=7).total_seconds() == pytest.approx(3, rel=0.02)
