"""TraceQL for our questions.

Source: https://grafana.com/docs/tempo/latest/traceql/
"""

from collections.abc import Mapping

from signals.attributes import ALIASES
from signals.traces import FILTERS, SEARCHED, TraceQuery
from signals.traces.summaries import FAILURES

# Tempo gives a root, also of an incomplete trace, the parent -1 in its nested sets.
ROOT = "nestedSetParent < 0"
KEYS: dict[str, tuple[str, ...]] = {
    field: tuple(key for key, (name, _) in ALIASES.items() if name == field) for field in SEARCHED
}
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
    sets = [f"{{ {' && '.join(root)} }}"]
    sets += [f"{{ {equals(name, value)} }}" for name, value in query.scope.items()]
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
    spelled = [quoted(value)]
    if value.isascii() and value.isdigit() and len(value) < 19:
        spelled.append(value)  # an attribute that was sent as a number
    return " || ".join(f".{key} = {text}" for key in KEYS[name] for text in spelled)


def grouped(name: str) -> str:
    """Return what a metric is split by for a field: the first of its attributes, together."""
    return ", ".join(f".{key}" for key in KEYS[name][:MAX_KEYS])


def quoted(text: str) -> str:
    """Return `text` as TraceQL writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
