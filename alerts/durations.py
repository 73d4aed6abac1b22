"""Durations as Prometheus writes them: `90s`, `5m`, `1h30m`, `1d`. Pure.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

SECONDS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_FORM = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")


def parse(text: str) -> timedelta:
    """Return the duration that `text` writes.

    Raises:
        ValueError: It is not written like `90s`, `5m` or `1h30m`.
    """
    match = _FORM.fullmatch(text.strip())
    if not text.strip() or match is None:
        if text.strip() == "0":
            return timedelta()
        raise ValueError(f"{text!r} is not a duration: write 90s, 5m, 1h30m or 1d")
    counts = zip(SECONDS.values(), match.groups(), strict=True)
    return timedelta(seconds=sum(unit * int(count) for unit, count in counts if count))


def write(duration: timedelta) -> str:
    """Return `duration` as Prometheus writes it."""
    left = round(duration.total_seconds() * 1000)
    parts = []
    for unit, seconds in SECONDS.items():
        count, left = divmod(left, round(seconds * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _read(value: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_read), PlainSerializer(write, when_used="json")]
