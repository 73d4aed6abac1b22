"""An alert as Slack's Block Kit. Pure.

Source: https://docs.slack.dev/reference/block-kit/blocks (limits),
https://docs.slack.dev/messaging/formatting-message-text (escaping, dates)
"""

from datetime import datetime
from typing import Any

from alerts.notifiers import Message
from alerts.notifiers.answers import cut, linkable
from models.vocabulary import Event, Severity

ACKNOWLEDGE = "acknowledge"  # action_id of the button that a reply door listens for
EVENT_TYPE = "wakeful_alert"  # metadata by which an at-least-once duplicate can be recognised

SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
BUTTON_VALUE_LIMIT = 2000
URL_LIMIT = 3000
TITLE_LIMIT = 150
LABELS_LIMIT = 20  # more would bury the line that says what is wrong

_EMOJI = {
    Severity.CRITICAL: ":rotating_light:",
    Severity.ERROR: ":red_circle:",
    Severity.WARNING: ":warning:",
    Severity.INFO: ":information_source:",
}
_STATE = {Event.TRIGGER: "firing", Event.ACKNOWLEDGE: "acknowledged", Event.RESOLVE: "resolved"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

Block = dict[str, Any]


def escape(text: str, limit: int) -> str:
    """Return `text` so that Slack shows it as it is, in at most `limit` characters.

    Escaped, nobody can smuggle a link or an @channel into a label; cut, no entity is split.
    """
    pieces = [_ENTITIES.get(character, character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    kept, used = [], 1
    for piece in pieces:
        used += len(piece)
        if used > limit:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def fallback(message: Message) -> str:
    """Return the one line that notifications and screen readers give."""
    line = f"{_STATE[message.event].capitalize()}: {message.title}. {message.summary}"
    return escape(line, SECTION_LIMIT)


def reminder(message: Message) -> str:
    """Return what the thread is told when the policy starts another round."""
    return f"Still firing, and nobody has it: {escape(message.summary or message.title, 500)}"


def metadata(message: Message) -> dict[str, Any]:
    """Return what a program reads from the post: our key for the alert, and what it says."""
    payload = {"dedup_key": message.dedup_key, "event": message.event.value}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def blocks(message: Message) -> list[Block]:
    """Return the post: title, summary, facts, and buttons for what can still be done."""
    summary = escape(message.summary or message.title or "No summary", SECTION_LIMIT)
    found = [_section(_title(message)), _section(summary)]
    if message.details:
        found.append(_section(escape(message.details, SECTION_LIMIT)))
    if message.lines:
        found.append(_section(_lines(message)))
    found.append({"type": "section", "fields": [_text(fact) for fact in _facts(message)]})
    if buttons := _buttons(message):
        found.append({"type": "actions", "elements": buttons})
    return found


def _title(message: Message) -> str:
    emoji = ":white_check_mark:" if message.event is Event.RESOLVE else _EMOJI[message.severity]
    return f"{emoji} *{escape(message.title or 'Alert', TITLE_LIMIT)}*"


def _lines(message: Message) -> str:
    """Return the alerts of a group, a line each."""
    lines = [f"• {line.state}: {escape(line.text, 240)}" for line in message.lines]
    if message.more:
        lines.append(f"and {message.more} more")
    return cut("\n".join(lines), SECTION_LIMIT)


def _facts(message: Message) -> list[str]:
    state = f"{message.muted or _STATE[message.event]}, {message.severity.value}"
    facts = {"State": state, "Since": _date(message.fired_at), "Who has it": _holder(message)}
    if message.labels:
        facts["Labels"] = _labels(message)
    return [f"*{name}*\n{value}" for name, value in facts.items()]


def _holder(message: Message) -> str:
    if message.event is Event.RESOLVE and message.resolved_by:
        return f"resolved by {escape(message.resolved_by, 200)}"
    holder = escape(message.acknowledged_by or "nobody yet", 200)
    if message.event is Event.ACKNOWLEDGE and message.acknowledged_until:
        return f"{holder}, until {_date(message.acknowledged_until)}"
    return holder


def _labels(message: Message) -> str:
    shown = sorted(message.labels.items())
    lines = [f"{name} = {value}" for name, value in shown[:LABELS_LIMIT]]
    if len(shown) > LABELS_LIMIT:
        lines.append(f"and {len(shown) - LABELS_LIMIT} more")
    return escape("\n".join(lines), FIELD_LIMIT - 100)


def _date(at: datetime) -> str:
    """Return an instant that Slack shows in each reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _buttons(message: Message) -> list[Block]:
    found = []
    if message.event is Event.TRIGGER and len(message.dedup_key) <= BUTTON_VALUE_LIMIT:
        press = {"action_id": ACKNOWLEDGE, "value": message.dedup_key, "style": "primary"}
        found.append(_button("Acknowledge", **press))
    for name, url in (("Open", message.url), ("Runbook", message.runbook_url)):
        if linkable(url) and len(url) <= URL_LIMIT:
            found.append(_button(name, action_id=name.lower(), url=url))
    return found


def _button(name: str, **rest: str) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": cut(name, 75)}, **rest}


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}
