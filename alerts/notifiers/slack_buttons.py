"""The buttons under a post: which make sense, and what a press of each means. Pure.

Source: https://docs.slack.dev/reference/block-kit/block-elements/button-element,
…/select-menu-element#static_select
"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.notifiers import Message
from alerts.notifiers.answers import cut, linkable
from models.vocabulary import Event

# Action ids: what a reply door listens for.
ACKNOWLEDGE = "acknowledge"
SNOOZE = "snooze"
ESCALATE = "escalate"
RESOLVE = "resolve"
ACTIONS = (ACKNOWLEDGE, SNOOZE, ESCALATE, RESOLVE)

TOMORROW = "tomorrow"
SPANS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("1 hour", timedelta(hours=1)),
    "4h": ("4 hours", timedelta(hours=4)),
}
MORNING = time(9)
DAWN = timedelta(hours=5)  # whoever is up before that calls the coming morning tomorrow's

VALUE_LIMIT = 2000
OPTION_LIMIT = 75
URL_LIMIT = 3000

Block = dict[str, Any]


def actions(message: Message) -> Block | None:
    """Return the block of buttons; None where there is nothing to press."""
    found = [*_acts(message), *_links(message)]
    if not found:
        return None
    # Another id when what can be done has changed: Slack would show the old choice otherwise.
    until = message.acknowledged_until
    shown = f"{message.event}-{int(until.timestamp()) if until else 0}"
    return {"type": "actions", "block_id": shown, "elements": found}


def snooze_value(choice: str, dedup_key: str) -> str:
    """Return what a choice of the snooze menu carries."""
    return f"{choice}:{dedup_key}"


def parse_snooze(value: str) -> tuple[str, str]:
    """Return the choice and the dedup key that `snooze_value` made `value` of.

    Raises:
        ValueError: It did not.
    """
    choice, _, key = value.partition(":")
    if choice not in (*SPANS, TOMORROW) or not key:
        raise ValueError(f"{cut(choice, 40)!r} is no choice of the snooze menu")
    return choice, key


def snoozed_until(choice: str, *, zone: str, now: datetime) -> datetime:
    """Return the instant that `choice` means to someone in the time zone `zone`.

    Tomorrow is the day after today, and before five o'clock today is still yesterday: at two in
    the night, tomorrow's nine o'clock is seven hours away.
    """
    if choice in SPANS:
        return now + SPANS[choice][1]
    local = ZoneInfo(zone)
    today = (now.astimezone(local) - DAWN).date()
    morning = datetime.combine(today + timedelta(days=1), MORNING, tzinfo=local)
    return morning.astimezone(now.tzinfo)


def _acts(message: Message) -> list[Block]:
    key = message.dedup_key
    if message.event is Event.RESOLVE or len(key) > VALUE_LIMIT:
        return []
    found = []
    if message.event is Event.TRIGGER:
        found.append(_button("Acknowledge", ACKNOWLEDGE, value=key, style="primary"))
    if len(snooze_value(TOMORROW, key)) <= OPTION_LIMIT:
        found.append(_menu(key))
    if not message.muted:  # a muted alert calls nobody, whatever its policy says
        found.append(_button("Escalate now", ESCALATE, value=key))
    found.append(_button("Resolve", RESOLVE, value=key))
    return found


def _links(message: Message) -> list[Block]:
    return [
        _button(name, name.lower(), url=url)
        for name, url in (("Open", message.url), ("Runbook", message.runbook_url))
        if linkable(url) and len(url) <= URL_LIMIT
    ]


def _menu(key: str) -> Block:
    named = [*((choice, text) for choice, (text, _) in SPANS.items())]
    options = [
        {"text": _plain(text), "value": snooze_value(choice, key)}
        for choice, text in (*named, (TOMORROW, "Until tomorrow 9:00"))
    ]
    return {
        "type": "static_select",
        "action_id": SNOOZE,
        "placeholder": _plain("Snooze"),
        "options": options,
    }


def _button(name: str, action_id: str, **rest: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": _plain(name), **rest}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
