"""Sessions in the embedded store: see `signals.traces.sessions`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.vocabulary import CostSource
from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import FAILED, MARGIN, checked, matches, roots
from signals.traces.embedded.schema import aware, naive
from signals.traces.embedded.search import DOUBTS, sums_sql
from signals.traces.outcomes import OUTCOMES, WELL
from signals.traces.sessions import (
    MAX_SESSIONS,
    MAX_TURNS,
    PAUSE,
    QUIET,
    Session,
    SessionOrder,
    SessionQuery,
    Sessions,
    Turn,
    spoken,
)

_ORDERS = {
    SessionOrder.NEWEST: "started_at DESC",
    SessionOrder.DEAREST: "cost_usd DESC NULLS LAST, started_at DESC",
    SessionOrder.LONGEST: "turns DESC, started_at DESC",
    SessionOrder.WORST: "failures DESC, errors DESC, started_at DESC",
}
_WHEN = "{s}.started_at >= $from_at AND {s}.started_at < $to_at"
_SPANS = f"s.started_at >= $from_at - {MARGIN} AND s.started_at < $to_at + {MARGIN}"
_MORE = ("any_value(s.user_id) AS user_id", "arg_max(s.feature, s.duration_ms) AS feature")
_LISTED = (
    *("session_id", "started_at", "ended_at", "user_id", "feature", "turns", "failures", "errors"),
    *("tokens", "cost_usd", "doubt", "ending"),
)
_TOLD = (
    "told_of AS (SELECT trace_id, arg_max(outcome, row(told_at, outcome)) AS outcome, "
    "max(told_at) AS told_at FROM store.outcomes WHERE told_at >= $from_at GROUP BY trace_id)"
)
_SAID = ", ".join(repr(word) for word in OUTCOMES)
_ENDING = f"""
    CASE WHEN said IN ({", ".join(repr(word) for word in WELL)}) THEN 'resolved'
        WHEN said IS NOT NULL THEN said
        WHEN ended_at > $quiet_at THEN 'open'
        WHEN last_failed THEN 'abandoned'
        ELSE 'ended' END
"""
# A session is one row; of its turns, the latest decides.
_SESSIONS = f"""
    sessions AS (SELECT t.session_id, min(t.started_at) AS started_at, max(t.ended_at) AS ended_at,
        any_value(s.user_id) AS user_id, arg_max(s.feature, t.started_at) AS feature,
        count(*) AS turns, count(*) FILTER (WHERE t.failed) AS failures,
        coalesce(sum(s.errors), 0) AS errors, sum(s.tokens) AS tokens, sum(s.cost_usd) AS cost_usd,
        max(s.doubt) AS doubt, arg_max(t.failed, t.started_at) AS last_failed,
        coalesce(arg_max(o.outcome, o.told_at), arg_max_null(
            CASE WHEN t.ended_as IN ({_SAID}) THEN t.ended_as END, t.started_at)) AS said
        FROM turns AS t LEFT JOIN sums AS s ON s.trace_id = t.trace_id
        LEFT JOIN told_of AS o ON o.trace_id = t.trace_id
        GROUP BY t.session_id HAVING min(t.started_at) >= $start AND bool_or(t.fits)),
    ended AS (SELECT *, {_ENDING} AS ending FROM sessions),
    totals AS (SELECT count(*) AS all_sessions, sum(turns) AS all_turns,
        count(*) FILTER (WHERE ending = 'resolved') AS resolved,
        count(*) FILTER (WHERE ending = 'abandoned') AS abandoned,
        count(*) FILTER (WHERE ending = 'open') AS still_open,
        sum(cost_usd) AS all_usd, max(doubt) AS worst_doubt,
        avg(turns) FILTER (WHERE ending = 'abandoned') AS abandoned_turns FROM ended)
"""  # noqa: S608  names are ours


def sessions(database: Database, query: SessionQuery, *, now: datetime) -> Sessions:
    """Return the sessions that match; see `SessionStore.sessions`."""
    scope = dict(query.scope)
    labels = checked(("session_id", *scope))
    condition, parameters = matches(scope, "r")
    columns = f", r.started_at, r.ended_at, r.outcome AS ended_as, {FAILED.format(s='r')} AS failed"
    found = roots(_WHEN, labels, columns, around=("$from_at", "$to_at"))
    sums = sums_sql(_SPANS, "s.trace_id IN (SELECT trace_id FROM turns)", _MORE)
    rows = database.ask(
        f"WITH {found}, turns AS (SELECT r.trace_id, any_value(r.session_id) AS session_id, "  # noqa: S608  labels are checked
        "min(r.started_at) AS started_at, max(r.ended_at) AS ended_at, "
        "bool_or(r.failed) AS failed, any_value(r.ended_as) AS ended_as, "
        f"bool_or({condition}) AS fits FROM requests AS r "
        f"WHERE r.session_id <> '' GROUP BY r.trace_id), sums AS ({sums}), {_TOLD}, {_SESSIONS} "
        f"SELECT {', '.join(_LISTED)}, totals.* FROM ended CROSS JOIN totals "
        f"ORDER BY {_ORDERS[query.order]}, session_id "
        f"LIMIT {max(1, min(query.limit, MAX_SESSIONS))}",
        {
            **parameters,
            "from_at": naive(query.start - PAUSE),
            "start": naive(query.start),
            "to_at": naive(query.end),
            "quiet_at": naive(now - QUIET),
        },
    )
    if not rows:
        return Sessions()
    count, turns_, resolved, abandoned, still_open, usd, doubt, until = rows[0][len(_LISTED) :]
    return Sessions(
        listed=tuple(_session(dict(zip(_LISTED, row, strict=False))) for row in rows),
        count=count,
        turns=int(turns_),
        resolved=resolved,
        abandoned=abandoned,
        open=still_open,
        cost_usd=usd,
        at_least=DOUBTS.get(doubt) is CostSource.UNPRICED,
        abandoned_turns=until,
    )


def _session(row: Mapping[str, Any]) -> Session:
    told = dict(row)
    doubt, tokens = told.pop("doubt"), told.pop("tokens")
    return Session(
        **told
        | {"started_at": aware(told["started_at"]), "ended_at": aware(told["ended_at"])}
        | {"tokens": None if tokens is None else int(tokens), "errors": int(told["errors"])},
        cost_source=DOUBTS.get(doubt, CostSource.NONE),
    )


_TURN = (
    *("trace_id", "name", "started_at", "duration_ms", "failed", "user_id", "model"),
    *("tools", "tokens", "cost_usd", "doubt", "errors"),
    *("asked", "prompted", "answered", "completed"),
)
# What the request itself says was asked and answered; or else its first and its last model call.
_TEXTS = (
    "any_value(s.input_text) FILTER (WHERE s.parent_id IS NULL AND s.input_text <> '') AS asked",
    "arg_min(s.input_text, s.started_at) FILTER (WHERE s.kind = 'llm' AND s.input_text <> '') "
    "AS prompted",
    "any_value(s.output_text) FILTER (WHERE s.parent_id IS NULL AND s.output_text <> '') "
    "AS answered",
    "arg_max(s.output_text, s.started_at) FILTER (WHERE s.kind = 'llm' AND s.output_text <> '') "
    "AS completed",
    "any_value(s.user_id) AS user_id",
    "arg_max(s.model, s.duration_ms) AS model",
    "list(DISTINCT s.tool) FILTER (WHERE s.tool IS NOT NULL) AS tools",
)


def turns(database: Database, session_id: str, *, start: datetime, end: datetime) -> list[Turn]:
    """Return the turns of a session; see `SessionStore.turns`."""
    sums = sums_sql(_SPANS, "s.trace_id IN (SELECT trace_id FROM taken)", _TEXTS)
    rows = database.ask(
        "WITH named AS (SELECT DISTINCT n.trace_id FROM store.spans AS n "  # noqa: S608  names are ours
        f"WHERE n.session_id = $session_id AND {_SPANS.replace('s.', 'n.')}), "
        "taken AS (SELECT r.trace_id, any_value(r.name) AS name, min(r.started_at) AS started_at, "
        "max(r.duration_ms) AS duration_ms, any_value(r.outcome) AS ended_as, "
        f"bool_or({FAILED.format(s='r')}) AS failed FROM store.spans AS r "
        f"WHERE r.parent_id IS NULL AND {_WHEN.format(s='r')} "
        "AND (r.session_id IS NULL OR r.session_id = $session_id) "
        "AND r.trace_id IN (SELECT trace_id FROM named) GROUP BY r.trace_id "
        f"ORDER BY started_at, r.trace_id LIMIT {MAX_TURNS}), sums AS ({sums}), {_TOLD} "
        f"SELECT coalesce(told_of.outcome, ended_as) AS outcome, {', '.join(_TURN)} "
        "FROM taken JOIN sums USING (trace_id) LEFT JOIN told_of USING (trace_id) "
        "ORDER BY started_at, trace_id",
        {"session_id": session_id, "from_at": naive(start), "to_at": naive(end)},
    )
    return [_turn(dict(zip(("outcome", *_TURN), row, strict=True))) for row in rows]


def _turn(row: dict[str, Any]) -> Turn:
    asked, prompted, answered, completed = (row.pop(name) or "" for name in _TURN[-4:])
    doubt, tokens = row.pop("doubt"), row.pop("tokens")
    return Turn(
        **row
        | {
            "started_at": aware(row["started_at"]),
            "tools": tuple(sorted(row["tools"] or ())),
            "tokens": None if tokens is None else int(tokens),
        },
        cost_source=DOUBTS.get(doubt, CostSource.NONE),
        question=spoken(asked or prompted, "user"),
        answer=spoken(answered or completed, "assistant"),
    )
