"""Questions to a trace store as pages and rules ask them, and traffic to ask about."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from signals import Query, Reading
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from tests.spans import HOUR, MINUTE, NOON, bill, child, root


def ask(
    store: EmbeddedStore,
    signal: str,
    *,
    window: timedelta = 5 * MINUTE,
    at: datetime = NOON,
    by: tuple[str, ...] = (),
    **scope: str,
) -> Reading:
    query = Query(signal=signal, window=window, by=by, scope=tuple(sorted(scope.items())))
    return store.read(query, at=at)


def values(reading: Reading) -> dict[tuple[str, ...], float]:
    """Return the values by their labels' values."""
    return {tuple(sample.labels.values()): sample.value for sample in reading.samples}


def value(reading: Reading) -> float:
    (sample,) = reading.samples
    return sample.value


def chart(
    store: EmbeddedStore, signal: str, **changes: Any
) -> dict[tuple[str, ...], dict[float, float]]:
    """Return values by labels and by minutes after NOON; four instants, a minute apart."""
    asked = {"window": MINUTE, "by": ()} | {
        k: changes.pop(k) for k in ("window", "by") if k in changes
    }
    period = {"start": NOON, "end": NOON + 3 * MINUTE, "step": MINUTE} | changes
    found = store.read_range(Query(signal=signal, **asked), **period)
    return {
        tuple(series.labels.values()): {
            (seconds - NOON.timestamp()) / 60: number
            for seconds, number in zip(series.seconds, series.values, strict=True)
        }
        for series in found
    }


def instants(start: datetime, step: timedelta) -> Sequence[datetime]:
    return [start + number * step for number in range((NOON - start) // step + 1)]


def traffic(count: int) -> list[Span]:
    """Return requests of the hour before NOON, some of whose roots do not say all."""
    rng = random.Random(count)
    spans = []
    for _ in range(count):
        whole = root(
            NOON - rng.random() * HOUR,
            duration_ms=rng.uniform(10, 9000),
            tenant=rng.choice(["acme", "globex", None]),
            feature=rng.choice(["chat", "search"]),
            outcome=rng.choice(["success", "success", "timeout", None]),
            session_id=rng.choice(["s1", "s2"]),
            environment=rng.choice(["prod", None]),
            cache_hit=rng.choice([True, False, None]),
            eval_score=rng.choice([None, 80.0, 70.0]),
        )
        call = child(
            whole,
            model=rng.choice(["small", "large"]),
            tenant=rng.choice(["acme", None]),
            prompt_version=rng.choice(["v1", "v2"]),
            input_tokens=rng.randrange(1000),
            guardrail_triggered=rng.choice([True, False, None]),
            queue_depth=rng.choice([None, 3.0, 8.0]),
            **bill(rng.choice([0.1, 0.25])),
        )
        spans += [whole, call]
    return spans
