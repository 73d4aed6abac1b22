"""SQL for requests: the roots of traces, each with one value per label.

A request carries the label of its root or, where the root does not say, that of the longest of
its spans that does (the model of the longest model call, usually). So every request has at
most one value per label, and shares over a split add up. `outcome` is the root's alone: a failed
tool call is not a failed request.

Other spans are looked up within an hour of the period asked for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from models.vocabulary import SpanStatus
from signals import QueryError
from signals.traces import FILTERS

MARGIN = "INTERVAL 1 HOUR"

FAILURES = ("error", "timeout", "rate_limited")
FAILED = (
    f"({{s}}.status = '{SpanStatus.ERROR.value}' OR "
    f"coalesce({{s}}.outcome IN ({', '.join(repr(word) for word in FAILURES)}), false))"
)


def checked(labels: Iterable[str]) -> tuple[str, ...]:
    """Return `labels`, each once and in order, or raise QueryError for one that traces lack."""
    labels = tuple(dict.fromkeys(labels))
    for label in labels:
        if label not in FILTERS:
            raise QueryError(
                f"traces have no label {label!r} to split or filter by; there are "
                f"{', '.join(FILTERS)}"
            )
    return labels


def roots(
    when: str,
    labels: Iterable[str],
    columns: str,
    around: tuple[str, str] = ("$start", "$end"),
) -> str:
    """Return the CTEs whose last, `requests`, holds each root with `columns` and its labels.

    Args:
        when: The period, as a condition on `{s}`, an alias of the roots.
        labels: Of `FILTERS`; only those that are needed, for each may cost a look at all spans.
        columns: More columns of the root `r`, each after a comma.
        around: The parameters of the period, for the look at the other spans.
    """
    labels = tuple(labels)
    inherited = [label for label in labels if label != "outcome"]
    own = "".join(f", r.{label}" for label in labels)
    # Only columns that are needed: what a CTE holds is copied.
    found = (
        f"roots AS (SELECT r.trace_id{columns}{own} FROM store.roots AS r "  # noqa: S608  names are ours
        f"WHERE {when.format(s='r')})"
    )
    if not inherited:
        return f"{found}, requests AS (FROM roots)"
    silent = " OR ".join(f"r.{label} IS NULL" for label in inherited)
    told = ", ".join(f"arg_max(c.{label}, c.{label}_ms) AS {label}" for label in inherited)
    merged = ", ".join(f"coalesce(r.{label}, told.{label}) AS {label}" for label in inherited)
    return (
        f"{found}, silent AS (SELECT r.trace_id FROM roots AS r WHERE {silent}), "  # noqa: S608  names are ours
        f"told AS (SELECT c.trace_id, {told} FROM store.parts AS c "
        f"WHERE c.ended_at > {around[0]} - {MARGIN} "
        f"AND c.started_at <= {around[1]} + {MARGIN} "
        "AND c.trace_id IN (SELECT trace_id FROM silent) GROUP BY c.trace_id), "
        f"requests AS (SELECT r.* REPLACE ({merged}) "
        "FROM roots AS r LEFT JOIN told ON told.trace_id = r.trace_id)"
    )


def matches(scope: Mapping[str, str], alias: str) -> tuple[str, dict[str, Any]]:
    """Return the condition that every label of `scope` has its value, and its parameters.

    An empty value stands for a label that is not there, as in PromQL.
    """
    conditions = " AND ".join(f"coalesce({alias}.{label}, '') = $scope_{label}" for label in scope)
    return conditions or "true", {f"scope_{label}": value for label, value in scope.items()}
