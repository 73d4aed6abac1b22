"""Slack: the timeline of a group, in the thread of its post.

One reply tells all that happened since the last. Slack folds no repetitions: an engine that is
killed between a reply and its record writes the same reply once more, at most one for each kill.

Slack has no error for a reply to a post that was deleted: it silently writes it into the channel
instead, and its answer then lacks the thread. Such a reply is taken back at once.

Source: https://docs.slack.dev/reference/methods/chat.postMessage;
https://github.com/slack-go/slack/issues/1571 (a reply to a deleted post)
"""

from alerts.notifiers import Message, News, NotifyError, PostGoneError, Receipt, slack_blocks
from alerts.notifiers.slack_web import (
    SLACK_URL,
    TIMEOUT_SECONDS,
    SlackWeb,
    optional_text,
    text,
)


class SlackThread:
    """Threads of the posts in one workspace; a target is the channel's name or id."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._web = SlackWeb(token, url=url, timeout_seconds=timeout_seconds)

    def send(self, target: str, message: Message) -> Receipt:
        """Reply with the news to the post that they belong to; see `Notifier.send`.

        Raises:
            PostGoneError: The post was deleted.
        """
        news = message.news
        if news is None:
            raise NotifyError(f"there is no post in {target} to reply to", permanent=True)
        channel, _, ts = news.parent.partition("/")
        posted = self._web.call(
            f"chat.postMessage to the thread in {target}",
            lambda client: client.chat_postMessage(
                channel=channel,
                thread_ts=ts,
                unfurl_links=False,
                unfurl_media=False,
                text=slack_blocks.timeline(news),
                metadata=slack_blocks.metadata(message),
            ),
        )
        if optional_text(posted, "message", "thread_ts") != ts:
            self._take_back(target, text(posted, "channel"), text(posted, "ts"))
        return Receipt(answer=_count(news))

    def check(self) -> str:
        """Return whom Slack takes us for; see `Notifier.check`."""
        return self._web.identity()

    def _take_back(self, target: str, channel: str, ts: str) -> None:
        """Delete a reply that Slack wrote into the channel, and say so.

        Raises:
            PostGoneError: Always.
        """
        said = f"the post in {target} was deleted: its thread is told nothing more"
        try:
            self._web.call(
                f"chat.delete in {target}",
                lambda client: client.chat_delete(channel=channel, ts=ts),
            )
        except NotifyError as error:
            raise PostGoneError(f"{said}; one reply stands in the channel: {error}") from error
        raise PostGoneError(said)


def _count(news: News) -> str:
    count = len(news.happenings)
    return f"told {count} {'entry' if count == 1 else 'entries'} of the timeline"
