"""Slack: one post per group and conversation, kept up to date in place.

A post is updated for as long as the group lives, so a channel shows what is, not what was. When
the policy starts another round, an update alone would notify nobody: the same post is updated and
a short reply goes into its thread, shown in the channel too, since Slack tells only the followers
of a thread about a plain reply. The rest of the thread is `slack_threads`.

Source: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update,
…/users.lookupByEmail
"""

from collections.abc import Callable
from typing import Any

from alerts.notifiers import Message, Receipt, slack_blocks
from alerts.notifiers.slack_errors import UPDATE_IMPOSSIBLE, SlackRefusalError
from alerts.notifiers.slack_web import SLACK_URL, TIMEOUT_SECONDS, SlackWeb, text
from models.vocabulary import Event


class Slack:
    """Channels of one workspace; a target is a channel's name or id."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._posts = _Posts(SlackWeb(token, url=url, timeout_seconds=timeout_seconds))

    def send(self, target: str, message: Message) -> Receipt:
        """Post the group to the channel `target`, or update its post; see `Notifier.send`."""
        return self._posts.tell(target, lambda: target, message)

    def check(self) -> str:
        """Return whom Slack takes us for; see `Notifier.check`."""
        return self._posts.web.identity()


class SlackDirect:
    """Direct messages in one workspace; a target is a person's e-mail address."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._posts = _Posts(SlackWeb(token, url=url, timeout_seconds=timeout_seconds))

    def send(self, target: str, message: Message) -> Receipt:
        """Send the group to the person, or update what was sent; see `Notifier.send`."""
        return self._posts.tell(target, lambda: conversation_with(self._posts.web, target), message)

    def check(self) -> str:
        """Return whom Slack takes us for; see `Notifier.check`."""
        return self._posts.web.identity()


def conversation_with(web: SlackWeb, email: str) -> str:
    """Return the id of the direct message conversation with the owner of `email`.

    Raises:
        NotifyError: There is no such person, or Slack could not be asked.
    """
    found = web.call(
        f"users.lookupByEmail of {email}",
        lambda client: client.users_lookupByEmail(email=email),
    )
    user = text(found, "user", "id")
    opened = web.call(
        f"conversations.open with {email}",
        lambda client: client.conversations_open(users=user),
    )
    return text(opened, "channel", "id")


class _Posts:
    """Writes posts, and brings them up to date."""

    def __init__(self, web: SlackWeb) -> None:
        self.web = web

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
        posted = self.web.call(
            f"chat.postMessage to {who}",
            lambda client: client.chat_postMessage(
                channel=find_channel(), unfurl_links=False, unfurl_media=False, **_content(message)
            ),
        )
        external_id = f"{text(posted, 'channel')}/{text(posted, 'ts')}"
        return Receipt(answer="posted", external_id=external_id)

    def _update(self, who: str, channel: str, ts: str, message: Message) -> Receipt:
        self.web.call(
            f"chat.update in {who}",
            lambda client: client.chat_update(channel=channel, ts=ts, **_content(message)),
        )
        if message.event is not Event.TRIGGER or not message.loud:
            return Receipt(answer="updated")
        # Last, so that a failed attempt repeats the silent half and not the reminder.
        self.web.call(
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


def _content(message: Message) -> dict[str, Any]:
    return {
        "text": slack_blocks.fallback(message),
        "blocks": slack_blocks.blocks(message),
        "metadata": slack_blocks.metadata(message),
    }
