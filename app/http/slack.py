"""Slack's button presses by HTTP: POST /slack/interactions, where Slack can reach us.

Slack waits three seconds for an answer and never asks again. What takes longer goes on, and its
outcome is told to the person through the press's own response URL.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.notifiers.slack_replies import (
    MalformedReplyError,
    Press,
    interaction,
    press,
    signature_flaw,
)
from app.http.replies import read, reject
from models.clock import Clock

PATH = "/slack/interactions"
DEADLINE_SECONDS = 2.0  # of Slack's three: the rest is the way there and back


def slack_routes(
    signing_secret: str,
    follow: Callable[[Press], None],
    clock: Clock,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> list[Route]:
    """Return the door for Slack; none without a secret, since nobody could be believed.

    Args:
        signing_secret: Of the Slack app.
        follow: Does what was pressed; never raises. Runs in a thread.
        clock: Signatures are good for five minutes.
        deadline_seconds: After which Slack is answered before `follow` is done.
    """
    if not signing_secret:
        return []
    going_on: set[asyncio.Task[None]] = set()

    async def interactions(request: Request) -> Response:
        body = await read(request)
        if body is None:
            return reject("slack", "too large", 413, "The body is too large for an interaction.")
        flaw = signature_flaw(signing_secret, request.headers, body, now=clock())
        if flaw is not None:
            return reject("slack", flaw, 401, f"The Slack signature is {flaw}.")
        try:
            pressed = press(interaction(body))
        except MalformedReplyError as error:
            return reject("slack", "payload", 400, f"Not a Slack interaction: {error}.")
        if pressed is not None:
            task = asyncio.create_task(asyncio.to_thread(follow, pressed))
            going_on.add(task)  # or a slow one might be collected before it is done
            task.add_done_callback(going_on.discard)
            await asyncio.wait({task}, timeout=deadline_seconds)
        return PlainTextResponse("")

    return [Route(PATH, interactions, methods=["POST"])]
