"""The tables, and the way of our values into Arrow and back.

Attributes are a MAP and prompts are columns of their own: measured fastest, and safe against any
number of different keys. Times are naive UTC microseconds.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.logs import LogRecord
from signals.traces import Span, SpanEvent
from signals.traces.outcomes import OutcomeEvent
from signals.traces.rows import SPAN_FIELDS, rows_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_TIME = pa.timestamp("us")
_MAP = pa.map_(pa.string(), pa.string())
_SQL = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    _TIME: "TIMESTAMP",
    _MAP: "MAP(VARCHAR, VARCHAR)",
}

_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_FLOATS = ("duration_ms", "cost_usd", "ttft_ms", "queue_depth", "eval_score")
SPAN_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(SPAN_FIELDS, pa.string()),
    **dict.fromkeys(_FLOATS, pa.float64()),
    **dict.fromkeys((*_COUNTS, "reasoning_tokens"), pa.int64()),
    **dict.fromkeys(("cache_hit", "guardrail_triggered"), pa.bool_()),
    "started_at": _TIME,
    "ended_at": _TIME,
    "attributes": _MAP,
    "weight": pa.int32(),  # as its sender sampled, times as `sampling` did
}
LOG_FIELDS = tuple(LogRecord.__dataclass_fields__)
LOG_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(LOG_FIELDS, pa.string()),
    "at": _TIME,
    "attributes": _MAP,
}

OUTCOME_TYPES: dict[str, pa.DataType] = {
    "trace_id": pa.string(),
    "outcome": pa.string(),
    "told_at": _TIME,
}


def create(table: str, types: Mapping[str, pa.DataType]) -> str:
    """Return the statement that creates `table` unless it exists."""
    columns = ", ".join(f'"{name}" {_SQL[kind]}' for name, kind in types.items())
    return f"CREATE TABLE IF NOT EXISTS store.{table} ({columns})"


def spans_table(spans: Sequence[Span]) -> pa.Table:
    """Return `spans` as Arrow, with `ended_at` after our own fields."""
    columns: dict[str, Sequence[Any]] = dict(
        zip(SPAN_FIELDS, zip(*map(_SPAN_VALUES, rows_of(spans)), strict=True), strict=True)
    )
    starts = [microseconds(at) for at in columns["started_at"]]
    ends = [
        start + round(duration * 1000)
        for start, duration in zip(starts, columns["duration_ms"], strict=True)
    ]
    events = [_dump(events) if events else None for events in columns["events"]]
    columns |= {"started_at": starts, "ended_at": ends, "events": events}
    return _table(columns, SPAN_TYPES)


def logs_table(records: Sequence[LogRecord]) -> pa.Table:
    """Return `records` as Arrow."""
    columns: dict[str, Sequence[Any]] = dict(
        zip(LOG_FIELDS, zip(*map(_LOG_VALUES, records), strict=True), strict=True)
    )
    return _table(columns | {"at": [microseconds(at) for at in columns["at"]]}, LOG_TYPES)


def outcomes_table(events: Sequence[OutcomeEvent]) -> pa.Table:
    """Return `events` as Arrow."""
    columns: dict[str, Sequence[Any]] = {
        "trace_id": [event.trace_id for event in events],
        "outcome": [event.outcome for event in events],
        "told_at": [microseconds(event.at) for event in events],
    }
    return _table(columns, OUTCOME_TYPES)


def span_of(row: Sequence[Any]) -> Span:
    """Return the span of a row that holds `SPAN_FIELDS` in their order."""
    fields = {name: read(value) for (name, read), value in zip(_READ.items(), row, strict=True)}
    return Span(**fields)


def log_of(row: Sequence[Any]) -> LogRecord:
    """Return the line of a row that holds `LOG_FIELDS` in their order."""
    fields = dict(zip(LOG_FIELDS, row, strict=True))
    return LogRecord(**fields | {"at": aware(fields["at"])})


def microseconds(at: datetime) -> int:
    """Return the microseconds from 1970 to `at`, an aware time."""
    return (at - EPOCH) // MICROSECOND


def naive(at: datetime) -> datetime:
    """Return an aware time as the tables hold it."""
    return at.astimezone(UTC).replace(tzinfo=None)


def aware(at: datetime) -> datetime:
    """Return a time of the tables as the rest of the house knows it."""
    return at.replace(tzinfo=UTC)


_SPAN_VALUES = itemgetter(*SPAN_FIELDS)
_LOG_VALUES = attrgetter(*LOG_FIELDS)


def _table(columns: Mapping[str, Sequence[Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    arrays = [
        _maps(columns[name]) if kind == _MAP else pa.array(columns[name], kind)
        for name, kind in types.items()
    ]
    return pa.Table.from_arrays(arrays, names=list(types))


def _maps(mappings: Sequence[Mapping[str, str]]) -> pa.MapArray:
    """Return a MAP column; building it from flat lists is several times faster."""
    offsets: list[int] = [0]
    keys: list[str] = []
    values: list[str] = []
    for mapping in mappings:
        keys.extend(mapping.keys())
        values.extend(mapping.values())
        offsets.append(len(keys))
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values, pa.string())
    )


def _dump(events: Sequence[SpanEvent]) -> str:
    return json.dumps([[microseconds(e.at), e.name, dict(e.attributes)] for e in events])


def _load(text: str | None) -> tuple[SpanEvent, ...]:
    return tuple(
        SpanEvent(at=EPOCH + at * MICROSECOND, name=name, attributes=attributes)
        for at, name, attributes in json.loads(text or "[]")
    )


def _same(value: Any) -> Any:
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(SPAN_FIELDS, _same),
    "kind": SpanKind,
    "status": SpanStatus,
    "cost_source": CostSource,
    "started_at": aware,
    "events": _load,
}
