"""What people tell of a conversation's last answer, as the product would: to Wakeful's door."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import httpx2

from examples.copilot.people import Request, verdict
from examples.copilot.plan import Plan
from signals.traces.outcomes import THUMBS, OutcomeEvent

logger = logging.getLogger(__name__)
AFTER = timedelta(seconds=20)  # people read before they say what they think
_PATIENCE_SECONDS = 5
THUMBED, LIKED = 0.08, 0.86


def told_of(requests: Iterable[tuple[str, int, Plan]], rng: Random) -> list[OutcomeEvent]:
    """Return what was told of (trace_id, Unix nanoseconds of the start, plan) in the past."""
    return [
        OutcomeEvent(
            trace_id=trace_id,
            outcome=word,
            at=datetime.fromtimestamp(started_ns / 1e9 + plan.duration_ms / 1e3, UTC) + AFTER,
        )
        for trace_id, started_ns, plan in requests
        for word in words(plan.request, plan.outcome, rng)
    ]


def words(request: Request, outcome: str, rng: Random) -> list[str]:
    """Return what is told of a request: how its conversation ended, and a thumb now and then."""
    ended = verdict(outcome, rng) if request.is_last else None
    found = [ended] if ended else []
    if outcome == "success" and rng.random() < THUMBED:
        found.append(THUMBS[0] if rng.random() < LIKED else THUMBS[1])
    return found


async def tell(url: str, trace_id: str, outcome: str) -> None:
    """Tell Wakeful at `url` what became of a request; what it does not take is only logged."""
    said = {"trace_id": trace_id, "outcome": outcome}
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=_PATIENCE_SECONDS) as client:
            answer = await client.post(f"{url}/api/outcomes", json=said)
            answer.raise_for_status()
    except httpx2.HTTPError as error:
        logger.warning("outcome not told error=%s", type(error).__name__)
