"""What the vendors' reply doors share."""

import asyncio
import logging
from collections.abc import Callable

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import PlainTextResponse

REJECTED = Counter(
    "wakeful_replies_rejected_total",
    "Replies from vendors that were not accepted.",
    ["door", "reason"],
)
BODY_LIMIT_BYTES = 512 * 1024  # PagerDuty sends at most 256 KB, Slack less

logger = logging.getLogger(__name__)


class ReplyError(Exception):
    """A reply cannot be followed; the message tells the person who sent it why.

    The alert is unknown, already resolved, or someone else has it.
    """


async def read(request: Request) -> bytes | None:
    """Return the raw body; None as soon as it is larger than `BODY_LIMIT_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            return None
    return bytes(body)


def reject(door: str, reason: str, status: int, sentence: str) -> PlainTextResponse:
    """Return the refusal of a reply, counted and logged; it tells a forger nothing else."""
    REJECTED.labels(door=door, reason=reason).inc()
    logger.warning("reply rejected door=%s reason=%s", door, reason)
    return PlainTextResponse(f"{sentence}\n", status_code=status)


def start(act: Callable[[], str]) -> asyncio.Task[str]:
    """Return `act` running in a thread, so that a slow database holds up no other request."""
    return asyncio.create_task(asyncio.to_thread(act))
