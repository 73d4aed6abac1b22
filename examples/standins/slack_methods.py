"""The methods of Slack's Web API that the stand-in knows. Each takes arguments, returns an answer.

Source: https://docs.slack.dev/reference/methods
"""

import json
import time
from collections.abc import Callable
from typing import Any

from examples.standins.slack_blocks import faults
from examples.standins.slack_workspace import (
    BOT,
    TEAM,
    Limits,
    Posted,
    SlackError,
    Workspace,
)

Arguments = dict[str, Any]
TEXT = 40_000
PAGE = 100


class Methods:
    """The methods, on one workspace."""

    def __init__(self, workspace: Workspace, limits: Limits) -> None:
        self._workspace = workspace
        self._limits = limits
        self._known: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "conversations.open": self._open,
            "conversations.list": self._list,
            "conversations.info": self._info,
            "users.lookupByEmail": self._lookup,
            "users.info": self._user,
        }

    def find(self, method: str) -> Callable[[Arguments], dict[str, Any]]:
        """Return what carries out `method`; raises SlackError unknown_method."""
        if method not in self._known:
            raise SlackError("unknown_method", req_method=method)
        return self._known[method]

    def _auth_test(self, _: Arguments) -> dict[str, Any]:
        return {
            "url": f"https://{TEAM['domain']}.slack.com/",
            "team": TEAM["name"],
            "team_id": TEAM["id"],
            "user": BOT["name"],
            "user_id": BOT["id"],
            "bot_id": BOT["bot_id"],
            "is_enterprise_install": False,
        }

    def _post(self, given: Arguments) -> dict[str, Any]:
        channel = self._workspace.find_channel(given.get("channel"))
        if channel.archived:
            raise SlackError("is_archived")
        if not channel.member and not channel.user:
            raise SlackError("not_in_channel")
        content = _content(given)
        thread = str(given.get("thread_ts") or "")
        if not self._workspace.has_message(channel, thread):
            thread = ""  # Slack has no error for that: see slack-go/slack issue 1571
        self._limits.post(channel.id)
        posted = Posted(
            channel=channel,
            ts=self._workspace.next_ts(time.time()),
            thread_ts=thread,
            broadcast=given.get("reply_broadcast") in (True, 1, "1", "true", "True"),
            **content,
        )
        self._workspace.messages.append(posted)
        return {"channel": channel.id, "ts": posted.ts, "message": posted.shown()}

    def _update(self, given: Arguments) -> dict[str, Any]:
        channel = self._workspace.find_channel(given.get("channel"), by_name=False)
        if channel.archived:
            raise SlackError("is_archived")
        posted = self._workspace.find_message(channel, given.get("ts"))
        if posted.only_for:
            raise SlackError("cant_update_message")
        for name, value in _content(given).items():
            setattr(posted, name, value)
        posted.edits += 1
        answer = {"channel": channel.id, "ts": posted.ts, "text": posted.text}
        return answer | {"message": posted.shown()}

    def _delete(self, given: Arguments) -> dict[str, Any]:
        channel = self._workspace.find_channel(given.get("channel"), by_name=False)
        posted = self._workspace.find_message(channel, given.get("ts"))
        if posted.only_for:
            raise SlackError("message_not_found")
        self._workspace.messages.remove(posted)
        return {"channel": channel.id, "ts": posted.ts}

    def _open(self, given: Arguments) -> dict[str, Any]:
        if channel_id := given.get("channel"):
            return {"channel": self._workspace.find_channel(channel_id, by_name=False).shown()}
        users = given.get("users")
        ids = users.split(",") if isinstance(users, str) else users
        if not isinstance(ids, list) or not ids or not ids[0]:
            raise SlackError("users_list_not_supplied")
        if len(ids) > 1:
            raise SlackError("method_not_supported_for_channel_type")
        opened = self._workspace.open_direct(str(ids[0]).strip()).shown()
        full = given.get("return_im") in (True, 1, "1", "true", "True")
        return {"channel": opened if full else {"id": opened["id"]}}

    def _list(self, given: Arguments) -> dict[str, Any]:
        kinds = str(given.get("types") or "public_channel").split(",")
        unarchived = given.get("exclude_archived") in (True, 1, "1", "true", "True")
        found = [
            channel.shown()
            for channel in self._workspace.channels.values()
            if ("im" if channel.user else "public_channel") in [kind.strip() for kind in kinds]
            and not (unarchived and channel.archived)
        ]
        start, limit = _number(given.get("cursor"), 0), _number(given.get("limit"), PAGE)
        if not 1 <= limit <= 1000:
            raise SlackError("invalid_limit")
        more = str(start + limit) if start + limit < len(found) else ""
        return {
            "channels": found[start : start + limit],
            "response_metadata": {"next_cursor": more},
        }

    def _info(self, given: Arguments) -> dict[str, Any]:
        return {
            "channel": self._workspace.find_channel(given.get("channel"), by_name=False).shown()
        }

    def _lookup(self, given: Arguments) -> dict[str, Any]:
        email = str(given.get("email") or "").casefold()
        for user in self._workspace.users.values():
            if email and user.email.casefold() == email:
                return {"user": user.shown()}
        raise SlackError("users_not_found")

    def _user(self, given: Arguments) -> dict[str, Any]:
        user = self._workspace.users.get(str(given.get("user")))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": user.shown()}


def _content(given: Arguments) -> dict[str, Any]:
    """Return text, blocks, attachments and metadata of a message; raises SlackError."""
    text = str(given.get("text") or "")
    blocks = _json(given.get("blocks"), "invalid_blocks_format", [])
    attachments = _json(given.get("attachments"), "invalid_attachments_format", [])
    metadata = _json(given.get("metadata"), "invalid_metadata_format", {})
    _check_blocks(blocks)
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise SlackError("invalid_attachments")
    for attachment in attachments:
        _check_blocks(attachment.get("blocks", []))
    if metadata and not (
        isinstance(metadata, dict) and {"event_type", "event_payload"} <= metadata.keys()
    ):
        raise SlackError("invalid_metadata_schema")
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    if len(text) > TEXT:
        raise SlackError("msg_too_long")
    return {"text": text, "blocks": blocks, "attachments": attachments, "metadata": metadata}


def _check_blocks(blocks: Any) -> None:
    if found := faults(blocks):
        messages = [f"[ERROR] {fault}" for fault in found]
        raise SlackError("invalid_blocks", errors=found, response_metadata={"messages": messages})


def _json(value: Any, code: str, default: Any) -> Any:
    if value is None or value == "":
        return default
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise SlackError(code) from error


def _number(value: Any, default: int) -> int:
    try:
        return int(value) if value not in (None, "") else default
    except (TypeError, ValueError) as error:
        raise SlackError("invalid_cursor") from error
