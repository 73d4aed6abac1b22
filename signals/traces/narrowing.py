"""What narrows a list of traces besides its labels: speed, score, and what any span tells.

The rule is the embedded store's, for stores that give spans: a request is as fast as its root, and
a score or an attribute is that of any of its spans. A store that narrows by itself is asked for no
less than the rule says; what it gives beyond is left out by `fits`.
"""

import re
from collections.abc import Sequence
from typing import Final

from signals.attribute_values import VERDICTS
from signals.attributes import ALIASES
from signals.traces import Span, TraceQuery, people

# What a span tells in a field of its own; everything else is among its attributes.
FIELDS: Final = frozenset(
    (
        *("name", "kind", "service", "status", "feature", "tenant", "session_id", "request_id"),
        *("environment", "provider", "model", "prompt_name", "prompt_version", "outcome", "tool"),
        *("guardrail", "permission", "approval", "eval_name", "user_id"),
    )
)
# Of these, what is worked out from several attributes, or compared by a mark: no store can.
WORKED_OUT: Final = frozenset(("kind", "outcome", "permission", "user_id"))
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,15})?")
MOST_POINTS: Final = 100.0


def fits(spans: Sequence[Span], root: Span, query: TraceQuery) -> bool:
    """Say whether the trace of `spans` is as fast, as poor and says what `query` asks for."""
    most_ms, most_points = query.max_duration_ms, query.max_score
    if most_ms is not None and root.duration_ms >= most_ms:
        return False
    if most_points is not None:
        points = (span.eval_score for span in spans if span.eval_score is not None)
        if min(points, default=most_points + 1) > most_points:
            return False
    return all(any(tells(span, name, value) for span in spans) for name, value in query.attributes)


def tells(span: Span, name: str, value: str) -> bool:
    """Say whether `span` has `value` under `name`, a field's or the application's own."""
    if name == "user_id":
        return people.names(value, span.user_id)
    if name in FIELDS:
        return bool(getattr(span, name) == value)
    said = span.attributes.get(name)
    if said is None and name in ALIASES and ALIASES[name][0] in FIELDS:
        return tells(span, ALIASES[name][0], value)  # that is where it went
    return said == value


def is_literal(value: str) -> bool:
    """Say whether an attribute that reads `value` may have been sent as a number or a truth."""
    return value in ("true", "false") or _NUMBER.fullmatch(value) is not None


def score_ranges(most_points: float) -> tuple[tuple[float, float], ...]:
    """Return the ranges (from, to), both included, of scores of at most so many points.

    Scores up to 1 are ratios of 100 points, others are points: see `as_points`. The second range
    begins at 1, which is a ratio.
    """
    ratios = (0.0, min(most_points, MOST_POINTS) / MOST_POINTS)
    return (ratios, (1.0, min(most_points, MOST_POINTS))) if most_points > 1 else (ratios,)


def verdicts(most_points: float) -> tuple[str, ...]:
    """Return the labels that stand for at most so many points, in lower case."""
    return tuple(word for word, points in VERDICTS.items() if points <= most_points)
