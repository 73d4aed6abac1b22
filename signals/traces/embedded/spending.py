"""What requests cost, added up in the embedded store: see `signals.traces.spending`.

Which spans count is the rule of `signals.traces.costs`, as in `signals.traces.from_spans`: calls
that buy something, and a root that repeats no such call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from signals import QueryError
from signals.prices import Tokens, thresholds
from signals.traces.embedded.database import Database
from signals.traces.embedded.narrow import PAID, TRACE_ID
from signals.traces.embedded.requests import MARGIN, matches, roots
from signals.traces.embedded.schema import aware, naive
from signals.traces.embedded.weighing import Z
from signals.traces.outcomes import OUTCOMES, SUCCESSES
from signals.traces.recomputing import MAX_MODELS, ReportedUse, ReportedUses
from signals.traces.spending import (
    MAX_BARS,
    MAX_ROWS,
    SPLITS,
    Bar,
    Bill,
    Spend,
    SpendQuery,
)

_WITHIN = (
    "({s}.ended_at >= $before_start AND {s}.ended_at < $end "
    "AND ({s}.ended_at < $before_end OR {s}.ended_at >= $start))"
)
_AROUND = f"{{s}}.ended_at >= $before_start - {MARGIN} AND {{s}}.ended_at < $end + {MARGIN}"
_SUCCEEDED = f"outcome IN ({', '.join(repr(word) for word in SUCCESSES)})"
_COUNTED = (
    "usd IS NOT NULL",
    "source = 'unpriced'",
    "is_request",
    "is_request AND outcome IS NOT NULL",
    f"is_request AND {_SUCCEEDED}",
)
_TURNED_OUT = f"outcome IN ({', '.join(repr(word) for word in OUTCOMES)})"
# Days may begin at any quarter of an hour of UTC: that is how far time zones are apart.
_QUARTER = "INTERVAL 15 MINUTE"


def spend(database: Database, query: SpendQuery) -> Bill:
    """Return what was spent; see `SpendStore.spend`."""
    facts, parameters = _facts(query)
    value = query.by or "NULL"
    counts = ", ".join(map(_counted_as, _COUNTED))
    rows = database.ask(
        f"WITH {facts}, summed AS (SELECT {value} AS value, "  # noqa: S608  the label is checked
        "sum(usd * weight) FILTER (is_now) AS usd, "
        "sum(usd * weight) FILTER (NOT is_now) AS before_usd, "
        "coalesce(sum(usd * weight) FILTER (is_now AND source = 'reported'), 0), "
        f"{counts}, "
        "count(*) OVER () AS listed "
        "FROM facts GROUP BY ALL HAVING count(*) > 0) "
        f"SELECT * FROM summed ORDER BY greatest(usd, before_usd) DESC NULLS LAST, value "
        f"LIMIT {MAX_ROWS}",
        parameters,
    )
    margins = _margins(database, facts, parameters, value) if database.is_weighed else {}
    found = [
        Spend(**dict(zip(_COLUMNS, row[:-1], strict=True)), margin_usd=margins.get(row[0]))
        for row in rows
    ]
    # Which are listed is a matter of both periods, in what order one of the present.
    found.sort(key=lambda row: (row.usd is None, -(row.usd or 0.0)))
    return Bill(rows=tuple(found), values=rows[0][-1] if rows else 0)


def _counted_as(which: str) -> str:
    """Return how many there are of the present period, each as often as its trace stands for."""
    return f"CAST(coalesce(sum(weight) FILTER (is_now AND {which}), 0) AS BIGINT)"


def _margins(
    database: Database, facts: str, parameters: Mapping[str, Any], value: str
) -> dict[str | None, float]:
    """Return how far each sum may be off, half a 95 % interval: see `weighing`."""
    rows = database.ask(
        f"WITH {facts}, traces AS (SELECT {value} AS value, trace_id, any_value(weight) AS w, "  # noqa: S608  the label is checked
        "sum(usd) AS usd FROM facts WHERE is_now AND usd IS NOT NULL GROUP BY ALL) "
        f"SELECT value, {Z} * sqrt(sum(w * (w - 1) * usd * usd)) FROM traces GROUP BY ALL",
        parameters,
    )
    return dict(rows)


def bars(database: Database, query: SpendQuery, shown: Sequence[str | None]) -> list[Bar]:
    """Return what was spent from edge to edge; see `SpendStore.bars`."""
    # The period before is not drawn: not to read it takes half the time.
    facts, parameters = _facts(replace(query, before=(query.start, query.start)))
    value = query.by or "CAST(NULL AS VARCHAR)"
    rows = database.ask(
        f"WITH {facts}, placed AS (SELECT {value} AS value, "  # noqa: S608  the label is checked
        f"time_bucket({_QUARTER}, ended_at) AS quarter, usd * weight AS usd "
        "FROM facts WHERE usd IS NOT NULL), "
        "named AS (SELECT CASE WHEN value IS NULL THEN NOT $none "
        "ELSE NOT list_contains($shown, value) END AS is_rest, * FROM placed), "
        "quarters AS (SELECT CASE WHEN NOT is_rest THEN value END AS value, is_rest, quarter, "
        "sum(usd) AS usd FROM named GROUP BY ALL), "
        "edges AS (SELECT unnest($edges) AS edge, generate_subscripts($edges, 1) - 1 AS i) "
        "SELECT i, value, is_rest, sum(usd) FROM quarters ASOF JOIN edges ON quarter >= edge "
        "GROUP BY ALL ORDER BY i",
        {
            **parameters,
            "edges": [naive(edge) for edge in query.edges],
            "shown": [value for value in shown if value is not None],
            "none": None in shown,
        },
    )
    return [Bar(edge=i, value=value, rest=rest, usd=usd) for i, value, rest, usd in rows]


def reported(database: Database, query: SpendQuery) -> ReportedUses:
    """Return what calls with a reported cost used; see `SpendStore.reported`."""
    scope = dict(query.scope)
    labels = _checked(replace(query, by=None), scope)
    condition, parameters = matches(scope, "f")
    rows = database.ask(
        f"WITH {_requests(labels)}, {_called(labels, is_narrowed=bool(scope))}, "  # noqa: S608  labels are checked, values are parameters
        f"matching AS (FROM called AS f WHERE {condition}), "
        "dearest AS (SELECT of_model, provider, count(*) OVER () AS models FROM matching "
        "GROUP BY ALL ORDER BY sum(usd * weight) DESC, of_model, provider "
        f"LIMIT {MAX_MODELS}), "
        "summed AS (SELECT of_model, provider, day, tier, tells, count(*), "
        f"{', '.join(map(_summed, _USED))}, sum(usd * weight) FROM matching GROUP BY ALL) "
        "SELECT * FROM summed JOIN dearest USING (of_model, provider)",
        {
            **parameters,
            # The period before is not compared.
            **dict.fromkeys(("before_start", "before_end", "start"), naive(query.start)),
            "end": naive(query.end),
        },
    )
    return ReportedUses(uses=tuple(map(_use, rows)), models=rows[0][-1] if rows else 0)


def _called(labels: Sequence[str], *, is_narrowed: bool) -> str:
    """Return the CTE `called`: each call with a reported cost, and its tokens by their price."""
    written, read = "coalesce(s.cache_write_tokens, 0)", "coalesce(s.cache_read_tokens, 0)"
    tokens = "coalesce(s.input_tokens, 0)"
    tier = " + ".join(f"CAST({tokens} > {start} AS TINYINT)" for start in thresholds())
    kept = "".join(f", s.{label}" for label in labels)
    said = "".join(f", {_charged(label)} AS {label}" for label in labels)
    join, outcome = "", "NULL"
    if is_narrowed:
        join, outcome = "LEFT JOIN known AS q ON q.trace_id = c.trace_id", "q.outcome"
    return (
        f"stating AS (SELECT {TRACE_ID.format(s='s')} AS trace_id, true AS is_paid, "  # noqa: S608  names are ours
        f"s.cost_usd AS usd, coalesce(s.weight, 1) AS weight{kept}, "
        "coalesce(s.model, '') AS of_model, coalesce(s.provider, '') AS provider, "
        f"date_trunc('day', s.started_at) AS day, {tier} AS tier, "
        f"greatest({tokens} - {read} - {written}, 0) AS fresh, {read} AS read, "
        f"{written} AS written, coalesce(s.output_tokens, 0) AS made "
        f"FROM store.spans AS s WHERE {_WITHIN.format(s='s')} AND {PAID.format(s='s')} "
        "AND s.cost_usd IS NOT NULL AND s.cost_source = 'reported'), "
        "called AS (SELECT c.of_model, c.provider, c.day, c.tier, c.fresh + c.read + c.written "
        "+ c.made > 0 AS tells, c.fresh, c.read, c.written, c.made, 1 AS one, c.weight, "
        f"c.usd, {outcome} AS outcome{said} FROM stating AS c {join})"
    )


def _summed(what: str) -> str:
    return f"CAST(sum({what} * weight) AS BIGINT)"


def _use(row: Sequence[Any]) -> ReportedUse:
    model, provider, day, _, tells, seen, calls, fresh, read, written, made, usd, _ = row
    tokens = Tokens(fresh + read + written, made, cache_read=read, cache_write=written)
    return ReportedUse(
        model=model or None,
        provider=provider or None,
        at=aware(day),
        usd=usd,
        tokens=tokens if tells else None,
        calls=calls,
        seen=seen,
    )


def held_since(database: Database) -> datetime | None:
    """Return when the oldest span ended; see `SpendStore.held_since`."""
    ((oldest,),) = database.ask("SELECT min(ended_at) FROM store.spans", {})
    return aware(oldest) if oldest else None


_USED = ("one", "fresh", "read", "written", "made")
_COLUMNS = (
    *("value", "usd", "before_usd", "reported_usd", "priced", "unpriced"),
    *("requests", "concluded", "successes"),
)


def _facts(query: SpendQuery) -> tuple[str, Mapping[str, Any]]:
    """Return the CTEs whose last, `facts`, holds a row for each cost and for each request.

    Columns: trace_id, ended_at, is_now, usd, source, weight, is_request, outcome, and the labels
    asked for.
    """
    scope = dict(query.scope)
    labels = _checked(query, scope)
    condition, parameters = matches(scope, "f")
    sql = (
        f"{_requests(labels)}, {_spent(labels)}, {_counted(labels)}, "  # noqa: S608  labels are checked, values are parameters
        "facts AS (SELECT f.*, f.ended_at >= $start AS is_now FROM "
        f"(FROM spent UNION ALL FROM counted) AS f WHERE {condition})"
    )
    start, end = query.before
    bounds = {"before_start": start, "before_end": end, "start": query.start, "end": query.end}
    return sql, parameters | {name: naive(at) for name, at in bounds.items()}


def _checked(query: SpendQuery, scope: Mapping[str, str]) -> tuple[str, ...]:
    """Return the labels of `query` but for the outcome, each once, or raise QueryError."""
    asked = dict.fromkeys([*([query.by] if query.by else []), *scope])
    for label in asked:
        if label not in SPLITS:
            raise QueryError(f"spend has no label {label!r}; there are {', '.join(SPLITS)}")
    if not 0 < len(query.edges) <= MAX_BARS or query.end <= query.edges[-1]:
        raise QueryError(
            f"spend is drawn in 1 to {MAX_BARS} bars, each with an end after its start"
        )
    return tuple(label for label in asked if label != "outcome")


def _requests(labels: Sequence[str]) -> str:
    """Return the CTEs `ended`, a row a root, and `known`, a row a trace, with their labels.

    Their outcome is the latest that was told of them, or else what the root says.
    """
    inherited = [label for label in labels if label != "model"]
    # What models the calls used is asked of the calls: of roots only what they say themselves.
    model = ", r.model" if "model" in labels else ""
    columns = (
        f", r.ended_at, r.outcome, {_WITHIN.format(s='r')} AS counts, r.is_first, "
        f"coalesce(r.weight, 1) AS weight{model}"
    )
    found = roots(_AROUND, inherited, columns, around=("$before_start", "$end"))
    told = "".join(f", {label}" for label in ("outcome", *labels))
    return (
        f"{found}, told_of AS (SELECT {TRACE_ID.format(s='o')} AS trace_id, "  # noqa: S608  names are ours
        "arg_max(outcome, row(told_at, outcome)) AS outcome "
        f"FROM store.outcomes AS o WHERE told_at >= $before_start - {MARGIN} "
        f"AND {_TURNED_OUT} GROUP BY o.trace_id), "
        "ended AS (SELECT q.* REPLACE (coalesce(t.outcome, q.outcome) AS outcome) "
        "FROM requests AS q LEFT JOIN told_of AS t ON t.trace_id = q.trace_id), "
        # Of a trace with two roots no cost may count twice.
        f"known AS (SELECT trace_id{told} FROM ended WHERE is_first)"
    )


def _spent(labels: Sequence[str]) -> str:
    """Return the CTEs whose last, `spent`, holds each cost, and each call without a price."""
    kept = "".join(f", s.{label}" for label in labels)
    said = "".join(f", {_charged(label)} AS {label}" for label in labels)
    return (
        "stated AS (SELECT s.trace_id, s.ended_at, s.is_root, "  # noqa: S608  names are ours
        "s.is_paid, s.cost_usd AS usd, s.cost_source AS source, "
        f"coalesce(s.weight, 1) AS weight{kept} "
        f"FROM store.charges AS s WHERE {_WITHIN.format(s='s')} "
        "AND (s.cost_usd IS NOT NULL OR (s.cost_source = 'unpriced' AND s.is_paid))), "
        "lone AS (SELECT * FROM stated WHERE is_root AND NOT is_paid), "
        "repeated AS (SELECT p.trace_id FROM store.charges AS p "
        "WHERE p.is_paid AND p.cost_usd IS NOT NULL "
        f"AND {_AROUND.format(s='p')} AND p.trace_id IN (SELECT trace_id FROM lone)), "
        "standing AS (SELECT lone.* FROM lone ANTI JOIN repeated USING (trace_id)), "
        # A root that states the bill of the whole request states that of its unpriced calls too.
        "counting AS (SELECT * FROM stated WHERE is_paid AND (usd IS NOT NULL "
        "OR trace_id NOT IN (SELECT trace_id FROM standing)) UNION ALL FROM standing), "
        "spent AS (SELECT c.trace_id, c.ended_at, c.usd, c.source, c.weight, false AS is_request, "
        f"q.outcome{said} FROM counting AS c LEFT JOIN known AS q ON q.trace_id = c.trace_id)"
    )


def _charged(label: str) -> str:
    """Return whose label a cost counts under."""
    if label == "model":  # what a paid tool cost is not the model's that called it
        return "CASE WHEN c.is_paid THEN c.model ELSE coalesce(c.model, q.model) END"
    return f"coalesce(q.{label}, c.{label})"


def _counted(labels: Sequence[str]) -> str:
    """Return the CTEs whose last, `counted`, holds each request, once for each model it used."""
    columns = (
        "q.trace_id, q.ended_at, CAST(NULL AS DOUBLE), CAST(NULL AS VARCHAR), q.weight, true, "
        "q.outcome"
    )
    kept = "".join(
        ", CASE WHEN u.trace_id IS NULL THEN q.model ELSE u.model END"
        if label == "model"
        else f", q.{label}"
        for label in labels
    )
    counted = f"counted AS (SELECT {columns}{kept} FROM ended AS q"  # noqa: S608  names are ours
    if "model" not in labels:
        return f"{counted} WHERE q.counts)"
    return (
        f"used AS (SELECT trace_id, model FROM spent GROUP BY trace_id, model), {counted} "  # noqa: S608  names are ours
        "LEFT JOIN used AS u ON u.trace_id = q.trace_id WHERE q.counts)"
    )
