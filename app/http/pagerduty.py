"""PagerDuty's webhooks, version 3: POST /pagerduty/webhooks.

PagerDuty waits five seconds, repeats what was answered 5xx or not at all for two days, and drops
what was answered 4xx. So an event is remembered in the transaction that follows it: one that failed
half way comes again.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.notifiers.pagerduty_replies import (
    MalformedWebhookError,
    Reply,
    reply,
    signature_flaw,
)
from app.http.replies import read, reject, start

PATH = "/pagerduty/webhooks"
DEADLINE_SECONDS = 4.0  # of PagerDuty's five

logger = logging.getLogger(__name__)

Follow = Callable[[Reply], str]


def pagerduty_routes(
    secrets: Sequence[str], follow: Follow, *, deadline_seconds: float = DEADLINE_SECONDS
) -> list[Route]:
    """Return the door for PagerDuty; none without a secret, since nobody could be believed.

    Args:
        secrets: Of the webhook subscriptions; several while one is being changed.
        follow: Does what the webhook tells, once however often it comes, and returns one line
            that says what was done. Runs in a thread.
        deadline_seconds: After which PagerDuty is asked to send the event again.
    """
    known = [secret.strip() for secret in secrets if secret.strip()]
    if not known:
        return []

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
        logger.exception("reply door=pagerduty event=%s by=%s failed", asked.happening, asked.by)
        return PlainTextResponse("failed: please send it again\n", status_code=503)
    logger.info("reply door=pagerduty event=%s by=%s answer=%s", asked.happening, asked.by, answer)
    return PlainTextResponse(f"{answer}\n", status_code=202)
