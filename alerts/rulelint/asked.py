"""What the server's names, its parser and its statistics tell of a rule's PromQL. Pure."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from alerts.rulelint import Check, Finding, Grade
from signals.prometheus_cost import Cost
from signals.promql_names import Named, Selected

MANY_SERIES: Final = 100  # each is an alert, and nobody reads so many
# Of one evaluation. A rule of every 30 s would read 2,000 times so many a day.
MANY_SAMPLES: Final = 1_000_000
_SHOWN = 6
_OF_SCRAPING = {"__name__", "le", "instance", "job"}  # there on nearly everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a server has of what an expression may speak of.

    Attributes:
        metrics: Metric names, at least those of the expression that there are.
        labels: The label names of a metric; one is missing where the server did not tell.
    """

    metrics: Set[str] = frozenset()
    labels: Mapping[str, Set[str]] = field(default_factory=dict)


def syntax(complaint: str) -> list[Finding]:
    """Return why the expression is refused; nothing for an empty complaint."""
    if not complaint:
        return []
    said = complaint.rstrip(".")
    return [
        Finding(
            check=Check.SYNTAX,
            grade=Grade.ERROR,
            sentence=f"It is refused, so it is never evaluated: {said}. Mend the expression.",
        )
    ]


def cost(told: Cost) -> list[Finding]:
    """Return whether the expression yields too many alerts, or weighs on the server."""
    found = []
    if told.series > MANY_SERIES:
        found.append(
            Finding(
                check=Check.CARDINALITY,
                grade=Grade.HINT,
                sentence=f"It yields {told.series:,} series now, each of them an alert: compare it "
                "with a bound, or aggregate it by fewer labels.",
            )
        )
    if told.samples is not None and told.samples > MANY_SAMPLES:
        found.append(
            Finding(
                check=Check.COST,
                grade=Grade.HINT,
                sentence=f"Each evaluation reads {told.samples:,} samples: have the server record "
                "a part of it, choose a shorter range, or evaluate it less often.",
            )
        )
    return found


def names(named: Named, known: Known) -> list[Finding]:
    """Return which metrics and labels of an expression the server does not have."""
    missing = sorted(named.metrics - known.metrics)
    found = [_unknown_metric(name, known) for name in missing]
    for selected in named.selected:
        found += _unknown_labels(selected, known)
    found += _unknown_groups(named, known)
    return list(dict.fromkeys(found))


def _unknown_metric(name: str, known: Known) -> Finding:
    likely = get_close_matches(name, sorted(known.metrics), n=1, cutoff=0.7)
    rest = f"did you mean {likely[0]}?" if likely else "check its spelling, or that it is scraped."
    return Finding(
        check=Check.UNKNOWN_NAME,
        grade=Grade.WARNING,
        sentence=f"The server has had no metric {name} in the last week: {rest}",
    )


def _unknown_labels(selected: Selected, known: Known) -> Iterator[Finding]:
    labels = known.labels.get(selected.metric)
    if labels is None:
        return
    for label in sorted(selected.labels - labels):
        yield _unknown_label(label, selected.metric, labels)


def _unknown_groups(named: Named, known: Known) -> Iterator[Finding]:
    if named.makes_labels or not named.metrics or named.metrics - known.labels.keys():
        return
    there = set[str]().union(*(known.labels[name] for name in named.metrics))
    for label in sorted(named.grouped - there):
        yield _unknown_label(label, " and ".join(sorted(named.metrics)), there)


def _unknown_label(label: str, metric: str, labels: Set[str]) -> Finding:
    likely = get_close_matches(label, sorted(labels), n=1, cutoff=0.7)
    shown = ", ".join(sorted(labels - _OF_SCRAPING)[:_SHOWN])
    rest = f"did you mean {likely[0]}?" if likely else f"it has {shown or 'none'}."
    return Finding(
        check=Check.UNKNOWN_NAME,
        grade=Grade.WARNING,
        sentence=f"{metric} has no label {label}: {rest}",
    )
