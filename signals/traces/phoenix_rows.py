"""Phoenix's spans and annotations -> our spans."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from signals.shapes import mapping, mappings, text
from signals.traces import Span
from signals.traces.ids import span_id, trace_id
from signals.traces.scores import Score
from signals.traces.told import Told, iso_nanoseconds, span_of, status_of


def spans_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Yield the spans of rows; what is no span is left out."""
    for row in rows:
        told = _told(row)
        if told is not None:
            yield span_of(told)


def _told(row: Mapping[str, Any]) -> Told | None:
    """Return what a row says, or None where it is no span."""
    try:
        context = mapping(row["context"])
        own, trace = span_id(context["span_id"]), trace_id(text(context["trace_id"]))
        start, end = iso_nanoseconds(row["start_time"]), iso_nanoseconds(row["end_time"])
        events = [
            (
                iso_nanoseconds(event["timestamp"]),
                text(event["name"]),
                mapping(event.get("attributes")),
            )
            for event in mappings(row.get("events"))
        ]
    except (KeyError, ValueError):
        return None
    if own is None:
        return None
    kind = {"openinference.span.kind": row["span_kind"]} if row.get("span_kind") else {}
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=span_id(row.get("parent_id")),
        name=text(row.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=status_of(row.get("status_code")),
        message=text(row.get("status_message")),
        attributes={**kind, **mapping(row.get("attributes"))},
        events=events,
    )


def score_of(row: Mapping[str, Any]) -> Score:
    """Return the score that an annotation tells."""
    result = mapping(row.get("result"))
    score, label = result.get("score"), text(result.get("label"))
    return Score(
        name=text(row.get("name")) or "score",
        value=label if score is None else score,
        label="" if score is None else label,
        comment=text(result.get("explanation")),
        span_id=span_id(row.get("span_id")),
    )
