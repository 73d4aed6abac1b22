"""A Slack workspace: its channels, people and messages, and how fast it may be written to."""

import itertools
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TEAM = {"id": "T0WAKEFUL", "domain": "wakeful-demo", "name": "Wakeful demo"}
BOT = {"id": "U0BOT", "bot_id": "B0BOT", "app_id": "A0WAKEFUL", "name": "wakeful"}
# Calls a minute and method (tier 3). Source: https://docs.slack.dev/apis/web-api/rate-limits
CALLS_PER_MINUTE = 50
MINUTE = 60.0


class SlackError(Exception):
    """Slack's word for what is wrong; `more` goes beside it into the answer."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class TooFastError(Exception):
    """Rate limited; `wait` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Someone in the workspace."""

    id: str
    name: str
    email: str
    tz: str = "Europe/London"
    is_bot: bool = False

    def shown(self) -> dict[str, Any]:
        """Return the user as Slack's API shows one."""
        handle = self.name.lower().replace(" ", ".")
        profile = {"real_name": self.name, "display_name": handle, "email": self.email}
        return {
            "id": self.id,
            "team_id": TEAM["id"],
            "name": handle,
            "real_name": self.name,
            "deleted": False,
            "tz": self.tz,
            "is_bot": self.is_bot,
            "profile": profile,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel, or a direct message conversation if `user` is set."""

    id: str
    name: str
    user: str = ""
    archived: bool = False
    member: bool = True

    def shown(self) -> dict[str, Any]:
        """Return the channel as Slack's API shows one."""
        kind = {"is_channel": not self.user, "is_im": bool(self.user), "is_private": False}
        named = {"user": self.user} if self.user else {"name": self.name}
        return {
            "id": self.id,
            **named,
            **kind,
            "is_archived": self.archived,
            "is_member": self.member,
        }


@dataclass(slots=True, kw_only=True)
class Posted:
    """A message as it stands, and how often it was changed."""

    channel: Channel
    ts: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    thread_ts: str = ""
    broadcast: bool = False
    only_for: str = ""
    edits: int = 0
    problem: str = ""

    def shown(self) -> dict[str, Any]:
        """Return the message as Slack's API shows one."""
        message: dict[str, Any] = {
            "type": "message",
            "user": BOT["id"],
            "bot_id": BOT["bot_id"],
            "app_id": BOT["app_id"],
            "team": TEAM["id"],
            "ts": self.ts,
            "text": self.text,
        }
        for name in ("blocks", "attachments", "metadata", "thread_ts"):
            if value := getattr(self, name):
                message[name] = value
        if self.edits:
            message["edited"] = {"user": BOT["bot_id"], "ts": self.ts}
        return message


class Limits:
    """Slack's patience: so many calls a minute and method, one post a second and channel."""

    def __init__(self, clock: Callable[[], float], *, seconds_per_post: float) -> None:
        self._clock = clock
        self._seconds_per_post = seconds_per_post
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._posted: dict[str, float] = {}

    def call(self, method: str) -> None:
        """Count a call; raise TooFastError if it is one too many."""
        if not self._seconds_per_post:
            return
        now, calls = self._clock(), self._calls[method]
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= CALLS_PER_MINUTE:
            raise TooFastError(calls[0] + MINUTE - now)
        calls.append(now)

    def post(self, channel_id: str) -> None:
        """Count a post; raise TooFastError if it comes too soon after the last."""
        now = self._clock()
        wait = self._posted.get(channel_id, float("-inf")) + self._seconds_per_post - now
        if wait > 0:
            raise TooFastError(wait)
        self._posted[channel_id] = now


class Workspace:
    """Everything that is in Slack."""

    def __init__(self, channels: list[Channel], users: list[User]) -> None:
        self.channels = {channel.id: channel for channel in channels}
        self.users = {user.id: user for user in users}
        self.messages: list[Posted] = []
        self._numbers = itertools.count(1)

    def find_channel(self, named: object, *, by_name: bool = True) -> Channel:
        """Return the channel with that id or (`by_name`) name, or the conversation with a user.

        Raises:
            SlackError: channel_not_found.
        """
        text = str(named or "")
        if text in self.channels:
            return self.channels[text]
        if by_name and text in self.users:
            return self.open_direct(text)
        for channel in self.channels.values():
            if by_name and channel.name and channel.name == text.removeprefix("#"):
                return channel
        raise SlackError("channel_not_found")

    def open_direct(self, user_id: str) -> Channel:
        """Return the direct message conversation with a user; raises SlackError."""
        if user_id not in self.users:
            raise SlackError("user_not_found")
        direct = Channel(id=f"D{user_id[1:]}", name="", user=user_id)
        return self.channels.setdefault(direct.id, direct)

    def find_message(self, channel: Channel, ts: object) -> Posted:
        """Return the message of that channel and time; raises SlackError message_not_found."""
        for message in self.messages:
            if message.channel.id == channel.id and message.ts == str(ts):
                return message
        raise SlackError("message_not_found")

    def has_message(self, channel: Channel, ts: str) -> bool:
        """Say whether there is a message of that channel and time."""
        return any(m.channel.id == channel.id and m.ts == ts for m in self.messages)

    def next_ts(self, now: float) -> str:
        """Return a time stamp that no other message has."""
        return f"{int(now)}.{next(self._numbers):06d}"
