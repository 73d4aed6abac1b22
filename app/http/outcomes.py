"""What became of requests is told here: POST /api/outcomes, one or many at a time.

    {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "outcome": "accepted"}

Thumbs, rejected confirmations and judgements of guardrails come by the same door, and stand beside
how the request turned out: see `signals.traces.outcomes`.
All of them are kept, or none. The same outcome of a trace told again changes nothing. A trace need
not be here yet: spans may come later than what became of them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from starlette.routing import Route

from app.http.told import RefusedError, told_route
from models.clock import Clock
from signals.traces import BusyError, ids
from signals.traces.outcomes import TOLD, OutcomeEvent, OutcomeSink

PATH = "/api/outcomes"
MOST = 1_000
AHEAD = timedelta(days=1)  # clocks differ
BEHIND = timedelta(days=366)
_NO_STORE = (
    "outcomes are kept by the embedded trace store, which this process does not have: send the "
    "span attribute `outcome` instead"
)


class _Said(BaseModel):
    """One outcome as it was sent."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str
    outcome: str
    at: AwareDatetime | None = None


def outcome_routes(sink: OutcomeSink | None, *, token: str, clock: Clock) -> list[Route]:
    """Return the door for outcomes; see `app.http.told`.

    Args:
        sink: Where they go; None to refuse them with the reason.
        token: What senders must show as a bearer token; empty to let anyone in.
        clock: The instant of outcomes that do not say theirs.
    """

    def act(said: Any, now: datetime) -> tuple[int, dict[str, Any]]:
        if sink is None:
            raise RefusedError(409, _NO_STORE)
        events = [_event(one, where, now) for where, one in _each(said)]
        try:
            sink.record(events)
        except BusyError as error:
            raise RefusedError(503, str(error)) from error
        return 200, {"kept": len(events)}

    return [told_route(PATH, act, token=token, clock=clock)]


def _each(said: Any) -> Iterable[tuple[str, Any]]:
    """Return each outcome, with how to name it in a refusal."""
    if not isinstance(said, list):
        return [("", said)]
    if len(said) > MOST:
        raise RefusedError(413, f"more than {MOST} outcomes: send fewer at a time")
    return [(f"[{number}] ", one) for number, one in enumerate(said)]


def _event(said: Any, where: str, now: datetime) -> OutcomeEvent:
    if not isinstance(said, dict):
        raise RefusedError(400, f"{where}an outcome is an object with a trace_id and an outcome")
    try:
        read = _Said.model_validate(said)
        trace_id = ids.trace_id(read.trace_id)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # Whatever it was called, it can be answered.
        field = ascii(next(iter(first["loc"]), "the outcome"))[1:-1][:40]
        raise RefusedError(400, f"{where}{field}: {first['msg']}") from error
    except ids.MalformedIdError as error:
        raise RefusedError(400, f"{where}trace_id: {error}") from error
    if read.outcome not in TOLD:
        raise RefusedError(400, f"{where}outcome: must be one of {', '.join(TOLD)}")
    at = read.at or now
    if not now - BEHIND <= at <= now + AHEAD:
        raise RefusedError(400, f"{where}at: must lie within the last year, or the next day")
    return OutcomeEvent(trace_id=trace_id, outcome=read.outcome, at=at.astimezone(UTC))
