"""One call of a model that two spans tell: its tokens and its cost count once.

Anthropic's client (2.0 and later) records a span of its own wherever OpenTelemetry is set up, and
LangChain, instrumented together with the client that it uses, one beside the client's. Both spans
are right, and both tell all tokens. The shorter one stands right below the longer, or has the id of
its response, or was made by another instrumentation beside it, within its time, with its counts.

Source: `anthropic/_tracing.py` of anthropic 2.14.0; seen by `tests/test_real_sdks.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from models.vocabulary import CostSource, SpanKind
from signals.traces.rows import SpanRow

MAX_ALIKE: Final = 64  # spans side by side with the same counts: of more, all count
NOTE: Final = "wakeful.counted_elsewhere"
_KINDS: Final = (SpanKind.LLM, SpanKind.EMBEDDING)
_RESPONSE: Final = "gen_ai.response.id"
_COUNTS: Final = (
    *("input_tokens", "output_tokens", "reasoning_tokens"),
    *("cache_read_tokens", "cache_write_tokens"),
)
_TAKEN: Final = (*_COUNTS, "cost_usd")
_SURE: Final = (CostSource.NONE, CostSource.UNPRICED, CostSource.COMPUTED, CostSource.REPORTED)


class _Call(NamedTuple):
    """A call of a model, and what made its span."""

    row: SpanRow
    scope: str

    @property
    def ended_at(self) -> datetime:
        ended_at: datetime = self.row["started_at"] + timedelta(
            milliseconds=self.row["duration_ms"]
        )
        return ended_at


def count_once(rows: Iterable[SpanRow], scopes: Iterable[str]) -> None:
    """Take tokens and cost from each call that a longer span tells as well; that one keeps them.

    Args:
        rows: Spans that were sent together. Exporters send together what ended together; of a
            call whose two spans come apart, both count.
        scopes: The instrumentation that made each of them, by name.
    """
    calls = [
        _Call(row, scope) for row, scope in zip(rows, scopes, strict=True) if row["kind"] in _KINDS
    ]
    if len(calls) < 2:
        return
    calls.sort(key=lambda call: call.row["duration_ms"])
    by_id = {call.row["span_id"]: call for call in calls}
    # The longest with each response.
    by_response = {call.row["attributes"].get(_RESPONSE): call for call in calls}
    by_response.pop(None, None)
    beside: dict[tuple[object, ...], list[_Call]] = defaultdict(list)
    if len({call.scope for call in calls}) > 1:
        for call in calls:
            beside[_likeness(call.row)].append(call)
    held: set[tuple[str, str]] = set()  # span, and the instrumentation whose span it stands for
    for call in calls:
        row = call.row
        known = (by_id.get(row["parent_id"]), by_response.get(row["attributes"].get(_RESPONSE)))
        found = [other for other in known if other and _tells(other.row, row)]
        alike = beside[_likeness(row)] if beside else []
        if not found and len(alike) <= MAX_ALIKE:
            found = [
                other
                for other in alike
                if _is_around(other, call)
                and (other.row["span_id"], call.scope) not in held
                and _tells(other.row, row)
            ]
        if found:
            held.add((found[0].row["span_id"], call.scope))
            _hand_over(row, found[0].row)


def _likeness(row: SpanRow) -> tuple[object, ...]:
    """Return what two spans of one call share that stand side by side."""
    return row["trace_id"], row["parent_id"], row["input_tokens"], row["output_tokens"]


def _is_around(other: _Call, call: _Call) -> bool:
    """Say whether `other`, by another instrumentation, lasts from before `call` until after it."""
    starts = other.row["started_at"] <= call.row["started_at"]
    return other.scope != call.scope and starts and call.ended_at <= other.ended_at


def _hand_over(row: SpanRow, other: SpanRow) -> None:
    """Take what `row` used, and give `other` what it did not say or knows less surely."""
    if _SURE.index(row["cost_source"]) > _SURE.index(other["cost_source"]):
        other["cost_usd"], other["cost_source"] = row["cost_usd"], row["cost_source"]
    if len(row["model"] or "") > len(other["model"] or ""):
        other["model"] = row["model"]
    for name in (*_COUNTS, "ttft_ms"):
        if other[name] is None:
            other[name] = row[name]
    sizes = ", ".join(f"{row[name]} {name}" for name in _TAKEN if row[name] is not None)
    row["attributes"][NOTE] = f"Another span tells this call as well: {sizes}"
    row.update(dict.fromkeys(_TAKEN), cost_source=CostSource.NONE)


def _tells(other: SpanRow, row: SpanRow) -> bool:
    """Say whether `other` can tell the call of `row` and keep its tokens.

    A span that was sent twice is no other.
    """
    if other["trace_id"] != row["trace_id"] or other["span_id"] == row["span_id"]:
        return False
    responses = {one["attributes"].get(_RESPONSE) for one in (other, row)} - {None}
    models = other["model"] or "", row["model"] or ""
    same = models[0].startswith(models[1]) or models[1].startswith(models[0])
    alike = same and other["kind"] is row["kind"] and len(responses) < 2
    held, told = _size(other), _size(row)
    return alike and held is not None and told is not None and held >= told


def _size(row: SpanRow) -> int | None:
    """Return the tokens that came out, which all count alike; of an embedding, those put in."""
    size: int | None = row["output_tokens"]
    return row["input_tokens"] if size is None else size
