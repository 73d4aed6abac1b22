"""Slack's button presses: POST /slack/interactions.

Slack waits three seconds for an answer and never asks again. What takes longer goes on, and its
outcome is told to the person through the press's own response URL.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import asyncio
import logging
from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.notifiers import NotifyError
from alerts.notifiers.slack_replies import (
    MalformedReplyError,
    Press,
    press,
    signature_flaw,
    whisper,
)
from app.http.replies import ReplyError, read, reject, start
from models.clock import Clock

PATH = "/slack/interactions"
DEADLINE_SECONDS = 2.0  # of Slack's three: the rest is the way there and back

logger = logging.getLogger(__name__)

Acknowledge = Callable[[str, str], str]


def slack_routes(
    signing_secret: str,
    acknowledge: Acknowledge,
    clock: Clock,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> list[Route]:
    """Return the door for Slack; none without a secret, since nobody could be believed.

    Args:
        signing_secret: Of the Slack app.
        acknowledge: Takes an alert's dedup key and a name, returns one line that says what was
            done; raises ReplyError. Runs in a thread.
        clock: Signatures are good for five minutes.
        deadline_seconds: After which Slack is answered before `acknowledge` is done.
    """
    if not signing_secret:
        return []

    async def interactions(request: Request) -> Response:
        body = await read(request)
        if body is None:
            return reject("slack", "too large", 413, "The body is too large for an interaction.")
        flaw = signature_flaw(signing_secret, request.headers, body, now=clock())
        if flaw is not None:
            return reject("slack", flaw, 401, f"The Slack signature is {flaw}.")
        try:
            pressed = press(body)
        except MalformedReplyError as error:
            return reject("slack", "payload", 400, f"Not a Slack interaction: {error}.")
        if pressed is None:
            return Response(status_code=200)
        return await _follow(pressed, acknowledge, deadline_seconds)

    return [Route(PATH, interactions, methods=["POST"])]


async def _follow(pressed: Press, acknowledge: Acknowledge, deadline_seconds: float) -> Response:
    task = start(lambda: acknowledge(pressed.dedup_key, pressed.by))
    await asyncio.wait({task}, timeout=deadline_seconds)
    return PlainTextResponse("", background=BackgroundTask(_report, task, pressed))


async def _report(task: asyncio.Task[str], pressed: Press) -> None:
    """Tell the person why nothing happened; what did happen shows in the post itself."""
    try:
        answer = await task
    except ReplyError as error:
        logger.info("reply door=slack by=%s refused=%s", pressed.by, error)
        await _tell(pressed, str(error))
    except Exception:  # the top of this door
        logger.exception("reply door=slack by=%s failed", pressed.by)
        await _tell(pressed, "Wakeful could not record that you have this alert. Try again.")
    else:
        logger.info("reply door=slack by=%s answer=%s", pressed.by, answer)


async def _tell(pressed: Press, sentence: str) -> None:
    if not pressed.response_url:
        return
    try:
        await asyncio.to_thread(whisper, pressed.response_url, sentence)
    except NotifyError as error:
        logger.warning("reply door=slack by=%s untold=%s", pressed.by, error)
