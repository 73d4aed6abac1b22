"""The seeds' metrics of a made application: 25 features on 8 models, 2,200 series.

Traffic is steady, so that a counter is its rate times its age, in the past as now. Beside them
stand the 800 `_created` series that prometheus_client sends with every counter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from signals import Labels

FEATURES, MODELS = 25, 8
BOUNDS = (1.0, 2.5, 3.5, 5.0, 10.0)  # seconds
# What Prometheus would add on scraping; put here, the past and the present are the same series.
TARGET = {"instance": "copilot:8000", "job": "copilot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What goes on in one feature on one model.

    Attributes:
        rate: Requests per second.
        error_ratio: Share of them that fails.
        usd: Mean cost of one.
        within: Share that takes at most so long, by bound.
    """

    feature: str
    model: str
    rate: float
    error_ratio: float
    usd: float
    within: tuple[float, ...]


def traffic(seed: int = 7) -> list[Traffic]:
    """Return the whole application."""
    rng = Random(seed)
    return [
        _traffic(f"feature-{feature:02}", f"model-{model}", rng)
        for feature in range(FEATURES)
        for model in range(MODELS)
    ]


def exposition(made: list[Traffic], *, born: float, at: float, stamped: bool = False) -> str:
    """Return what a scrape at `at` finds, in the OpenMetrics format.

    Args:
        made: The application.
        born: Unix time at which its counters stood at zero.
        at: Unix time.
        stamped: Whether each sample carries its time, without the mark of the end.
    """
    stamp = f" {at:.3f}" if stamped else ""
    lines = [f"{name}{stamp}" for name in _samples(made, born, at - born)]
    return "\n".join(lines if stamped else [*lines, "# EOF\n"])


def _traffic(feature: str, model: str, rng: Random) -> Traffic:
    slowness = rng.lognormvariate(0, 0.35)
    return Traffic(
        feature=feature,
        model=model,
        rate=rng.uniform(0.2, 5),
        error_ratio=rng.uniform(0, 0.0305),
        usd=rng.uniform(0.001, 0.081),
        within=tuple(min(0.999, 1 - 0.5 ** (bound / slowness)) for bound in BOUNDS),
    )


def _samples(made: list[Traffic], born: float, age: float) -> Iterator[str]:
    for one in made:
        labels = {**TARGET, "feature": one.feature, "model": one.model}
        requests = one.rate * age
        for outcome, share in (("success", 1 - one.error_ratio), ("error", one.error_ratio)):
            counted = {**labels, "outcome": outcome}
            yield from _counter("llm_requests", counted, requests * share, born)
        yield from _counter("llm_cost_usd", labels, requests * one.usd, born)
        for bound, share in zip((*map(str, BOUNDS), "+Inf"), (*one.within, 1.0), strict=True):
            yield _sample("llm_latency_seconds_bucket", {**labels, "le": bound}, requests * share)
        yield _sample("llm_latency_seconds_count", labels, requests)
        yield _sample("llm_latency_seconds_sum", labels, requests * 1.5)
        yield _sample("llm_latency_seconds_created", labels, born)


def _counter(name: str, labels: Labels, value: float, born: float) -> Iterator[str]:
    yield _sample(f"{name}_total", labels, value)
    yield _sample(f"{name}_created", labels, born)


def _sample(name: str, labels: Labels, value: float) -> str:
    inner = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{inner}}} {value!r}"
