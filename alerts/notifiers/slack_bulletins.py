"""Slack: posts that are about no alert, such as a weekly report; never updated, without buttons."""

from typing import Any

from alerts.notifiers import Bulletin, Receipt
from alerts.notifiers.answers import linkable
from alerts.notifiers.slack import conversation_with
from alerts.notifiers.slack_blocks import SECTION_LIMIT, TITLE_LIMIT, escape
from alerts.notifiers.slack_web import SLACK_URL, TIMEOUT_SECONDS, SlackWeb

LINE_LIMIT = 500


class SlackBulletins:
    """Posts to channels, or to people where `direct`; a target is a name, id or e-mail address."""

    def __init__(
        self,
        token: str,
        *,
        direct: bool = False,
        url: str = SLACK_URL,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._web = SlackWeb(token, url=url, timeout_seconds=timeout_seconds)
        self._direct = direct

    def post(self, target: str, bulletin: Bulletin) -> Receipt:
        """Post the bulletin; see `Poster.post`."""
        channel = conversation_with(self._web, target) if self._direct else target
        self._web.call(
            f"chat.postMessage to {target}",
            lambda client: client.chat_postMessage(
                channel=channel,
                unfurl_links=False,
                unfurl_media=False,
                text=escape(bulletin.title, SECTION_LIMIT),
                blocks=blocks(bulletin),
            ),
        )
        return Receipt(answer="posted")


def blocks(bulletin: Bulletin) -> list[dict[str, Any]]:
    """Return the post: a title and a line each, in as few sections as Slack allows."""
    texts = [f"*{escape(bulletin.title, TITLE_LIMIT)}*"]
    for line in bulletin.lines:
        shown = f"• {escape(line, LINE_LIMIT)}"
        if len(texts) > 1 and len(texts[-1]) + len(shown) < SECTION_LIMIT:
            texts[-1] += f"\n{shown}"
        else:
            texts.append(shown)
    if linkable(bulletin.url):
        texts.append(f"<{escape(bulletin.url, SECTION_LIMIT)}|Open in Wakeful>")
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]
