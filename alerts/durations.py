"""Durations as Prometheus writes them: `90s`, `5m`, `1h30m`, `1d`. Pure.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

MILLISECONDS = {
    "y": 31_536_000_000,  # 365 days
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
LONGEST = timedelta(milliseconds=(2**63 - 1) // 1_000_000)  # what Prometheus holds: 292 years
_PATTERN = "".join(rf"(?:([0-9]+){unit})?" for unit in MILLISECONDS)
_FORM = re.compile(_PATTERN)
_EXACT = ("y", "w")  # written only where nothing is left over: 8d, not 1w1d


def parse(text: str) -> timedelta:
    """Return the duration that `text` writes, exactly as Prometheus reads it.

    Raises:
        ValueError: It is not written like `90s`, `5m` or `1h30m`, or longer than 292 years.
    """
    if text == "0":
        return timedelta()
    match = _FORM.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration: write 90s, 5m, 1h30m or 1d")
    counts = zip(MILLISECONDS.values(), match.groups(), strict=True)
    # Twenty digits are longer than any duration; int() would refuse a few thousand.
    total = sum(unit * int(count.lstrip("0")[:20] or 0) for unit, count in counts if count)
    if total > LONGEST / timedelta(milliseconds=1):
        raise ValueError(f"{text[:40]!r} is longer than 292 years")
    return timedelta(milliseconds=total)


def write(duration: timedelta) -> str:
    """Return `duration` as Prometheus writes it."""
    left = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in MILLISECONDS.items():
        if unit in _EXACT and left % size:
            continue
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _read(value: Any) -> Any:
    return parse(value.strip()) if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    PlainSerializer(write, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^(0|{_PATTERN})$",
            "description": "A duration, such as 90s, 5m, 1h30m or 1d",
        }
    ),
]
