"""Tail sampling: which traces stay, decided per whole trace some time after it ended.

    stored, undecided ──wait──► failed, slow or dear            kept, weight 1
                                else, by the hash of its id:
                                one in `one_in`                 kept, weight `one_in`
                                the others                      deleted

Spans are stored, and answered for, before anything is decided. Until then a trace counts as
itself, so no number ever lacks what just happened. A decision, its deletions and its weights are
one transaction. Spans that come later follow the decision, which is remembered for some hours;
after that the hash of the id says the same again.

Source: Horvitz and Thompson, 1952, https://doi.org/10.1080/01621459.1952.10483446: a total is
estimated without bias by weighing each with one over the chance that it was kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from signals.traces.embedded import narrow
from signals.traces.embedded.requests import FAILED

LOOKBACK = timedelta(hours=2)  # older traces stay as they are, such as those of before a pause
REMEMBERED = timedelta(hours=3)  # more than LOOKBACK, or else what was kept is decided anew
PATIENCE_WITHOUT_ROOT = 10  # times the wait
MOST = 20_000  # traces decided at a time: what comes in waits for it
LONGEST = timedelta(days=1)  # that a trace may last to be decided with all its parts

_CREATE = (
    "CREATE TABLE IF NOT EXISTS store.decisions "
    "(trace_id UUID, decided_at TIMESTAMP, weight INTEGER)"
)
_DECIDE = f"""
    INSERT INTO store.decisions
    WITH fresh AS (
        SELECT DISTINCT trace_id FROM store.parts
        WHERE ended_at >= $since AND trace_id NOT IN (SELECT trace_id FROM store.decisions)
    ),
    ended AS (
        SELECT p.trace_id, max(p.ended_at) AS ended_at, sum(p.errors) AS errors,
            coalesce(sum(p.paid_usd), sum(p.root_usd)) AS usd
        FROM store.parts AS p
        WHERE p.ended_at >= $oldest AND p.trace_id IN (FROM fresh) GROUP BY p.trace_id
    ),
    told AS (
        SELECT r.trace_id, max(r.duration_ms) AS duration_ms,
            bool_or({FAILED.format(s="r")}) AS is_failed
        FROM store.roots AS r
        WHERE r.ended_at >= $oldest AND r.trace_id IN (FROM fresh) GROUP BY r.trace_id
    )
    SELECT e.trace_id, $now, CASE
        WHEN e.errors > 0 OR t.is_failed OR t.duration_ms >= $slow_ms OR e.usd >= $dear_usd THEN 1
        WHEN md5_number_lower({narrow.TEXT.format(s="e")}) % $one_in = 0 THEN $one_in
        ELSE 0
    END
    FROM ended AS e LEFT JOIN told AS t ON t.trace_id = e.trace_id
    WHERE e.ended_at <= CASE WHEN t.trace_id IS NULL THEN $rootless_before ELSE $before END
    ORDER BY e.ended_at LIMIT {MOST}
"""  # noqa: S608  names are ours
_NOW_DECIDED = "SELECT trace_id FROM store.decisions WHERE decided_at = $now AND weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class TailSampling:
    """What to keep.

    Attributes:
        one_in: Of the traces that are neither failed, slow nor dear, one in so many is kept.
        wait: How long after its last span a trace is decided.
        slow: A root that lasts at least so long is always kept.
        dear_usd: And a trace that costs at least so much.
    """

    one_in: int
    wait: timedelta
    slow: timedelta
    dear_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How many traces were decided: `kept` for a reason, `chosen` by chance, and `gone`."""

    kept: int = 0
    chosen: int = 0
    gone: int = 0


def create(cursor: duckdb.DuckDBPyConnection) -> None:
    """Create the table of decisions unless it exists."""
    cursor.execute(_CREATE)


def decide(cursor: duckdb.DuckDBPyConnection, rules: TailSampling, *, now: datetime) -> Decided:
    """Decide what is due at `now`, a naive time, and carry it out, within a transaction."""
    cursor.execute(
        "DELETE FROM store.decisions WHERE decided_at < $before", {"before": now - REMEMBERED}
    )
    since = now - LOOKBACK
    cursor.execute(
        _DECIDE,
        {
            "since": since,
            "oldest": since - LONGEST,
            "now": now,
            "before": now - rules.wait,
            "rootless_before": now - PATIENCE_WITHOUT_ROOT * rules.wait,
            "slow_ms": rules.slow / timedelta(milliseconds=1),
            "dear_usd": rules.dear_usd,
            "one_in": rules.one_in,
        },
    )
    counted = cursor.execute(
        "SELECT least(weight, 2), count(*) FROM store.decisions "
        "WHERE decided_at = $now GROUP BY ALL",
        {"now": now},
    ).fetchall()
    gone, kept, chosen = (dict(counted).get(weight, 0) for weight in (0, 1, 2))
    if gone or chosen:
        _carry_out(cursor, now)
    return Decided(kept=kept, chosen=chosen, gone=gone)


def agreed(
    cursor: duckdb.DuckDBPyConnection,
    spans: pa.Table,
    within: Mapping[str, datetime],
    *,
    known: bool,
) -> pa.Table:
    """Return `spans`, each with the weight that its sender told of any span of its trace.

    OpenTelemetry's SDK for Python tells it of the root alone. Spans that came before their root are
    weighed with it.

    Args:
        cursor: Within a transaction.
        spans: Of which none is stored yet.
        within: When the `first` and the `last` of them started.
        known: Whether a trace that is stored may have told a weight.
    """
    trace_ids, weights = spans["trace_id"].to_pylist(), spans["weight"].to_pylist()
    told = {trace_id: weight for trace_id, weight in zip(trace_ids, weights, strict=True) if weight}
    if told:
        _weigh_earlier(cursor, told, within)
    if known and len(told) < len(set(trace_ids)):
        cursor.register("coming", spans.select(["trace_id"]))
        rows = cursor.execute(
            f"SELECT {narrow.TEXT.format(s='r')}, max(r.weight) FROM store.roots AS r "  # noqa: S608  names are ours
            "WHERE r.weight > 1 AND r.started_at BETWEEN $first - INTERVAL 1 DAY AND $last "
            f"AND r.trace_id IN (SELECT {narrow.TRACE_ID.format(s='c')} FROM coming AS c) "
            "AND r.trace_id NOT IN (SELECT trace_id FROM store.decisions) GROUP BY r.trace_id",
            dict(within),
        ).fetchall()
        told = dict(rows) | told
    if not told:
        return spans
    weighed = [own or told.get(one) for one, own in zip(trace_ids, weights, strict=True)]
    place = spans.schema.get_field_index("weight")
    return spans.set_column(place, "weight", pa.array(weighed, pa.int32()))


def _weigh_earlier(
    cursor: duckdb.DuckDBPyConnection, told: Mapping[str, int], within: Mapping[str, datetime]
) -> None:
    """Weigh the spans of these traces that are stored and told no weight."""
    cursor.register("told", pa.table({"trace_id": list(told), "weight": list(told.values())}))
    for table in ("spans", "roots", "charges"):
        mine = "t.trace_id" if table == "spans" else narrow.TEXT.format(s="t")
        cursor.execute(
            f"UPDATE store.{table} AS t SET weight = w.weight FROM told AS w "  # noqa: S608  names are ours
            "WHERE t.started_at BETWEEN $first - INTERVAL 1 HOUR AND $last + INTERVAL 1 DAY "
            f"AND t.weight IS NULL AND {mine} = w.trace_id",
            dict(within),
        )


def followed(cursor: duckdb.DuckDBPyConnection, spans: pa.Table) -> pa.Table:
    """Return `spans` without those of traces that went, and weighed as their traces are."""
    cursor.register("coming", spans.select(["trace_id"]))
    known = cursor.execute(
        f"SELECT {narrow.TEXT.format(s='d')}, max(d.weight) FROM store.decisions AS d "  # noqa: S608  names are ours
        f"WHERE d.trace_id IN (SELECT {narrow.TRACE_ID.format(s='c')} FROM coming AS c) "
        "GROUP BY d.trace_id"
    ).fetchall()
    if not known:
        return spans
    weights = dict(known)
    # A sender may have sampled too: what is left of its share stands for both.
    weighed = [
        own if (weight := weights.get(trace_id)) is None else weight * (own or 1)
        for trace_id, own in zip(
            spans["trace_id"].to_pylist(), spans["weight"].to_pylist(), strict=True
        )
    ]
    place = spans.schema.get_field_index("weight")
    column = pa.array(weighed, pa.int32())
    return spans.set_column(place, "weight", column).filter(
        pa.array([weight != 0 for weight in weighed])
    )


def _carry_out(cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Delete what goes and weigh what was chosen; bounds of time spare most of the file."""
    ((first, last),) = cursor.execute(
        "SELECT min(started_at), max(ended_at) FROM store.parts "  # noqa: S608  names are ours
        f"WHERE trace_id IN ({_NOW_DECIDED} <> 1)",
        {"now": now},
    ).fetchall()
    for table in ("spans", *narrow.TABLES):
        mine = narrow.TRACE_ID.format(s="t") if table == "spans" else "t.trace_id"
        which = "t.started_at BETWEEN $first AND $last"
        values = {"now": now, "first": first, "last": last}
        cursor.execute(
            f"DELETE FROM store.{table} AS t WHERE {which} AND {mine} IN ({_NOW_DECIDED} = 0)",  # noqa: S608  names are ours
            values,
        )
        if table != "parts":
            cursor.execute(
                f"UPDATE store.{table} AS t SET weight = coalesce(t.weight, 1) * d.weight "  # noqa: S608  names are ours
                "FROM store.decisions AS d "
                f"WHERE {which} AND d.decided_at = $now AND d.weight > 1 AND d.trace_id = {mine}",
                values,
            )
