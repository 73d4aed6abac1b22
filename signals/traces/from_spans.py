"""The golden signals, answered from spans in SQL (DuckDB).

A request counts at the instant it ends, as a metric would count it: counted at its start, the
newest minutes would hold only requests fast enough to have ended, and the latency of an outage
would look best just when it matters. A window is (at - window, at].

Each signal is a relation of facts (ended_at, x, n, weight, trace_id, labels) and an aggregate of
x and n. Where tail sampling has removed traces, those that stayed by chance stand for several: see
`weighed`.

Whose label counts when a signal is split: the request's (see `embedded.requests`), for every
fact, so that cost and requests of one label belong to the same requests. Where the request has
none, or its root has not arrived, the span's own counts. One exception: tokens are split by the
model of the span that used them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from signals.traces.embedded.narrow import TRACE_ID
from signals.traces.embedded.requests import FAILED, MARGIN, roots

WITHIN = "{s}.ended_at > $start AND {s}.ended_at <= $end"
_AROUND = f"{{s}}.ended_at > $start - {MARGIN} AND {{s}}.ended_at <= $end + {MARGIN}"
BASELINE = timedelta(days=7)


class Of(StrEnum):
    """What a value is of its facts, which decides how it is weighed and how far it may be off."""

    MEAN = "mean"  # sum of x over sum of n
    SUM = "sum"
    QUANTILE = "quantile"
    LAST = "last"  # no sum: nothing to weigh
    DROP = "drop"  # a mean of then less one of now


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one signal is answered.

    Its value is one of x over n where `of` is `Of.MEAN`, of x alone where it is `Of.SUM`.

    Attributes:
        facts: Returns the CTEs and the SELECT of the facts for some labels.
        value: The aggregate, as a template: see `sql`.
        of: What `value` is of the facts.
        q: Which quantile it is.
        is_rate: Nothing happening is zero, not the lack of an answer.
        has_baseline: `value` uses `{before}`.
        parameters: Of `facts`.
    """

    facts: Callable[[Sequence[str]], str]
    value: str
    of: Of
    q: float | None = None
    is_rate: bool = False
    has_baseline: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def sql(self, *, o: str, before: str, window: timedelta, x: str = "x") -> str:
        """Return the aggregate.

        Args:
            o: An OVER or FILTER clause that keeps to the window, or nothing.
            before: The same for the 7 days before the window.
            window: How long it is.
            x: The column of the facts' x.
        """
        return self.value.format(o=o, before=before, w=window.total_seconds(), x=x)

    @property
    def is_per_second(self) -> bool:
        """Say whether `value` is divided by the window's seconds."""
        return "{w}" in self.value


def _labels(labels: Sequence[str], expression: str = "{label}") -> str:
    return "".join(f", {expression.format(label=label)} AS {label}" for label in labels)


def _of_requests(x: str, where: str = "true") -> Callable[[Sequence[str]], str]:
    """Return facts of one row a request: `x` and `where` are about the root `r`."""
    columns = (
        f", r.ended_at, CAST({x} AS DOUBLE) AS x, coalesce(r.weight, 1) AS weight, "
        f"({where}) AS counts"
    )

    def facts(labels: Sequence[str]) -> str:
        return (
            f"WITH {roots(WITHIN, labels, columns.format(s='r'))} "  # noqa: S608  names are ours
            f"SELECT ended_at, x, 1 AS n, weight, trace_id{_labels(labels)} "
            "FROM requests WHERE counts"
        )

    return facts


def _joined(labels: Sequence[str], which: str = "true") -> tuple[str, str, str]:
    """Return CTEs, label columns and a JOIN that give each span `s` its request's labels.

    Args:
        labels: Those that are asked for.
        which: A condition on the roots `{s}` that are needed.
    """
    if not labels:
        return "", "", ""
    columns = "".join(f", coalesce(q.{label}, s.{label}) AS {label}" for label in labels)
    return (
        # Of a trace with two roots the first speaks, or else its costs would count twice.
        f"{roots(f'{{s}}.is_first AND {_AROUND} AND {which}', labels, '')}, ",
        columns,
        "LEFT JOIN requests AS q ON q.trace_id = s.trace_id",
    )


def of_spans(
    x: str, where: str = "true", own: Mapping[str, str] = MappingProxyType({})
) -> Callable[[Sequence[str]], str]:
    """Return facts of one row a span `s` that has an `x`, and of which `where` holds.

    Args:
        x: What is counted of it.
        where: Which spans.
        own: Column -> what it holds of the span itself, whatever its request says.
    """

    def facts(labels: Sequence[str]) -> str:
        ctes, columns, join = _joined(labels)
        kept = "".join(f", s.{label}" for label in labels)
        kept += "".join(f", {held} AS {column}" for column, held in own.items())
        columns += "".join(f", s.{column}" for column in own)
        return (
            f"WITH {ctes}told_spans AS (SELECT {TRACE_ID.format(s='s')} AS trace_id, s.ended_at, "  # noqa: S608  names are ours
            f"CAST({x} AS DOUBLE) AS x, coalesce(s.weight, 1) AS weight{kept} "
            f"FROM store.spans AS s "
            f"WHERE {WITHIN.format(s='s')} AND {where} AND {x} IS NOT NULL) "
            f"SELECT s.ended_at, s.x, 1 AS n, s.weight, s.trace_id{columns} "
            f"FROM told_spans AS s {join}"
        )

    return facts


def _spent(what: str, labels: Sequence[str], own: Sequence[str] = ()) -> str:
    """Return the CTEs whose last, `spent`, holds each `what` of a charge that counts, as x.

    That is what spans of a kind that spends say, and what a root says none of whose spans does:
    the rule of `signals.traces.costs`.

    A charge that was stored together with its root has its request's labels already; only for
    the others are the roots looked up.

    Args:
        what: A column of the charges.
        labels: Those that are asked for.
        own: Those of them for which a span's own value comes before its request's.
    """
    # Not materialized: reading narrow rows thrice takes two thirds of the time of copying them.
    kept = "".join(f", s.{label}" for label in labels)
    found = {label: f"s.of_{label}" for label in labels if label != "outcome"}
    found |= {label: f"coalesce(s.{label}, s.of_{label})" for label in own if label in labels}
    settled = " AND ".join(f"{each} IS NOT NULL" for each in found.values()) or "true"
    if "outcome" in labels:  # the request's alone, and never known before its root is
        settled = "false"
    kept += "".join(f", {each} AS settled_{label}" for label, each in found.items())
    return (
        f"stated AS NOT MATERIALIZED (SELECT s.trace_id, s.ended_at, s.is_root, "  # noqa: S608  names are ours
        f"s.is_paid, CAST(s.{what} AS DOUBLE) AS x, coalesce(s.weight, 1) AS weight, "
        f"{settled} AS is_settled{kept} "
        f"FROM store.charges AS s WHERE {WITHIN.format(s='s')} AND s.{what} IS NOT NULL), "
        "lone AS NOT MATERIALIZED (SELECT * FROM stated WHERE is_root AND NOT is_paid), "
        "repeated AS (SELECT p.trace_id FROM store.charges AS p "
        f"WHERE p.is_paid AND p.{what} IS NOT NULL "
        f"AND {_AROUND.format(s='p')} AND p.trace_id IN (SELECT trace_id FROM lone)), "
        "counting AS NOT MATERIALIZED (SELECT * FROM stated WHERE is_paid UNION ALL "
        f"SELECT lone.* FROM lone ANTI JOIN repeated USING (trace_id)), {_labelled(labels, own)}"
    )


def _labelled(labels: Sequence[str], own: Sequence[str]) -> str:
    """Return the CTEs whose last, `spent`, is `counting` with the labels of the requests."""
    fact = "s.ended_at, s.x, 0 AS n, s.weight, s.trace_id"
    settled = "".join(
        f", s.settled_{label} AS {label}" if label != "outcome" else ", s.outcome"
        for label in labels
    )
    known = f"SELECT {fact}{settled} FROM counting AS s WHERE s.is_settled"  # noqa: S608  names are ours
    if not labels:
        return f"spent AS ({known})"
    needed = "{s}.trace_id IN (SELECT trace_id FROM counting WHERE NOT is_settled)"
    ctes, _, join = _joined(labels, needed)
    columns = "".join(
        f", coalesce(s.{label}, q.{label}) AS {label}"
        if label in own
        else f", coalesce(q.{label}, s.{label}) AS {label}"
        for label in labels
    )
    return (
        f"{ctes}spent AS ({known} UNION ALL "  # noqa: S608  names are ours
        f"SELECT {fact}{columns} FROM counting AS s {join} WHERE NOT s.is_settled)"
    )


def _cost(labels: Sequence[str]) -> str:
    """Return what was spent (x) and the requests (n), as rows of one relation."""
    requests = _of_requests("NULL")(labels)
    return (
        f"WITH {_spent('cost_usd', labels)}, counted AS ({requests}) "  # noqa: S608  names are ours
        "SELECT * FROM spent UNION ALL SELECT * FROM counted"
    )


def _paid(labels: Sequence[str]) -> str:
    """Return what was spent."""
    return f"WITH {_spent('cost_usd', labels)} FROM spent"


def _tokens(labels: Sequence[str]) -> str:
    """Return the tokens of spans, each split by the model that used them."""
    return f"WITH {_spent('tokens', labels, own=('model',))} FROM spent"


def _guardrail(labels: Sequence[str]) -> str:
    """Return a 1 for each request that a guardrail stopped, a 0 for the others.

    An application without guardrails has no such ratio: no rows at all.
    """
    columns = (
        ", r.ended_at, CAST(r.trace_id IN (SELECT trace_id FROM verdicts "
        "WHERE guardrail_triggered) AS DOUBLE) AS x, coalesce(r.weight, 1) AS weight"
    )
    return (
        "WITH verdicts AS (SELECT v.trace_id, v.guardrail_triggered FROM store.parts AS v "  # noqa: S608  names are ours
        f"WHERE v.guardrail_triggered IS NOT NULL AND {_AROUND.format(s='v')}), "
        f"{roots(WITHIN, labels, columns)} "
        f"SELECT ended_at, x, 1 AS n, weight, trace_id{_labels(labels)} FROM requests "
        "WHERE EXISTS (FROM verdicts)"
    )


_EVALS = of_spans("s.eval_score")
# What of a request's root is x, and of which requests there is one.
_REQUESTS = {
    **{f"latency_p{percent}": ("r.duration_ms / 1000", "true") for percent in (50, 95, 99)},
    "error_ratio": (FAILED, "true"),
    "cache_hit_ratio": ("r.cache_hit", "r.cache_hit IS NOT NULL"),
    "request_rate": ("1", "true"),
}
COST = "cost_per_request"
# Signals that one statement can answer, for they read the same requests: see `shared_facts`.
SHARING = frozenset((*_REQUESTS, COST))


def shared_facts(signals: Sequence[str], labels: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the SELECT of the facts of several of `SHARING`, and which column is the x of each.

    An x that a signal has no fact for is NULL; `n` is that of the cost.
    """
    columns = {one: f"x_{one}" for one in signals}
    of_requests = {_x(*_REQUESTS[one]): columns[one] for one in signals if one != COST}
    columns |= {one: of_requests[_x(*_REQUESTS[one])] for one in signals if one != COST}
    added = "".join(f", {x} AS {column}" for x, column in of_requests.items())
    kept = "".join(f", {column}" for column in of_requests.values())
    requests = (
        f"(WITH {roots(WITHIN, labels, f', r.ended_at{added}'.format(s='r'))} "
        f"SELECT ended_at, 1 AS n{_labels(labels)}{kept}"
    )
    if COST not in signals:
        return f"{requests} FROM requests)", columns
    nothing = "".join(f", NULL AS {column}" for column in of_requests.values())
    return (
        f"{requests}, CAST(NULL AS DOUBLE) AS {columns[COST]} FROM requests) UNION ALL "  # noqa: S608
        f"(WITH {_spent('cost_usd', labels)} "
        f"SELECT ended_at, n{_labels(labels)}{nothing}, x AS {columns[COST]} FROM spent)"
    ), columns


def _x(of_root: str, where: str) -> str:
    return f"CASE WHEN {where} THEN CAST({of_root} AS DOUBLE) END"


ANSWERS: dict[str, Answer] = {
    **{
        f"latency_p{percent}": Answer(
            facts=_of_requests(*_REQUESTS[f"latency_p{percent}"]),
            value=f"quantile_cont({{x}}, {percent / 100}){{o}}",
            of=Of.QUANTILE,
            q=percent / 100,
        )
        for percent in (50, 95, 99)
    },
    **{
        name: Answer(facts=_of_requests(*_REQUESTS[name]), value="avg({x}){o}", of=Of.MEAN)
        for name in ("error_ratio", "cache_hit_ratio")
    },
    "guardrail_ratio": Answer(facts=_guardrail, value="avg({x}){o}", of=Of.MEAN),
    COST: Answer(facts=_cost, value="sum({x}){o} / nullif(sum(n){o}, 0)", of=Of.MEAN),
    "cost": Answer(facts=_paid, value="sum({x}){o}", of=Of.SUM),
    "approval_queue_depth": Answer(
        facts=of_spans("s.queue_depth"),
        value="arg_max({x}, ended_at){o}",
        of=Of.LAST,
    ),
    "eval_score": Answer(facts=_EVALS, value="avg({x}){o}", of=Of.MEAN),
    "eval_score_drop": Answer(
        facts=_EVALS, value="avg({x}){before} - avg({x}){o}", of=Of.DROP, has_baseline=True
    ),
    "request_rate": Answer(
        facts=_of_requests(*_REQUESTS["request_rate"]),
        value="count({x}){o} / {w}",
        of=Of.SUM,
        is_rate=True,
    ),
    "token_rate": Answer(
        facts=_tokens, value="coalesce(sum({x}){o}, 0) / {w}", of=Of.SUM, is_rate=True
    ),
}
