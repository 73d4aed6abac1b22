"""TraceQL for our questions.

Source: https://grafana.com/docs/tempo/latest/traceql/; how names and texts are read:
grafana/tempo, pkg/traceql/lexer.go, read 2026-11
"""

import re
from collections.abc import Iterator, Mapping

from signals.attributes import ALIASES
from signals.traces import FILTERS, SEARCHED, TraceQuery
from signals.traces.narrowing import FIELDS, WORKED_OUT, is_literal, score_ranges, verdicts
from signals.traces.summaries import FAILURES

# Tempo gives a root, also of an incomplete trace, the parent -1 in its nested sets.
ROOT = "nestedSetParent < 0"
KEYS: dict[str, tuple[str, ...]] = {
    field: tuple(key for key, (name, _) in ALIASES.items() if name == field)
    for field in (*SEARCHED, *sorted(FIELDS - set(SEARCHED)), "eval_score", "eval_label")
}
UNTOLD = WORKED_OUT  # fields of Span that no one condition of TraceQL says
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.:/-]*")
_STATUSES = ("ok", "error", "unset")
MAX_KEYS = 5  # attributes that Tempo groups by at once
_FAILED = "status = error || " + " || ".join(f".outcome = {word!r}" for word in FAILURES).replace(
    "'", '"'
)
SELECTED = (
    "nestedSetParent, status, statusMessage, kind, "
    + ", ".join(f".{key}" for name in FILTERS for key in KEYS[name])
    + ", .error.type, .http.response.status_code, .http.status_code"
)


def search(query: TraceQuery) -> str:
    """Return the roots that match, and the spans that make them match; the newest, if it can."""
    root = [ROOT]
    if query.errors_only:
        root.append(f"({_FAILED})")
    if query.min_duration_ms is not None:
        root.append(f"duration >= {round(query.min_duration_ms * 1000)}us")
    if query.max_duration_ms is not None:
        root.append(f"duration < {round(query.max_duration_ms * 1000)}us")
    sets = [f"{{ {' && '.join(root)} }}"]
    sets += [f"{{ {equals(name, value)} }}" for name, value in query.scope.items()]
    sets += [f"{{ {_tells(name, value)} }}" for name, value in query.attributes]
    if query.max_score is not None:
        sets.append(f"{{ {' || '.join(_scores(query.max_score))} }}")
    return f"{' && '.join(sets)} | select({SELECTED}) with (most_recent=true)"


def roots(scope: Mapping[str, str], *, failed: bool = False) -> str:
    """Return the roots in scope, by what they say themselves."""
    conditions = [ROOT, *(f"({equals(name, value)})" for name, value in scope.items())]
    if failed:
        conditions.append(f"({_FAILED})")
    return f"{{ {' && '.join(conditions)} }}"


def equals(name: str, value: str) -> str:
    """Return the condition that a field of Span has a value; an empty one stands for none."""
    if not value:
        return " && ".join(f".{key} = nil" for key in KEYS[name])
    return " || ".join(f".{key} = {text}" for key in KEYS[name] for text in _spelled(value))


def _tells(name: str, value: str) -> str:
    """Return the condition that a span, or its resource, has a value under any name."""
    if name == "name":
        return f"name = {quoted(value)}"
    if name == "service":
        return f"resource.service.name = {quoted(value)}"
    if name == "status":
        return f"status = {value}" if value in _STATUSES else "false"
    if name in FIELDS:
        return equals(name, value)
    key = name if _PLAIN_NAME.fullmatch(name) else _quoted_name(name)
    return " || ".join(f".{key} = {text}" for text in _spelled(value))


def _scores(most_points: float) -> Iterator[str]:
    """Yield the conditions one of which a span meets that was given so few points."""
    for least, most in score_ranges(most_points):
        # A score of 1 is a ratio.
        above = ">=" if least == 0 else ">"
        for key in KEYS["eval_score"]:
            yield f"(.{key} {above} {least:g} && .{key} <= {most:f})"
    words = "|".join(verdicts(most_points))
    if words:
        for key in KEYS["eval_label"]:
            yield f'.{key} =~ "(?i)^({words})$"'


def _spelled(value: str) -> list[str]:
    """Return `value` as a text, and as what else an attribute that reads so may be."""
    return [quoted(value), value] if is_literal(value) else [quoted(value)]


def _quoted_name(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def grouped(name: str) -> str:
    """Return what a metric is split by for a field: the first of its attributes, together."""
    return ", ".join(f".{key}" for key in KEYS[name][:MAX_KEYS])


def quoted(text: str) -> str:
    """Return `text` as TraceQL writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
