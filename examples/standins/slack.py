"""A stand-in for Slack: its Web API under /api/, its buttons, and a page to see it all.

python -m examples.standins.slack --port 8601

Presses go out by Socket Mode, or by HTTP with --interactivity http://127.0.0.1:8501/slack/…
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from examples.pages import same_origin
from examples.standins import slack_page
from examples.standins.faults import Faults, Faulty
from examples.standins.slack_methods import Arguments, Methods
from examples.standins.slack_press import ResponseUrl, deliver, interaction
from examples.standins.slack_socket import Sockets
from examples.standins.slack_workspace import (
    BOT,
    Channel,
    Limits,
    Posted,
    SlackError,
    TooFastError,
    User,
    Workspace,
)

ADA = User(id="U0ADA", name="Ada Lovelace", email="ada@example.org")
GRACE = User(id="U0GRACE", name="Grace Hopper", email="grace@example.org")
CHANNELS = (
    Channel(id="C0ALERTS", name="llm-alerts"),
    Channel(id="C0GENERAL", name="general"),
    Channel(id="C0OLD", name="old-alerts", archived=True),
    Channel(id="C0FINANCE", name="finance", member=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """How strict and how connected this Slack is.

    Attributes:
        app_token: For Socket Mode.
        interactivity_url: Where presses go by HTTP; empty where Socket Mode is on.
        seconds_per_post: Between two posts to one channel; 0 switches every limit off.
    """

    token: str = "xoxb-stand-in"  # noqa: S105 - not a secret of anybody's
    app_token: str = "xapp-stand-in"  # noqa: S105 - nor this
    signing_secret: str = "slack-stand-in-signing-secret"  # noqa: S105 - nor this
    interactivity_url: str = ""
    channels: tuple[Channel, ...] = CHANNELS
    users: tuple[User, ...] = (ADA, GRACE)
    seconds_per_post: float = 1.0
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Slack:
    """The stand-in's doors; one method each."""

    config: SlackConfig
    workspace: Workspace
    methods: Methods
    limits: Limits
    sockets: Sockets
    calls: list[dict[str, Any]] = field(default_factory=list)
    presses: list[dict[str, Any]] = field(default_factory=list)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)

    async def api(self, request: Request) -> Response:
        method = request.path_params["method"]
        try:
            given = await _arguments(request)
            answer, status, headers = self._answer(method, given, request)
        except ValueError:
            given, answer, status, headers = {}, _refusal("invalid_json"), 200, {}
        shown = {key: value for key, value in given.items() if key != "token"}
        self.calls.append({"method": method, "arguments": shown, "answer": answer})
        return JSONResponse(answer, status, headers=headers)

    def _answer(
        self, method: str, given: Arguments, request: Request
    ) -> tuple[dict[str, Any], int, dict[str, str]]:
        if method == "api.test":
            failed = {"ok": False, "error": given["error"]} if given.get("error") else {"ok": True}
            return failed | {"args": given}, 200, {}
        try:
            if method == "apps.connections.open":
                self._authorise({}, request, self.config.app_token)
                return {"ok": True, "url": self.sockets.address(str(request.base_url))}, 200, {}
            self._authorise(given, request, self.config.token)
            act = self.methods.find(method)
            self.limits.call(method)
            return {"ok": True} | act(given), 200, {}
        except SlackError as error:
            return _refusal(error.code) | error.more, 200, {}
        except TooFastError as error:
            wait = {"Retry-After": str(max(1, math.ceil(error.wait)))}
            return _refusal("ratelimited"), 429, wait

    def _authorise(self, given: Arguments, request: Request, wanted: str) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" else str(given.get("token") or "")
        if not token:
            raise SlackError("not_authed")
        if token != wanted:
            known = token in (self.config.token, self.config.app_token)
            raise SlackError("not_allowed_token_type" if known else "invalid_auth")

    async def show(self, request: Request) -> Response:
        viewer = self._user(request.query_params.get("as"))
        try:
            named = request.query_params.get("channel") or self.config.channels[0].id
            channel = self.workspace.find_channel(named, by_name=False)
        except SlackError:
            return PlainTextResponse("there is no such channel", status_code=404)
        return slack_page.chat(self.workspace, channel, viewer)

    def _user(self, user_id: object) -> User:
        return self.workspace.users.get(str(user_id), self.config.users[0])

    async def press(self, request: Request) -> Response:
        if not same_origin(request):
            return PlainTextResponse("this form was sent from another site", status_code=403)
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        user = self._user(form.get("as"))
        try:
            channel = self.workspace.find_channel(form.get("channel"), by_name=False)
            message = self.workspace.find_message(channel, form.get("ts"))
            number = int(form.get("block", ""))
            action = message.blocks[number]["elements"][int(form.get("element", ""))]
            if "options" in action:
                action = action | {"selected_option": action["options"][int(form["option"])]}
        except (SlackError, ValueError, LookupError):
            return PlainTextResponse("there is no such button", status_code=404)
        block_id = str(message.blocks[number].get("block_id", f"b{number}"))
        url = f"{request.base_url}response"
        await self._press(message, user, action, block_id, url)
        place = urlencode({"channel": channel.id, "as": user.id})
        return RedirectResponse(f"/?{place}#{message.ts}", status_code=303)

    async def _press(
        self, message: Posted, user: User, action: dict[str, Any], block_id: str, url: str
    ) -> None:
        name = uuid4().hex
        self.response_urls[name] = ResponseUrl(
            message=message, user=user, made_at=self.config.clock()
        )
        payload = interaction(message, user, action, block_id, f"{url}/{name}")
        if self.config.interactivity_url:
            problem = await deliver(
                self.config.interactivity_url, self.config.signing_secret, payload
            )
        else:
            problem = await self.sockets.deliver(payload)
        message.problem = f"Slack: {problem}" if problem else ""
        self.presses.append({"payload": payload, "problem": problem})

    async def respond(self, request: Request) -> Response:
        place = self.response_urls.get(request.path_params["name"])
        if place is None:
            return JSONResponse(_refusal("used_url"), 404)
        if why := place.use(self.config.clock()):
            return JSONResponse(_refusal(why), 404)
        try:
            given = json.loads(await request.body())
            text, blocks = str(given.get("text") or ""), given.get("blocks") or []
        except (ValueError, AttributeError):
            return PlainTextResponse("invalid_payload", status_code=400)
        if not text and not blocks:
            return PlainTextResponse("no_text", status_code=400)
        if given.get("replace_original"):
            place.message.text, place.message.blocks = text, blocks
            place.message.edits += 1
            return PlainTextResponse("ok")
        open_to_all = given.get("response_type") == "in_channel"
        self.workspace.messages.append(
            Posted(
                channel=place.message.channel,
                ts=self.workspace.next_ts(time.time()),
                text=text,
                blocks=blocks,
                only_for="" if open_to_all else place.user.id,
            )
        )
        return PlainTextResponse("ok")

    async def state(self, _: Request) -> Response:
        return JSONResponse(
            {
                "messages": [
                    message.shown()
                    | {
                        "channel": message.channel.id,
                        "channel_name": message.channel.name,
                        "to_user": message.channel.user,
                        "edits": message.edits,
                        "only_for": message.only_for,
                    }
                    for message in self.workspace.messages
                ],
                "calls": self.calls,
                "presses": self.presses,
                "sockets": {
                    "open": self.sockets.count,
                    "opened": self.sockets.opened,
                    "strange": self.sockets.strange,
                },
            }
        )


def slack_app(config: SlackConfig, sockets: Sockets | None = None) -> Starlette:
    """Return a Slack of its own, empty of messages."""
    bot = User(id=BOT["id"], name=BOT["name"], email="", is_bot=True)
    workspace = Workspace(list(config.channels), [*config.users, bot])
    limits = Limits(config.clock, seconds_per_post=config.seconds_per_post)
    sockets = sockets or Sockets(enabled=not config.interactivity_url)
    slack = _Slack(config, workspace, Methods(workspace, limits), limits, sockets)
    faults = Faults()
    return Starlette(
        routes=[
            Route("/api/{method}", slack.api, methods=["GET", "POST"]),
            Route("/response/{name}", slack.respond, methods=["POST"]),
            Route("/press", slack.press, methods=["POST"]),
            Route("/_state", slack.state),
            Route("/_sockets", sockets.control, methods=["POST"]),
            WebSocketRoute("/link/", sockets),
            *faults.routes(),
            Route("/", slack.show),
        ],
        middleware=[Middleware(Faulty, faults=faults, prefixes=("/api/",))],
    )


async def _arguments(request: Request) -> Arguments:
    """Return what a call was given, by query, form or JSON; raises ValueError on broken JSON."""
    given: Arguments = dict(request.query_params)
    body = (await request.body()).decode(errors="replace")
    if request.headers.get("content-type", "").startswith("application/json"):
        decoded = json.loads(body) if body.strip() else {}
        if not isinstance(decoded, dict):
            raise ValueError("not an object")
        return given | decoded
    return given | dict(parse_qsl(body))


def _refusal(code: str) -> dict[str, Any]:
    return {"ok": False, "error": code}


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m examples.standins.slack")
    parser.add_argument("--port", type=int, default=8601)
    parser.add_argument("--interactivity", default="", help="where presses of buttons go")
    options = parser.parse_args()
    config = SlackConfig(interactivity_url=options.interactivity)
    uvicorn.run(slack_app(config), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
