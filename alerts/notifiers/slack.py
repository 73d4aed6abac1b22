"""Slack: one post per alert and conversation, kept up to date in place.

A post is updated for as long as the alert lives, so a channel shows what is, not what was. When
the policy starts another round, an update alone would notify nobody: the same post is updated and
a short reply goes into its thread, shown in the channel too, since Slack tells only the followers
of a thread about a plain reply.

Source: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update,
…/users.lookupByEmail
"""

import logging
import socket
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from alerts.notifiers import Message, NotifyError, Receipt, slack_blocks
from alerts.notifiers.answers import plain
from alerts.notifiers.slack_errors import UPDATE_IMPOSSIBLE, SlackRefusalError, refusal
from models.vocabulary import Event

SLACK_URL = "https://slack.com/api/"
# To connect, and again to answer. The longest send makes three calls, and must end within the
# outbox's lease.
TIMEOUT_SECONDS = 8.0

# The SDK logs whole bodies, which name customers; what matters of them is in our errors.
_silent = logging.getLogger(f"{__name__}.sdk")
_silent.setLevel(logging.CRITICAL + 1)


class Slack:
    """Channels of one workspace; a target is a channel's name or id."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._workspace = _Workspace(token, url, timeout_seconds)

    def send(self, target: str, message: Message) -> Receipt:
        """Post the alert to the channel `target`, or update its post; see `Notifier.send`."""
        return self._workspace.tell(target, lambda: target, message)

    def check(self) -> str:
        """Return whom Slack takes us for; see `Notifier.check`."""
        return self._workspace.identity()


class SlackDirect:
    """Direct messages in one workspace; a target is a person's e-mail address."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._workspace = _Workspace(token, url, timeout_seconds)

    def send(self, target: str, message: Message) -> Receipt:
        """Send the alert to the person, or update what was sent; see `Notifier.send`."""
        return self._workspace.tell(
            target, lambda: self._workspace.conversation_with(target), message
        )

    def check(self) -> str:
        """Return whom Slack takes us for; see `Notifier.check`."""
        return self._workspace.identity()


class _Workspace:
    """Slack's Web API with one bot's token; every failure is a NotifyError."""

    def __init__(self, token: str, url: str, timeout_seconds: float) -> None:
        self._token = token
        self._client = WebClient(
            token=token,
            base_url=url,
            timeout=cast(int, timeout_seconds),  # urllib takes any number
            logger=_silent,
            retry_handlers=[],  # the outbox waits and tries again
        )

    def identity(self) -> str:
        """Return "workspace as bot"."""
        reply = self._call("auth.test", lambda client: client.auth_test())
        return f"{plain(reply.get('team'))} as {plain(reply.get('user'))}"

    def conversation_with(self, email: str) -> str:
        """Return the id of the direct message conversation with the owner of `email`."""
        found = self._call(
            f"users.lookupByEmail of {email}",
            lambda client: client.users_lookupByEmail(email=email),
        )
        user = _text(found, "user", "id")
        opened = self._call(
            f"conversations.open with {email}",
            lambda client: client.conversations_open(users=user),
        )
        return _text(opened, "channel", "id")

    def tell(self, who: str, find_channel: Callable[[], str], message: Message) -> Receipt:
        """Update the post of `message.external_id`, or write a new one where there is none.

        Args:
            who: The target as the operator wrote it, for errors.
            find_channel: Returns the id or name of the conversation to post to.
            message: What to say.
        """
        channel, _, ts = (message.external_id or "").partition("/")
        if ts:
            try:
                return self._update(who, channel, ts, message)
            except SlackRefusalError as error:
                if error.code not in UPDATE_IMPOSSIBLE:
                    raise
        posted = self._call(
            f"chat.postMessage to {who}",
            lambda client: client.chat_postMessage(
                channel=find_channel(), unfurl_links=False, **_content(message)
            ),
        )
        external_id = f"{_text(posted, 'channel')}/{_text(posted, 'ts')}"
        return Receipt(answer="posted", external_id=external_id)

    def _update(self, who: str, channel: str, ts: str, message: Message) -> Receipt:
        self._call(
            f"chat.update in {who}",
            lambda client: client.chat_update(channel=channel, ts=ts, **_content(message)),
        )
        if message.event is not Event.TRIGGER or not message.loud:
            return Receipt(answer="updated")
        # Last, so that a failed attempt repeats the silent half and not the reminder.
        self._call(
            f"chat.postMessage to the thread in {who}",
            lambda client: client.chat_postMessage(
                channel=channel,
                thread_ts=ts,
                reply_broadcast=True,
                text=slack_blocks.reminder(message),
                metadata=slack_blocks.metadata(message),
            ),
        )
        return Receipt(answer="updated, and reminded in the thread")

    def _call(self, what: str, request: Callable[[WebClient], SlackResponse]) -> dict[str, Any]:
        """Return Slack's answer to one request; `what` names it in errors."""
        try:
            answer = request(self._client).data
        except SlackApiError as error:
            response = error.response
            raise refusal(
                what, response.status_code, response.headers, response.data, self._token
            ) from error
        # Beside its own errors, the SDK lets through whatever a broken answer provokes in it.
        except (
            SlackClientError,
            OSError,
            HTTPException,
            ValueError,
            LookupError,
            AttributeError,
        ) as error:
            reason = getattr(error, "reason", error)
            said = plain(reason, self._token) or type(error).__name__
            never_left = isinstance(reason, ConnectionRefusedError | socket.gaierror)
            raise NotifyError(
                f"Slack did not answer {what}: {said}", uncertain=not never_left
            ) from error
        return answer if isinstance(answer, dict) else {}


def _content(message: Message) -> dict[str, Any]:
    return {
        "text": slack_blocks.fallback(message),
        "blocks": slack_blocks.blocks(message),
        "metadata": slack_blocks.metadata(message),
    }


def _text(answer: Any, *path: str) -> str:
    """Return the text at `path` of an answer.

    Raises:
        NotifyError: It is not there.
    """
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(answer, str) or not answer:
        raise NotifyError(f"Slack's answer lacks {'.'.join(path)}", uncertain=True)
    return answer
