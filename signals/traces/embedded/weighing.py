"""Values of traces of which tail sampling has removed a part: weighed back, with their interval.

A trace that was kept by chance stands for `weight` traces. A sum weighs each with it, a mean is
one weighed sum over another, and a quantile is taken as if each stood there so many times.

The interval holds the true value in 95 of 100 cases. Each trace was drawn by itself with a
chance of 1 / weight, so that the variance of a sum of y is estimated by the sum of
weight * (weight - 1) * y^2; those kept for a reason, of weight 1, add nothing to it. Of a mean R it
is that of x - R * n, over the square of the sum of n; of a quantile Q it is that of the share of
traces below Q, read back as two quantiles.

Source: Saerndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, sections 3.2
(Poisson sampling), 5.6 (ratios) and 5.11 (quantiles).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

from signals.traces.embedded.database import Database
from signals.traces.from_spans import Answer, Of

Interval = tuple[float, float]
LabelValues = tuple[str | None, ...]
Facts = tuple[str, Mapping[str, Any]]  # SQL of the facts of a window alone, and its parameters

Z = 1.96  # of the normal distribution, two-sided, 95 %
MAX_SERIES = 2_000
_VALUES = {
    Of.MEAN: "sum({x} * weight){o} / nullif(sum(n * weight){o}, 0)",
    Of.SUM: "sum({x} * weight){o}",
    Of.DROP: "sum({x} * weight){before} / nullif(sum(n * weight){before}, 0) "
    "- sum({x} * weight){o} / nullif(sum(n * weight){o}, 0)",
}


def weighed(answer: Answer) -> Answer:
    """Return `answer` with each trace counted as often as its weight says."""
    if answer.of is Of.QUANTILE:
        return replace(answer, facts=lambda labels: _repeated(answer.facts(labels)))
    value = _VALUES.get(answer.of, answer.value)
    if answer.is_rate:
        value = f"coalesce({value}, 0)"
    if answer.is_per_second:
        value = f"{value} / {{w}}"
    return replace(answer, value=value)


def intervals(
    database: Database, answer: Answer, facts: Facts, by: Sequence[str], *, seconds: float
) -> dict[LabelValues, Interval]:
    """Return where the true value lies, by the values of the labels `by`.

    Without one are what is no sum (a last value, a drop), a mean of nothing, and whatever no trace
    that was kept by chance has a part in.

    Args:
        database: Where to ask.
        answer: To be weighed, but not yet.
        facts: Those of `answer`.
        by: The labels of the split.
        seconds: Of the window.
    """
    if answer.of is Of.QUANTILE:
        return _of_quantile(database, answer.q or 0.0, facts, by)
    if answer.of not in (Of.MEAN, Of.SUM):
        return {}
    sql, parameters = facts
    labels = "".join(f"{label}, " for label in by)
    rows = database.ask(
        f"WITH facts AS ({sql}), traces AS (SELECT {labels}trace_id, "  # noqa: S608  labels are checked
        "any_value(weight) AS w, coalesce(sum(x), 0) AS x, sum(n) AS n FROM facts GROUP BY ALL) "
        f"SELECT {labels}sum(w * x), sum(w * n), sum(w * (w - 1) * x * x), "
        "sum(w * (w - 1) * x * n), sum(w * (w - 1) * n * n) FROM traces GROUP BY ALL "
        "HAVING count(*) > 0",
        parameters,
        at_most=MAX_SERIES,
    )
    found = {}
    for *names, x, n, xx, xn, nn in rows:
        if not xx and not nn:
            continue
        if answer.of is Of.SUM:
            n, ratio = (seconds if answer.is_per_second else 1.0), 0.0
        elif not n:
            continue
        else:
            ratio = x / float(n)
        variance = float(xx) - 2 * ratio * float(xn) + ratio * ratio * float(nn)
        margin = Z * sqrt(max(variance, 0.0)) / float(n)
        value = x / float(n)
        found[tuple(names)] = (max(value - margin, min(value, 0.0)), value + margin)
    return found


def _repeated(facts: str) -> str:
    return (
        "SELECT * EXCLUDE (again) FROM (SELECT f.*, unnest(range(weight)) AS again "  # noqa: S608  names are ours
        f"FROM ({facts}) AS f)"
    )


def _of_quantile(
    database: Database, q: float, facts: Facts, by: Sequence[str]
) -> dict[LabelValues, Interval]:
    sql, parameters = facts
    labels = "".join(f"{label}, " for label in by)
    partition = f"PARTITION BY {', '.join(by)} " if by else ""
    within = f"WINDOW below AS ({partition}ORDER BY x ROWS UNBOUNDED PRECEDING)"
    same = "".join(f" AND r.{label} IS NOT DISTINCT FROM v.{label}" for label in by)
    chosen = "".join(f"r.{label}, " for label in by)
    rows = database.ask(
        f"WITH facts AS ({sql}), ranked AS (SELECT {labels}x, weight AS w, "  # noqa: S608  labels are checked
        f"sum(weight) OVER below AS rank FROM facts WHERE x IS NOT NULL {within}), "
        f"wholes AS (SELECT {labels}max(rank) AS n FROM ranked GROUP BY ALL), "
        f"valued AS (SELECT {chosen}v.n, min(r.x) AS value FROM ranked AS r JOIN wholes AS v "
        f"ON r.rank >= v.n * $q{same} GROUP BY ALL), "
        f"spread AS (SELECT {chosen}v.n, {Z} * sqrt(sum(r.w * (r.w - 1) * "
        "pow(CAST(r.x <= v.value AS DOUBLE) - $q, 2))) AS margin "
        f"FROM ranked AS r JOIN valued AS v ON true{same} GROUP BY ALL) "
        f"SELECT {chosen}min(r.x) FILTER (r.rank >= v.n * $q - v.margin), "
        "min(r.x) FILTER (r.rank >= least(v.n * $q + v.margin, v.n)) "
        f"FROM ranked AS r JOIN spread AS v ON true{same} GROUP BY ALL HAVING max(r.w) > 1",
        {**parameters, "q": q},
        at_most=MAX_SERIES,
    )
    return {tuple(names): (low, high) for *names, low, high in rows}
