"""The waterfall on the page: a component of its own, without a build step.

Its scripts and style are plain files beside this one, sent inline; the spans go as one JSON
document of columns, encoded once per trace, because Streamlit hashes what it is given on every
run and leaves an unchanged message unsent.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import streamlit as st

from app.waterfall.layout import Row, Waterfall

_HERE = Path(__file__).parent

_HTML = """
<div class="waterfall">
  <div role="treegrid" tabindex="0" aria-colcount="6"
   aria-label="Spans of the trace. Arrow keys move and fold, Enter shows a span's details.">
    <div class="head" role="row">
      <div role="columnheader">Span
        <button type="button" class="expand" title="Expand all" aria-label="Expand all">+</button>
        <button type="button" class="collapse" title="Collapse all" aria-label="Collapse all"
        >&minus;</button></div>
      <div role="columnheader" class="axis" aria-label="Time"></div>
      <div role="columnheader" class="number">Time</div>
      <div role="columnheader" class="number share" title="Share of the trace's time">of all</div>
      <div role="columnheader" class="number">Cost</div>
      <div role="columnheader" class="number share" title="Share of the trace's cost">of all</div>
    </div>
    <div class="body" role="rowgroup"></div>
  </div>
  <div class="legend" aria-label="Legend"></div>
</div>
"""


def _read(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


_mount = st.components.v2.component(
    "wakeful_waterfall",
    html=_HTML,
    css=_read("waterfall.css"),
    js=_read("words.js", "waterfall.js"),
)


def waterfall(
    columns: bytes, *, focus: tuple[str, int], key: str, on_select: Callable[[], None]
) -> None:
    """Draw the spans of one trace.

    Args:
        columns: What `encode` returned.
        focus: Key of the row to mark and show, and a number that changes when the same row is to
            be shown once more. A click by the reader needs no new focus: the rows are then not
            sent again.
        key: Streamlit's key; `st.session_state[key].span` is the key of the row clicked.
        on_select: Called when the reader chose a row.
    """
    head = json.dumps({"focus": focus}).encode()
    _mount(key=key, data=head[:-1] + b"," + columns[1:], on_span_change=on_select)


def encode(drawn: Waterfall) -> bytes:
    """Return `drawn` as the JSON object of columns that waterfall.js reads, without its focus."""
    rows = drawn.rows
    names, name = _coded(row.span.name for row in rows)
    kinds, kind = _coded(row.span.kind.value for row in rows)
    sources, source = _coded(row.span.cost_source.value for row in rows)
    columns = {
        "trace": drawn.trace_id,
        "total": round(drawn.duration_ms, 3),
        "names": names,
        "kinds": kinds,
        "sources": sources,
        "id": [row.key for row in rows],
        "name": name,
        "kind": kind,
        "source": source,
        "depth": [row.depth for row in rows],
        "start": [round(row.offset_ms, 3) for row in rows],
        "duration": [round(row.span.duration_ms, 3) for row in rows],
        "self": [round(row.self_ms, 3) for row in rows],
        "waited": [round(row.critical_ms, 3) for row in rows],
        "share": [round(row.time_share, 5) for row in rows],
        "cost": [row.span.cost_usd for row in rows],
        "costShare": [None if row.cost_share is None else round(row.cost_share, 5) for row in rows],
        "ttft": [row.span.ttft_ms for row in rows],
        "flags": [_flags(row) for row in rows],
    }
    return json.dumps(columns, separators=(",", ":")).encode()


def _coded(values: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return the distinct values, and for each value its place among them."""
    places: dict[str, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), codes


def _flags(row: Row) -> int:
    """Return the marks of `row` as bits, in the order of FLAGS in words.js."""
    marks = (
        row.failed,
        row.critical_ms > 0,
        row.orphan,
        row.cyclic,
        row.skewed,
        row.slowest,
        row.dearest,
        row.span.cost_usd is not None and not row.summed,
    )
    return sum(1 << place for place, marked in enumerate(marks) if marked)
