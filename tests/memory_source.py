"""A source that answers from functions of time, and can be taken down: for pages and charts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import SQLModel

from alerts.settings import Settings
from alerts.wiring import Role, Wiring
from models.database import connect
from signals import Labels, Query, Reading, Sample, Series, UnreachableError
from signals.catalog import CATALOG
from signals.routing import Sources

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
MODELS = ("claude-sonnet-4-6", "gpt-4.1-mini", "text-embedding-3-small")
FEATURES = ("chat", "search", "summaries")
VALUES = {
    "feature": FEATURES,
    "model": MODELS,
    "tenant": ("acme", "globex"),
    "prompt_version": ("1.0.0", "2.0.0"),
    "environment": ("production",),
}

Wave = Callable[[str, Labels, float], float | None]


def daily(signal: str, labels: Labels, seconds: float) -> float | None:
    """Return a believable value: a daily wave, a ripple, no traffic from 3 to 3:20 at night."""
    middle = {
        "latency_p50": 0.9,
        "latency_p95": 2.4,
        "latency_p99": 4.1,
        "error_ratio": 0.006,
        "cost_per_request": 0.031,
        "cost": 41.0,
        "cache_hit_ratio": 0.36,
        "guardrail_ratio": 0.021,
        "approval_queue_depth": 31.0,
        "eval_score": 86.0,
        "eval_score_drop": 0.6,
        "request_rate": 3.2,
        "token_rate": 5200.0,
    }[signal]
    if 3 * 3600 <= seconds % 86400 < 3 * 3600 + 1200:
        return None
    shift = 1 + 0.35 * (sum(map(len, labels.values())) % 5 - 2) / 2
    day = math.sin(seconds / 86400 * 2 * math.pi)
    ripple = math.sin(seconds / 337) * 0.05 + math.sin(seconds / 1931) * 0.08
    swing = 0.03 if signal == "eval_score" else 0.3
    return middle * shift * (1 + swing * day + swing * ripple)


@dataclass
class MemorySource:
    """Answers every signal with `wave`, split and narrowed by the labels in `VALUES`.

    Attributes:
        down: When not empty, every question ends in UnreachableError with this sentence.
        lacking: Signals it does not have.
        asked: Every question it was asked, in order.
    """

    name: str = "prometheus"
    wave: Wave = daily
    down: str = ""
    lacking: frozenset[str] = frozenset()
    asked: list[Query] = field(default_factory=list)

    def answers(self, query: Query) -> bool:
        names = {*query.by, *(name for name, _ in query.scope)}
        return query.signal in CATALOG and query.signal not in self.lacking and names <= set(VALUES)

    def read(self, query: Query, *, at: datetime) -> Reading:
        self._ask(query)
        found = [
            (labels, self.wave(query.signal, labels, at.timestamp())) for labels in _split(query)
        ]
        return Reading(
            samples=tuple(Sample(labels=la, value=v, at=at) for la, v in found if v is not None),
            no_traffic=tuple(la for la, v in found if v is None),
        )

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        self._ask(query)
        count = int((end - start) / step) + 1
        times = [start.timestamp() + i * step.total_seconds() for i in range(count)]
        return [_series(labels, times, query, self.wave) for labels in _split(query)]

    def newest(self, *, at: datetime) -> datetime | None:
        self._ask(None)
        return at

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        self._ask(None)
        return list(VALUES.get(field, ()))

    def _ask(self, query: Query | None) -> None:
        if query is not None:
            self.asked.append(query)
        if self.down:
            raise UnreachableError(self.down)


def wiring_of(
    folder: Path, *sources: MemorySource, clock: Callable[[], datetime] = lambda: NOON
) -> Wiring:
    """Return a wiring over an empty SQLite file in `folder` that asks `sources`."""
    db = connect(f"sqlite:///{folder}/wakeful.db")
    SQLModel.metadata.create_all(db)
    return Wiring(
        settings=Settings(data_dir=str(folder), user="ana"),
        role=Role.TOOL,
        db=db,
        signals=Sources(sources),
        watched=sources,
        clock=clock,
    )


def _split(query: Query) -> Sequence[dict[str, str]]:
    splits: list[dict[str, str]] = [dict(query.scope)]
    for label in query.by:
        splits = [{**known, label: value} for known in splits for value in VALUES[label]]
    return splits


def _series(labels: Labels, times: Sequence[float], query: Query, wave: Wave) -> Series:
    found = [(t, v) for t in times if (v := wave(query.signal, labels, t)) is not None]
    return Series(labels=labels, seconds=[t for t, _ in found], values=[v for _, v in found])
