"""An alert as Slack's Block Kit. Pure.

Source: https://docs.slack.dev/reference/block-kit/blocks (limits),
https://docs.slack.dev/messaging/formatting-message-text (escaping, dates)
"""

from datetime import datetime
from typing import Any

from alerts.notifiers import Evidence, Message, News, TraceLink, slack_buttons
from alerts.notifiers.answers import linkable
from models.vocabulary import Event, Severity, Unit
from signals.units import render

EVENT_TYPE = "wakeful_alert"  # metadata by which an at-least-once duplicate can be recognised

SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
TEXT_LIMIT = 4000  # beyond, Slack cuts
TITLE_LIMIT = 150
LINK_LIMIT = 500  # three of them, escaped, fit into a section
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
    """Return the post: title, summary, facts, traces, buttons for what can still be done."""
    summary = escape(message.summary or message.title or "No summary", SECTION_LIMIT)
    found = [_section(_title(message)), _section(summary)]
    if message.details:
        found.append(_section(escape(message.details, SECTION_LIMIT)))
    if message.lines:
        found.append(_section(_lines(message)))
    found.append({"type": "section", "fields": [_text(fact) for fact in _facts(message)]})
    if message.evidence.traces:
        found.append(_section(_traces(message.evidence)))
    if buttons := slack_buttons.actions(message):
        found.append(buttons)
    return found


def timeline(news: News) -> str:
    """Return what a thread is told, a line for each happening."""
    lines = [f"{_date(one.at)} {escape(one.text, 400)}" for one in news.happenings]
    return _whole_lines(lines, news.more, TEXT_LIMIT)


def _title(message: Message) -> str:
    emoji = ":white_check_mark:" if message.event is Event.RESOLVE else _EMOJI[message.severity]
    return f"{emoji} *{escape(message.title or 'Alert', TITLE_LIMIT)}*"


def _lines(message: Message) -> str:
    """Return the alerts of a group, a line each."""
    lines = [f"• {line.state}: {escape(line.text, 240)}" for line in message.lines]
    return _whole_lines(lines, message.more, SECTION_LIMIT)


def _whole_lines(lines: list[str], more: int, limit: int) -> str:
    """Return as many lines as `limit` characters hold, and how many are left out."""
    kept, room = [], limit - len("and 1000000 more")
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = more + len(lines) - len(kept)
    return "\n".join([*kept, f"and {left} more"] if left else kept)


def _traces(evidence: Evidence) -> str:
    lines = [f"• {_trace(trace)}" for trace in evidence.traces]
    return _whole_lines([f"*{escape(evidence.title, 100)}*", *lines], 0, SECTION_LIMIT)


def _trace(trace: TraceLink) -> str:
    name = escape(trace.title or "trace", 120)
    good = linkable(trace.url) and len(trace.url) <= LINK_LIMIT
    shown = f"<{escape(trace.url, SECTION_LIMIT)}|{name}>" if good else name
    parts = [shown, render(trace.duration.total_seconds(), Unit.SECONDS)]
    if trace.cost_usd is not None:
        parts.append(render(trace.cost_usd, Unit.USD))
    return ", ".join(parts)


def _facts(message: Message) -> list[str]:
    standing = escape(message.muted or _STATE[message.event], 200)
    state = f"{standing}, {message.severity.value}"
    facts = {"State": state, "Since": _date(message.fired_at), "Who has it": _holder(message)}
    if message.flapping:
        facts["Flapping"] = escape(message.flapping, 200)
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


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}
