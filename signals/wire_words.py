"""What a vendor's refusal says, in words: none quotes a request, whose headers hold credentials."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

LONGEST_SAYING = 300
LONGEST_WAIT = timedelta(hours=24)


def trouble(error: httpx2.HTTPError, patience: timedelta) -> str:
    """Return what `error`, raised instead of an answer, means; goes after the vendor's name."""
    seconds = patience.total_seconds()
    match error:
        case httpx2.ConnectTimeout():
            return "could not be reached: nobody took the connection in time"
        case httpx2.PoolTimeout():
            return "is still busy with what it was asked before"
        case httpx2.TimeoutException():
            return f"did not answer within {seconds:g} s"
        case httpx2.ConnectError() if "certificate" in str(error).lower():
            return "could not be trusted: its certificate is not signed by one we know"
        case httpx2.ConnectError():
            return "could not be reached: the connection was refused, or the name is unknown"
        case httpx2.DecodingError():
            return "sent an answer that cannot be unpacked"
        case httpx2.RemoteProtocolError() | httpx2.ReadError() | httpx2.WriteError():
            return "broke off its answer"
        case _:
            return f"could not be asked ({type(error).__name__}): check the URL"


def asked_wait(told: str | None, now: datetime) -> timedelta | None:
    """Return how long `told`, a Retry-After or a reset, asks to wait; None if it does not say."""
    if not told:
        return None
    try:
        number = float(told)
    except ValueError:
        pass
    else:
        if not math.isfinite(number):
            return None
        # Some vendors send the instant instead, in Unix seconds or milliseconds.
        if number > 1e11:
            number /= 1000
        seconds = number - now.timestamp() if number > 1e8 else number
        return timedelta(seconds=max(0.0, min(seconds, LONGEST_WAIT.total_seconds())))
    try:
        at = parsedate_to_datetime(told)
    except (ValueError, TypeError, OverflowError):
        try:
            at = datetime.fromisoformat(told)
        except ValueError:
            return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta())


def words_of(body: bytes) -> str:
    """Return the vendor's own words out of an error's body, or nothing if it is no JSON."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        text = body[: LONGEST_SAYING + 1].decode("utf-8", errors="replace").strip()
        return "" if text.startswith("<") else _short(text)
    for key in ("error", "message", "detail", "msg"):
        while isinstance(found, Mapping) and key in found:
            found = found[key]
    return _short(found if isinstance(found, str) else json.dumps(found))


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST_SAYING]
