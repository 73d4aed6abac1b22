"""SQL for what traces are searched by besides labels: speed, score, and any attribute."""

from collections.abc import Callable, Iterator
from typing import Final

from signals.traces import TraceQuery
from signals.traces.clickhouse.expressions import ERROR, OK, UNSET, Columns
from signals.traces.narrowing import FIELDS, WORKED_OUT

_OWN_COLUMNS: Final = {"name": "SpanName", "service": "ServiceName"}
_STATUSES: Final = {"error": ERROR, "ok": OK, "unset": UNSET}
# What the columns do not spell as a span of ours does is compared there.
_COMPARED_LATER: Final = WORKED_OUT - {"outcome"}


def narrowed(
    query: TraceQuery, columns: Columns, traces: Callable[[str], str]
) -> tuple[list[str], dict[str, object]]:
    """Return conditions on a root, and their parameters.

    Args:
        query: What is looked for.
        columns: How attributes are held.
        traces: From a condition to a query for the traces some span of which meets it.
    """
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    if query.max_duration_ms is not None:
        # Unsigned, a span that ends before it starts would be the longest.
        conditions.append("toInt64(Duration) < {most:Int64}")
        parameters["most"] = round(query.max_duration_ms * 1e6)
    if query.max_score is not None:
        poor = traces(f"{columns.points()} <= {{points:Float64}}")
        conditions.append(f"TraceId IN ({poor})")
        parameters["points"] = query.max_score
    for place, (name, value) in enumerate(query.attributes):
        is_so = " OR ".join(_says(columns, name, value, f"{{value_{place}:String}}"))
        if is_so:
            conditions.append(f"TraceId IN ({traces(f'({is_so})')})")
            parameters[f"value_{place}"] = value
    return conditions, parameters


def _says(columns: Columns, name: str, value: str, asked: str) -> Iterator[str]:
    """Yield the conditions one of which is met where a span tells `name`; none if SQL cannot."""
    if name == "status":
        yield _STATUSES.get(value, "false")
    elif name in _OWN_COLUMNS:
        yield f"{_OWN_COLUMNS[name]} = {asked}"
    elif name in FIELDS:
        if name not in _COMPARED_LATER:
            yield f"coalesce({columns.field(name)}, '') = {asked}"
    elif columns.holds(name):
        for column in ("SpanAttributes", "ResourceAttributes"):
            yield f"coalesce({columns.attribute(name, column)}, '') = {asked}"
