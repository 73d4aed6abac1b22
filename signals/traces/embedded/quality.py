"""How good and how safe the answers were, in the embedded store: see `signals.traces.quality`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.vocabulary import SpanKind
from signals import QueryError
from signals.traces.embedded.database import Database
from signals.traces.embedded.narrow import TRACE_ID
from signals.traces.embedded.requests import MARGIN, checked, matches, roots
from signals.traces.embedded.schema import aware, naive
from signals.traces.outcomes import CONFIRMATION_REJECTED, JUDGEMENTS, OUTCOMES, THUMBS
from signals.traces.quality import (
    APPROVER,
    CITED,
    FALLBACK,
    FEEDBACK_SCORES,
    MAX_ROWS,
    MAX_SAMPLE,
    REASON,
    RETURNED,
    SPLITS,
    THUMBS_FROM,
    UNSURE,
    Approver,
    Feedback,
    Guard,
    QualityQuery,
    Queue,
    Scores,
    Searches,
    Stop,
)
from signals.traces.tools import APPROVALS, DECIDED, REQUESTED

_AROUND = f"{{s}}.ended_at >= $since - {MARGIN} AND {{s}}.ended_at < $end + {MARGIN}"
_WITHIN = "{s}.ended_at >= $since AND {s}.ended_at < $end"
_BOUNDS = ("$since", "$end")
_TRACE, _OF_OUTCOME = TRACE_ID.format(s="s"), TRACE_ID.format(s="o")
_TEXT_LIMIT = 400  # characters of what a guardrail saw


def _words(words: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _attribute(keys: Sequence[str]) -> str:
    """Return the first of these attributes of the span `s` that it has."""
    return "coalesce(" + ", ".join(f"s.attributes['{key}']" for key in keys) + ")"


_IS_FEEDBACK = f"replace(lower(coalesce(s.eval_name, '')), '-', '_') IN {_words(FEEDBACK_SCORES)}"
_GRANTED = f"lower(trim(s.approval)) IN {_words(APPROVALS['granted'])}"
_REFUSED = f"lower(trim(s.approval)) IN {_words(APPROVALS['rejected'])}"
_PENDING = f"lower(trim(s.approval)) IN {_words(APPROVALS['pending'])}"
_NOTHING = _words(("", "[]", "{}", "0", "false", "no", "none", "null"))
_LATEST = "arg_max(outcome, row(told_at, outcome)) FILTER (outcome IN {words})"


def scores(database: Database, query: QualityQuery) -> list[Scores]:
    """Return what was judged; see `QualityStore.scores`."""
    facts, parameters = _facts(
        query,
        "s.eval_name, s.eval_score, s.ended_at >= $start AS is_now",
        f"s.eval_score IS NOT NULL AND NOT {_IS_FEEDBACK}",
        since=query.before,
    )
    rows = database.ask(
        f"WITH {facts} SELECT {query.by}, coalesce(eval_name, ''), "  # noqa: S608  the label is checked
        "count(*) FILTER (is_now) AS judged, avg(eval_score) FILTER (is_now), "
        "quantile_cont(eval_score, 0.1) FILTER (is_now), count(*) FILTER (NOT is_now), "
        "avg(eval_score) FILTER (NOT is_now) FROM facts GROUP BY ALL "
        f"ORDER BY judged DESC, 1, 2 LIMIT {MAX_ROWS}",
        {**parameters, "start": naive(query.start)},
    )
    names = ("value", "name", "judged", "mean", "low", "before_judged", "before_mean")
    return [Scores(**dict(zip(names, row, strict=True))) for row in rows]


def feedback(database: Database, query: QualityQuery) -> list[Feedback]:
    """Return what people made of the answers; see `QualityStore.feedback`."""
    labels, condition, parameters = _scoped(query)
    found = roots(_WITHIN, labels, ", r.outcome AS said", around=_BOUNDS)
    kept = "".join(f", any_value({label}) AS {label}" for label in labels)
    ours = "IN (SELECT trace_id FROM asked)"
    rows = database.ask(
        f"WITH {found}, asked AS (SELECT f.* FROM (SELECT trace_id, any_value(said) AS said{kept} "  # noqa: S608  labels are checked
        f"FROM requests GROUP BY trace_id) AS f WHERE {condition}), "
        f"events AS (SELECT {_OF_OUTCOME} AS trace_id, "
        f"{_LATEST.format(words=_words(THUMBS))} AS thumb, "
        f"{_LATEST.format(words=_words(OUTCOMES))} AS outcome, "
        f"bool_or(outcome = '{CONFIRMATION_REJECTED}') AS refused "
        f"FROM store.outcomes AS o WHERE told_at >= $since - {MARGIN} AND {_OF_OUTCOME} {ours} "
        "GROUP BY 1), "
        f"scored AS (SELECT {_TRACE} AS trace_id, arg_max(s.eval_score, s.ended_at) AS points "
        f"FROM store.spans AS s WHERE s.eval_score IS NOT NULL AND {_IS_FEEDBACK} "
        f"AND s.ended_at >= $since - {MARGIN} AND {_TRACE} {ours} GROUP BY 1), "
        f"confirmed AS (SELECT {_TRACE} AS trace_id, "
        f"count(*) FILTER ({_GRANTED} OR {_REFUSED}) AS decided, "
        f"bool_or({_REFUSED}) AS refused FROM store.spans AS s WHERE s.approval IS NOT NULL "
        f"AND {_AROUND.format(s='s')} AND {_TRACE} {ours} GROUP BY 1), "
        f"known AS (SELECT a.{query.by} AS value, coalesce(e.outcome, a.said) AS outcome, "
        f"coalesce(e.thumb, CASE WHEN d.points >= {THUMBS_FROM} THEN '{THUMBS[0]}' "
        f"WHEN d.points IS NOT NULL THEN '{THUMBS[1]}' END) AS thumb, "
        "coalesce(c.decided, 0) AS decided, "
        "coalesce(e.refused, false) OR coalesce(c.refused, false) AS refused "
        "FROM asked AS a LEFT JOIN events AS e ON e.trace_id = a.trace_id "
        "LEFT JOIN scored AS d ON d.trace_id = a.trace_id "
        "LEFT JOIN confirmed AS c ON c.trace_id = a.trace_id) "
        "SELECT value, count(*) AS requests, count(*) FILTER (thumb IS NOT NULL OR refused "
        f"OR outcome IN {_words(OUTCOMES)}), "
        f"count(*) FILTER (thumb = '{THUMBS[0]}'), count(*) FILTER (thumb = '{THUMBS[1]}'), "
        "count(*) FILTER (outcome = 'accepted'), count(*) FILTER (outcome = 'edited'), "
        "count(*) FILTER (outcome = 'rejected'), count(*) FILTER (outcome = 'abandoned'), "
        "coalesce(sum(decided), 0), count(*) FILTER (refused) FROM known GROUP BY value "
        f"ORDER BY requests DESC, value LIMIT {MAX_ROWS}",
        parameters,
    )
    names = Feedback.__dataclass_fields__
    return [Feedback(**dict(zip(names, row, strict=True))) for row in rows]


def guards(database: Database, query: QualityQuery) -> list[Guard]:
    """Return what guardrails did; see `QualityStore.guards`."""
    facts, parameters = _checks(query)
    right, wrong = JUDGEMENTS
    rows = database.ask(
        f"WITH {facts}, {_JUDGED}, "  # noqa: S608  labels are checked
        "checks AS (SELECT guard, count(*) AS n FROM facts GROUP BY guard) "
        "SELECT c.guard, coalesce(t.reason, ''), c.n, count(t.trace_id) AS triggered, "
        f"count(*) FILTER (j.verdict = '{right}'), count(*) FILTER (j.verdict = '{wrong}') "
        "FROM checks AS c LEFT JOIN (FROM facts WHERE hit) AS t ON t.guard = c.guard "
        "LEFT JOIN judged AS j ON j.trace_id = t.trace_id GROUP BY c.guard, t.reason, c.n "
        f"ORDER BY triggered DESC, c.guard, t.reason LIMIT {MAX_ROWS}",
        parameters,
    )
    names = Guard.__dataclass_fields__
    return [Guard(**dict(zip(names, row, strict=True))) for row in rows]


def stops(database: Database, query: QualityQuery, guardrail: str, reason: str) -> list[Stop]:
    """Return the newest times that a guardrail triggered; see `QualityStore.stops`."""
    facts, parameters = _checks(query, more=("feature", "tenant"))
    rows = database.ask(
        f"WITH {facts}, {_JUDGED}, newest AS (SELECT * FROM facts WHERE hit AND guard = $guard "  # noqa: S608  labels are checked
        f"AND reason = $reason ORDER BY ended_at DESC LIMIT {MAX_SAMPLE}), "
        f"asked AS (SELECT {_TRACE} AS trace_id, "
        "arg_min(s.input_text, s.started_at) AS input_text "
        "FROM store.spans AS s WHERE s.input_text <> '' "
        f"AND {_AROUND.format(s='s')} "
        f"AND {_TRACE} IN (SELECT trace_id FROM newest) GROUP BY 1) "
        "SELECT n.trace_id, n.ended_at, n.feature, n.tenant, "
        f"left(coalesce(nullif(n.input_text, ''), a.input_text, ''), {_TEXT_LIMIT}), j.verdict "
        "FROM newest AS n LEFT JOIN asked AS a ON a.trace_id = n.trace_id "
        "LEFT JOIN judged AS j ON j.trace_id = n.trace_id ORDER BY n.ended_at DESC",
        {**parameters, "guard": guardrail, "reason": reason},
    )
    return [
        Stop(
            trace_id=trace.hex,
            at=aware(at),
            feature=feature,
            tenant=tenant,
            text=text,
            judged=judged,
        )
        for trace, at, feature, tenant, text, judged in rows
    ]


def approvers(database: Database, query: QualityQuery) -> list[Approver]:
    """Return what was decided, by person; see `QualityStore.approvers`."""
    waited = (
        f"epoch(TRY_CAST(s.attributes['{DECIDED}'] AS TIMESTAMP)) "
        f"- epoch(TRY_CAST(s.attributes['{REQUESTED}'] AS TIMESTAMP))"
    )
    columns = (
        f"{_attribute(APPROVER)} AS approver, {_GRANTED} AS granted, {_REFUSED} AS refused, "
        f"{_PENDING} AS pending, {waited} AS waited"
    )
    facts, parameters = _facts(query, columns, "s.approval IS NOT NULL")
    rows = database.ask(
        f"WITH {facts} SELECT approver, count(*) FILTER (granted), count(*) FILTER (refused), "  # noqa: S608  labels are checked
        "count(*) FILTER (pending), median(waited) FILTER (waited >= 0) FROM facts "
        f"GROUP BY approver ORDER BY count(*) DESC, approver LIMIT {MAX_ROWS}",
        parameters,
    )
    names = Approver.__dataclass_fields__
    return [Approver(**dict(zip(names, row, strict=True))) for row in rows]


def queue(database: Database, query: QualityQuery) -> Queue | None:
    """Return the queue as last told; see `QualityStore.queue`."""
    facts, parameters = _facts(query, "s.queue_depth", "s.queue_depth IS NOT NULL")
    ((depth, at),) = database.ask(
        f"WITH {facts} SELECT arg_max(queue_depth, ended_at), max(ended_at) FROM facts",  # noqa: S608  labels are checked
        parameters,
    )
    return None if at is None else Queue(depth=depth, at=aware(at))


def searches(database: Database, query: QualityQuery) -> list[Searches]:
    """Return what retrieval did; see `QualityStore.searches`."""
    cited, fallback, unsure = map(_attribute, (CITED, FALLBACK, UNSURE))
    is_search = f"s.kind = '{SpanKind.RETRIEVAL.value}'"
    columns = (
        f"{is_search} AS is_search, s.duration_ms, "
        f"TRY_CAST({_attribute(RETURNED)} AS DOUBLE) AS chunks, {cited} AS cited, "
        f"coalesce({fallback}, {unsure}) AS way_out"
    )
    where = (
        f"({is_search} OR {cited} IS NOT NULL OR {fallback} IS NOT NULL OR {unsure} IS NOT NULL)"
    )
    facts, parameters = _facts(query, columns, where)
    rows = database.ask(
        f"WITH {facts}, each AS (SELECT trace_id, any_value({query.by}) AS value, "  # noqa: S608  the label is checked
        # Of searches inside a retrieval the whole counts, which lasts longest.
        "bool_or(is_search) AS searched, arg_max(chunks, duration_ms) "
        "FILTER (is_search AND chunks IS NOT NULL) AS chunks, "
        f"bool_or(lower(trim(cited)) NOT IN {_NOTHING}) AS cited, "
        f"bool_or(lower(trim(way_out)) NOT IN {_NOTHING}) AS way_out "
        "FROM facts GROUP BY trace_id) "
        "SELECT value, count(*) AS searched, count(chunks), count(*) FILTER (chunks = 0), "
        "avg(chunks), count(cited), count(*) FILTER (cited), count(way_out), "
        "count(*) FILTER (way_out) FROM each WHERE searched GROUP BY value "
        f"ORDER BY searched DESC, value LIMIT {MAX_ROWS}",
        parameters,
    )
    names = Searches.__dataclass_fields__
    return [Searches(**dict(zip(names, row, strict=True))) for row in rows]


_JUDGED = (
    f"judged AS (SELECT {_OF_OUTCOME} AS trace_id, "  # noqa: S608  words are ours
    "arg_max(outcome, row(told_at, outcome)) AS verdict FROM store.outcomes AS o "
    f"WHERE outcome IN {_words(JUDGEMENTS)} AND told_at >= $since GROUP BY 1)"
)


def _checks(query: QualityQuery, more: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """Return `_facts` of the checks of guardrails, with the labels in `more` besides."""
    columns = (
        "coalesce(s.guardrail, s.name) AS guard, s.guardrail_triggered AS hit, s.input_text, "
        f"coalesce({_attribute(REASON)}, nullif(s.status_message, ''), '') AS reason"
    )
    return _facts(query, columns, "s.guardrail_triggered IS NOT NULL", more=more)


def _facts(
    query: QualityQuery,
    columns: str,
    where: str,
    *,
    since: Any = None,
    more: Sequence[str] = (),
) -> tuple[str, dict[str, Any]]:
    """Return the CTEs whose last, `facts`, holds spans `s` with `columns` and their labels.

    Args:
        query: Which requests.
        columns: Of the span `s`.
        where: Which spans.
        since: The beginning; that of the query without.
        more: Labels besides those that the query names.
    """
    labels, condition, parameters = _scoped(query, more)
    found = roots(_AROUND, labels, "", around=_BOUNDS)
    kept = "".join(f", any_value({label}) AS {label}" for label in labels)
    said = "".join(f", coalesce(q.{label}, s.{label}) AS {label}" for label in labels)
    sql = (
        f"{found}, owners AS (SELECT trace_id{kept} FROM requests GROUP BY trace_id), "  # noqa: S608  labels are checked
        f"facts AS (SELECT f.* FROM (SELECT {_TRACE} AS trace_id, s.ended_at, "
        f"{columns}{said} FROM store.spans AS s LEFT JOIN owners AS q ON q.trace_id = {_TRACE} "
        f"WHERE {_WITHIN.format(s='s')} AND {where}) AS f WHERE {condition})"
    )
    return sql, parameters | ({"since": naive(since)} if since is not None else {})


def _scoped(
    query: QualityQuery, more: Sequence[str] = ()
) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """Return the labels that are needed, the condition on `f`, and its parameters."""
    if query.by not in SPLITS:
        raise QueryError(f"quality has no split {query.by!r}; there are {', '.join(SPLITS)}")
    scope: Mapping[str, str] = dict(query.scope)
    labels = checked((query.by, *scope, *more))
    condition, parameters = matches(scope, "f")
    bounds = {"since": naive(query.start), "end": naive(query.end)}
    return labels, condition, {**parameters, **bounds}
