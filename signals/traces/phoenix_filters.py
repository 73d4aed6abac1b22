"""What Phoenix can be asked to narrow traces and spans by, as it spells it.

A trace filter compares durations, statuses and annotations of any span, but attributes of the root
alone; those of any span are a parameter of its list of spans, which reads a value as JSON and finds
neither names that are no plain paths nor values that JSON escapes.

Source: verified against arize-phoenix 20.26.1: trace/dsl/trace_filter.py, and
server/api/routers/v1/spans.py (`_parse_attribute`)
"""

import json
import re
from collections.abc import Iterable, Iterator

from signals.traces.narrowing import FIELDS, is_literal, score_ranges, verdicts

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*")
_ROUNDED_MS = 0.1


def faster(duration_ms: float) -> str:
    """Return the filter that a root took no longer; durations are rounded."""
    most = duration_ms + _ROUNDED_MS
    return f"any(span.parent_id is None and span.latency_ms <= {most:f} for span in spans)"


def scored(most_points: float) -> str:
    """Return the filter that a trace or a span of it was given so few points, or such a word."""
    return " or ".join(
        f"any({so} for told in {where})"
        for where in ("trace_annotations", "span_annotations")
        for so in _scores(most_points)
    )


def among(trace_ids: Iterable[str]) -> str:
    """Return the filter that a trace is one of those."""
    return f"trace_id in {json.dumps(list(trace_ids))}"


def attribute(name: str, value: str) -> tuple[str, ...]:
    """Return the parameters, one of which finds the spans that tell `name`; none if none does."""
    if name in FIELDS or _PATH.fullmatch(name) is None or not value.isascii():
        return ()
    spelled = (json.dumps(value), value) if is_literal(value) else (json.dumps(value),)
    return tuple(f"{name}:{each}" for each in spelled)


def _scores(most_points: float) -> Iterator[str]:
    for least, most in score_ranges(most_points):
        above = ">=" if least == 0 else ">"  # 1 is a ratio
        yield f"told.score {above} {least:f} and told.score <= {most:f}"
    for word in verdicts(most_points):
        yield from (f'told.label == "{each}"' for each in (word, word.capitalize(), word.upper()))
