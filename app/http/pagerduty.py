"""PagerDuty's webhooks, version 3: POST /pagerduty/webhooks.

PagerDuty waits five seconds, repeats what was answered 5xx or not at all for two days, and drops
what was answered 4xx. So an event is remembered only after it was followed: one that failed half
way comes again, and following it twice changes nothing.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.notifiers.pagerduty_replies import (
    MalformedWebhookError,
    Reply,
    reply,
    signature_flaw,
)
from app.http.replies import ReplyError, read, reject, start
from models.vocabulary import Event

PATH = "/pagerduty/webhooks"
DEADLINE_SECONDS = 4.0  # of PagerDuty's five

logger = logging.getLogger(__name__)

Act = Callable[[str, str], str]


class Memory(Protocol):
    """Which webhooks were followed already, by the id that repetitions share."""

    def has(self, event_id: str) -> bool:
        """Say whether `event_id` was followed."""
        ...

    def add(self, event_id: str) -> None:
        """Remember that `event_id` was followed; adding it twice is no error."""
        ...


def pagerduty_routes(
    secrets: Sequence[str],
    acknowledge: Act,
    resolve: Act,
    followed: Memory,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> list[Route]:
    """Return the door for PagerDuty; none without a secret, since nobody could be believed.

    Args:
        secrets: Of the webhook subscriptions; several while one is being changed.
        acknowledge: Takes an alert's dedup key and a name, returns one line that says what was
            done; raises ReplyError, also for a step backwards. Runs in a thread.
        resolve: The same for the end of an alert.
        followed: So that a repeated webhook is not followed again.
        deadline_seconds: After which PagerDuty is asked to send the event again.
    """
    known = [secret.strip() for secret in secrets if secret.strip()]
    if not known:
        return []

    def follow(asked: Reply) -> str:
        if followed.has(asked.event_id):
            return "followed before"
        act = acknowledge if asked.event is Event.ACKNOWLEDGE else resolve
        try:
            answer = act(asked.dedup_key, asked.by)
        except ReplyError as error:
            answer = f"not followed: {error}"
        followed.add(asked.event_id)
        return answer

    async def webhooks(request: Request) -> Response:
        body = await read(request)
        if body is None:
            return reject("pagerduty", "too large", 413, "The body is too large for a webhook.")
        flaw = signature_flaw(known, request.headers.get("x-pagerduty-signature", ""), body)
        if flaw is not None:
            return reject("pagerduty", flaw, 401, f"The PagerDuty signature is {flaw}.")
        try:
            asked = reply(body)
        except MalformedWebhookError as error:
            return reject("pagerduty", "payload", 400, f"Not a PagerDuty webhook: {error}.")
        if asked is None:
            return PlainTextResponse("nothing to do\n", status_code=202)
        task = start(lambda: follow(asked))
        return await _answer(task, asked, deadline_seconds)

    return [Route(PATH, webhooks, methods=["POST"])]


async def _answer(task: asyncio.Task[str], asked: Reply, deadline_seconds: float) -> Response:
    done, _ = await asyncio.wait({task}, timeout=deadline_seconds)
    if not done:
        # It goes on; its outcome waits to be collected, or asyncio would complain of it.
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        return PlainTextResponse("busy: please send it again\n", status_code=503)
    try:
        answer = task.result()
    except Exception:  # the top of this door
        logger.exception("reply door=pagerduty event=%s by=%s failed", asked.event, asked.by)
        return PlainTextResponse("failed: please send it again\n", status_code=503)
    logger.info("reply door=pagerduty event=%s by=%s answer=%s", asked.event, asked.by, answer)
    return PlainTextResponse(f"{answer}\n", status_code=202)
