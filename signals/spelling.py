"""How one server spells the metrics and labels of a pack. Pure.

OpenTelemetry's names reach Prometheus in four spellings, by who translates them: with dots or
underscores, with or without unit and `_total`.

Source: https://prometheus.io/docs/guides/opentelemetry/#utf-8
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from signals.packs import Label, Metric, Pack, Part

# OpenTelemetry's unit, Prometheus' suffix for it, and what one is in our unit.
# Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
_UNITS: Mapping[str, tuple[str, float]] = {
    "s": ("seconds", 1.0),
    "ms": ("milliseconds", 0.001),
    "us": ("microseconds", 0.000_001),
    "USD": ("USD", 1.0),
    "token": ("token", 1.0),
}
_OTHER = re.compile(r"[^a-zA-Z0-9_]")
_PREFIX = re.compile(r"[a-zA-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a server has of the names that packs know.

    Attributes:
        names: Sample names, such as `llm_latency_seconds_bucket`, seen in the last week.
        live: Those seen in the last day.
        labels: The label names of a sample name; one is missing where the server did not tell.
    """

    names: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """One spelling of one metric.

    Attributes:
        base: The name without `_bucket`, `_sum`, `_count`, `_total`.
        total: What a counter has behind it: `_total`, or nothing.
    """

    base: str
    total: str = ""

    def sample(self, kind: str, part: Part | str) -> str:
        """Return the name of its samples: `part` is count, sum or bucket."""
        if kind in ("histogram", "summary"):
            return f"{self.base}_{part}"
        return f"{self.base}{self.total}"

    @property
    def created(self) -> str:
        """Return the name of what says when it was created, in OpenMetrics."""
        return f"{self.base}_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """A metric as one server has it, under one of its names.

    Attributes:
        is_dated: Whether there is a `_created` beside it.
        labels: Its label names; None where the server did not tell.
        scale: What its values are multiplied with to be in our unit.
        is_live: Whether it was written within a day.
    """

    kind: str
    spelling: Spelling
    is_dated: bool = False
    labels: frozenset[str] | None = None
    scale: float = 1.0
    is_live: bool = False

    def label(self, name: str) -> str | None:
        """Return how the label that a pack calls `name` is spelled here, or None if it is not."""
        if self.labels is None:
            return underscored(name)
        return next((one for one in (underscored(name), name) if one in self.labels), None)

    def default_label(self, name: str) -> str:
        """Return how `name` would be spelled here if it were."""
        dotted = self.labels is not None and any("." in label for label in self.labels)
        return name if dotted else underscored(name)


def underscored(name: str) -> str:
    """Return an OpenTelemetry name as Prometheus 2 has it."""
    return _OTHER.sub("_", name) if "." in name else name


@lru_cache(maxsize=512)
def spellings(metric: Metric) -> tuple[Spelling, ...]:
    """Return every spelling of a metric, the likeliest first."""
    totals = ("_total", "") if metric.kind == "counter" else ("",)
    found = [Spelling(base=name, total=totals[0]) for name in metric.names]
    for total in totals:
        found += [
            Spelling(base=base, total=total)
            for name in metric.otel
            for base in _bases(name, metric)
        ]
    return tuple(dict.fromkeys(found))


def spell(metric: Metric, inventory: Inventory | None) -> tuple[Spelled, ...]:
    """Return `metric` under each name that the server with that inventory has for it.

    Without an inventory it is taken to be there, spelled in the likeliest way.
    """
    if inventory is None:
        first = spellings(metric)[0]
        return (_spelled(metric, first, labels=None, is_dated=metric.kind != "gauge"),)
    there = [s for s in spellings(metric) if probe(metric, s) in inventory.names]
    there = [s for s in there if _has_its_labels(metric, s, inventory)]
    # What is only remembered is left aside where the same is being written under another name.
    living = [s for s in there if probe(metric, s) in inventory.live]
    return tuple(
        _spelled(
            metric,
            spelling,
            labels=inventory.labels.get(probe(metric, spelling)),
            is_dated=spelling.created in inventory.names,
            is_live=bool(living),
        )
        for spelling in living or there
    )


def _spelled(
    metric: Metric,
    spelling: Spelling,
    *,
    labels: frozenset[str] | None,
    is_dated: bool,
    is_live: bool = False,
) -> Spelled:
    declared = frozenset(metric.labels) or None
    return Spelled(
        kind=metric.kind,
        spelling=spelling,
        is_dated=is_dated,
        labels=declared if labels is None else labels,
        scale=_UNITS.get(metric.unit, ("", 1.0))[1],
        is_live=is_live,
    )


def probe(metric: Metric, spelling: Spelling) -> str:
    """Return the sample name whose presence shows that the metric is there."""
    return spelling.sample(metric.kind, "bucket" if metric.kind == "histogram" else "count")


def names_of(packs: Iterable[Pack]) -> frozenset[str]:
    """Return every sample name that `packs` could use."""
    return frozenset(_names_of(packs))


def prefixes(names: Iterable[str]) -> str:
    """Return the regular expression of names that begin as one of `names` does."""
    starts = sorted({found[0] for name in names if (found := _PREFIX.match(name))})
    return "|".join(f"{start}.*" for start in starts)


def label_of(label: Label, metric: Spelled) -> tuple[str, ...]:
    """Return the names under which `metric` has a label: several if series differ, or none."""
    either = [spelled for name in label.either if (spelled := metric.label(name))]
    if either:
        return tuple(either) if metric.labels is not None else (either[0],)
    for name in label.first:
        if spelled := metric.label(name):
            return (spelled,)
    if label.is_always_there and label.first:
        return (metric.default_label(label.first[0]),)
    return ()


def _bases(name: str, metric: Metric) -> Iterator[str]:
    suffix = _UNITS.get(metric.unit, ("", 1.0))[0]
    for style in (underscored(name), name):
        if suffix:
            yield f"{style}_{suffix}"
    if not metric.suffixed:
        yield underscored(name)
        yield name


def _has_its_labels(metric: Metric, spelling: Spelling, inventory: Inventory) -> bool:
    labels = inventory.labels.get(probe(metric, spelling))
    return labels is None or all(
        name in labels or underscored(name) in labels for name in metric.needs
    )


def _names_of(packs: Iterable[Pack]) -> Iterator[str]:
    for pack in packs:
        for metric in pack.metrics.values():
            for spelling in spellings(metric):
                yield probe(metric, spelling)
                if metric.kind != "gauge":
                    yield spelling.created
