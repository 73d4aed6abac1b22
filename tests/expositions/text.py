"""Prometheus' text format, with many samples of each series and their times in one page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from tests.expositions.traffic import STEP_SECONDS

STEPS = 13  # six minutes: a window of five, and a little before it

Labels = Mapping[str, str]


@dataclass
class Page:
    """One stack's exposition.

    Attributes:
        bounds: The buckets of its latency, in seconds.
        scrapes: How many of the last scrapes have anything.
        steady, constant, born: By series: growth in a step; value; age in seconds at the end.
    """

    bounds: Sequence[float] = ()
    scrapes: int = STEPS
    types: dict[str, str] = field(default_factory=dict)
    steady: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)
    constant: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)
    born: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    @property
    def series(self) -> int:
        return len(self.steady) + len(self.constant) + len(self.born)

    def count(self, name: str, labels: Labels, per_step: float, *, kind: str = "counter") -> None:
        """Add to a counter that grows by `per_step` in each step."""
        self.types.setdefault(name, kind)
        self._add(name, labels, per_step)

    def still(self, name: str, labels: Labels, value: float, *, kind: str = "gauge") -> None:
        """Put a value that stays as it is."""
        self.types.setdefault(name, kind)
        self.constant[name, tuple(labels.items())] = value

    def observe(
        self, name: str, labels: Labels, value: float, count: float, bounds: Iterable[float]
    ) -> None:
        """Add `count` observations of `value` in each step to a histogram."""
        self.types.setdefault(name, "histogram")
        for bound in (*bounds, inf):
            le = "+Inf" if bound == inf else f"{float(bound)}"
            self._add(f"{name}_bucket", {**labels, "le": le}, count if value <= bound else 0)
        self._add(f"{name}_sum", labels, value * count)
        self._add(f"{name}_count", labels, count)

    def text(self, *, end: int) -> str:
        """Return the page; its last samples are of the Unix second `end`."""
        lines = [f"# TYPE {name} {kind}" for name, kind in self.types.items()]
        for place in range(STEPS - self.scrapes, STEPS):
            at = (end - (STEPS - 1 - place) * STEP_SECONDS) * 1000
            for (name, labels), per_step in self.steady.items():
                lines.append(f"{_series(name, labels)} {per_step * (place + 10)!r} {at}")
            for (name, labels), value in self.constant.items():
                lines.append(f"{_series(name, labels)} {value!r} {at}")
            for (name, labels), seconds in self.born.items():
                lines.append(f"{_series(name, labels)} {end - seconds!r} {at}")
        return "\n".join([*lines, ""])

    def _add(self, name: str, labels: Labels, per_step: float) -> None:
        series = name, tuple(labels.items())
        self.steady[series] = self.steady.get(series, 0.0) + per_step


def _series(name: str, labels: Iterable[tuple[str, str]]) -> str:
    inner = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"{name}{{{inner}}}" if inner else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
