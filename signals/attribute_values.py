"""Attribute values of any type -> the types of our fields, redacted; None when senseless."""

import json
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from signals import redact

Value = Any  # str, int, float, bool, bytes, list or dict, as OTLP's AnyValue allows

MAX_ATTRIBUTES = 128  # OpenTelemetry's default limit per span


def text(value: Value, limit: int = redact.VALUE_LIMIT) -> str:
    """Return any attribute value as redacted text of at most about `limit` characters."""
    if type(value) is str and len(value) <= redact.SHORT:  # most values: spares two calls
        return redact.redact(value)
    if isinstance(value, str):
        return redact.clean(value, limit)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return redact.clean(json.dumps(value, ensure_ascii=False, default=str), limit)


def as_points(value: Value) -> float | None:
    """Return an evaluation score in points, [0, 100]; scores in [0, 1] are taken as ratios.

    None when it is no number, or on a scale that nobody can guess (negative, beyond 100).
    """
    score = as_number(value)
    if score is None or score > 100:
        return None
    return score * 100 if score <= 1 else score


def as_object(value: Value) -> dict[str, Value] | None:
    """Return a dict, or the dict that a JSON text holds."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def as_number(value: Value) -> float | None:
    """Return a finite number that is not negative."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < math.inf else None


def as_count(value: Value) -> int | None:
    """Return a whole number that is not negative and not absurd."""
    number = as_number(value)
    return None if number is None or number >= 2**53 else int(number)


def as_counts(value: Value) -> dict[str, float] | None:
    """Return the numbers of a dict, or of the dict that a JSON text holds."""
    found = as_object(value)
    if found is None:
        return None
    return {k: n for k, v in found.items() if (n := as_number(v)) is not None and n < 2**53}


def as_usage(value: Value) -> dict[str, float] | None:
    """Return `as_counts`, with the numbers one level down as `outer.inner`."""
    found = as_object(value)
    if found is None:
        return None
    inner = [(k, as_counts(v)) for k, v in found.items() if isinstance(v, dict)]
    deeper = {f"{k}.{name}": n for k, counts in inner for name, n in (counts or {}).items()}
    return (as_counts(found) or {}) | deeper


def as_label(value: Value) -> str | None:
    """Return the value of a field such as tenant; None when it is empty."""
    if type(value) is str and len(value) <= redact.SHORT:
        return _short_label(value)
    return text(value, redact.NAME_LIMIT).strip() or None


@lru_cache(maxsize=16_384)
def _short_label(value: str) -> str | None:
    # The spans of a trace repeat its labels: remembered 0.1 µs, otherwise 0.7 µs.
    return redact.redact(value).strip() or None


def as_model(value: Value) -> str | None:
    """Return a model's own name: Vertex sends `projects/…/models/gemini-…`."""
    name = as_label(value)
    return name.rpartition("models/")[2] or name if name else None


def as_user(value: Value) -> str | None:
    """Return the user, or a stand-in when it is an e-mail address."""
    return redact.pseudonym(str(value)) if value not in (None, "") else None


def as_long_text(value: Value) -> str | None:
    """Return a prompt or a completion."""
    return text(value, redact.TEXT_LIMIT) or None


def as_truth(value: Value) -> bool | None:
    """Return a flag, or a verdict such as `deny`, as a bool; None when it is neither."""
    if isinstance(value, bool):
        return value
    return _TRUTH.get(str(value).strip().lower())


def as_permission(value: Value) -> str | None:
    """Return what was decided; the seeds' `permissionDenied` is a bool."""
    if isinstance(value, bool):
        return "denied" if value else "granted"
    return as_label(value)


_TRUTH = {
    **dict.fromkeys(("true", "1", "yes", "hit"), True),
    **dict.fromkeys(("deny", "denied", "block", "blocked", "fail", "failed", "unsafe"), True),
    **dict.fromkeys(("intervened", "triggered", "flagged", "modify", "modified", "redact"), True),
    **dict.fromkeys(("redacted", "mask", "masked", "warn", "audit"), True),
    **dict.fromkeys(("false", "0", "no", "miss", "none", "ok"), False),
    **dict.fromkeys(("allow", "allowed", "pass", "passed", "safe", "success"), False),
}
VERDICTS = {  # an evaluation's label, where it has no score
    **dict.fromkeys(("pass", "passed", "correct", "relevant", "factual"), 100.0),
    **dict.fromkeys(("fail", "failed", "incorrect", "irrelevant", "hallucinated"), 0.0),
}
_NUMBERS = ("cost_usd", "ttft_s", "ttft_ms", "queue_depth")
TRUE_WORDS = tuple(word for word, truth in _TRUTH.items() if truth)
FALSE_WORDS = tuple(word for word, truth in _TRUTH.items() if not truth)
_COUNTS = tuple(f"{what}_tokens" for what in ("input", "output", "cache_read", "cache_write"))
CONVERT: dict[str, Callable[[Value], Any]] = {  # every other field is a label
    "user_id": as_user,
    "model": as_model,
    "permission": as_permission,
    "eval_score": as_points,
    "usage_details": as_usage,
    "cost_details": as_counts,
    **dict.fromkeys(("input_text", "output_text"), as_long_text),
    **dict.fromkeys(("cache_hit", "guardrail_triggered"), as_truth),
    **dict.fromkeys(_NUMBERS, as_number),
    **dict.fromkeys((*_COUNTS, "reasoning_tokens"), as_count),
}
