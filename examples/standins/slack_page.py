"""Slack as a page: channels on the left, the messages of one of them, with their buttons."""

import re
from html import escape, unescape
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from examples.pages import button, page
from examples.standins.slack_workspace import Channel, Posted, User, Workspace

REFRESH_SECONDS = 3
STYLE = """
body { max-width: 70rem; } main { display: grid; grid-template-columns: 13rem 1fr; gap: 1.5rem; }
.side a { display: block; padding: .15rem .5rem; border-radius: .4rem; text-decoration: none; }
.side a.now { background: var(--accent); color: #fff; }
.message { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .8rem; margin: 1rem 0; }
.reply { margin-left: 1.5rem; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
.buttons { margin: .4rem 0; display: flex; gap: .4rem; flex-wrap: wrap; } code { font-size: .9em; }
a.button { border: 1px solid var(--line); background: var(--soft); padding: .3rem .9rem;
  border-radius: .4rem; text-decoration: none; }
"""
EMOJI = {
    "rotating_light": "🚨",
    "red_circle": "🔴",
    "warning": "⚠️",
    "information_source": "🔵",
    "white_check_mark": "✅",
    "large_green_circle": "🟢",
    "eyes": "👀",
}


def chat(workspace: Workspace, channel: Channel, viewer: User) -> Response:
    """Return the page of `channel` as `viewer` sees it."""
    side = "".join(
        _side_link(workspace, one, channel, viewer) for one in _visible(workspace, viewer)
    )
    people = " · ".join(_person_link(user, channel, viewer) for user in _people(workspace))
    shown = [m for m in workspace.messages if m.channel.id == channel.id]
    top = [m for m in shown if not m.thread_ts or m.broadcast]
    body = "".join(_thread(m, shown, viewer) for m in top if m.only_for in ("", viewer.id))
    title = _title(workspace, channel, viewer)
    return page(
        f"{title} - Slack stand-in",
        f"<h1>{escape(title)}</h1><p class=muted>A stand-in for Slack. You are {people}.</p><main>"
        f"<div class=side>{side}</div><div>{body or '<p class=muted>No messages yet.</p>'}</div>"
        "</main>",
        refresh=(REFRESH_SECONDS, _address(channel.id, viewer.id)),
        style=STYLE,
    )


def _people(workspace: Workspace) -> list[User]:
    return [user for user in workspace.users.values() if not user.is_bot]


def _visible(workspace: Workspace, viewer: User) -> list[Channel]:
    return [c for c in workspace.channels.values() if c.user in ("", viewer.id)]


def _title(workspace: Workspace, channel: Channel, viewer: User) -> str:
    if not channel.user:
        return f"#{channel.name}"
    owner = workspace.users[channel.user]
    return "Wakeful (direct message)" if owner == viewer else f"Direct messages of {owner.name}"


def _address(channel_id: str, user_id: str) -> str:
    return "/?" + urlencode({"channel": channel_id, "as": user_id})


def _side_link(workspace: Workspace, one: Channel, now: Channel, viewer: User) -> str:
    count = sum(m.channel.id == one.id and not m.thread_ts for m in workspace.messages)
    name = _title(workspace, one, viewer) + (" (archived)" if one.archived else "")
    badge = f" <small>{count}</small>" if count else ""
    kind = "now" if one.id == now.id else ""
    return f'<a class="{kind}" href="{_address(one.id, viewer.id)}">{escape(name)}{badge}</a>'


def _person_link(user: User, channel: Channel, viewer: User) -> str:
    if user == viewer:
        return f"<b>{escape(user.name)}</b>"
    # The direct messages of one are no business of another.
    target = f"D{user.id[1:]}" if channel.user else channel.id
    return f'<a href="{_address(target, user.id)}">{escape(user.name)}</a>'


def _thread(message: Posted, shown: list[Posted], viewer: User) -> str:
    replies = [m for m in shown if m.thread_ts == message.ts]
    below = "".join(f"<div class=reply>{_message(m, viewer)}</div>" for m in replies)
    return _message(message, viewer) + below


def _message(message: Posted, viewer: User) -> str:
    marks = []
    if message.edits:
        marks.append(f"edited {message.edits} times" if message.edits > 1 else "edited")
    if message.only_for:
        marks.append("only visible to you")
    if message.broadcast:
        marks.append("also sent to the channel")
    content = "".join(_block(message, block, n, viewer) for n, block in enumerate(message.blocks))
    for attachment in message.attachments:
        content += f"<p>{markup(str(attachment.get('text', '')))}</p>"
    problem = f"<p class=bad>{escape(message.problem)}</p>" if message.problem else ""
    return (
        f'<div class=message id="{message.ts}"><b>Wakeful</b> <span class=badge>app</span> '
        f"<small>{' · '.join(marks)}</small>{content or f'<p>{markup(message.text)}</p>'}{problem}"
        "</div>"
    )


def _block(message: Posted, block: dict[str, Any], number: int, viewer: User) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h2>{escape(block['text']['text'])}</h2>"
    if kind == "divider":
        return "<hr>"
    if kind == "markdown":
        return f"<pre>{escape(block['text'])}</pre>"
    if kind == "context":
        return f"<small>{' '.join(_plain(e) for e in block['elements'])}</small>"
    if kind == "actions":
        buttons = (_button(message, e, number, n, viewer) for n, e in enumerate(block["elements"]))
        return f"<div class=buttons>{''.join(buttons)}</div>"
    if kind != "section":
        return f"<p class=muted>({escape(kind)})</p>"
    text = f"<p>{_plain(block['text'])}</p>" if "text" in block else ""
    fields = "".join(f"<div>{_plain(one)}</div>" for one in block.get("fields", []))
    return text + (f"<div class=fields>{fields}</div>" if fields else "")


def _plain(text: dict[str, Any]) -> str:
    value = str(text.get("text", ""))
    return markup(value) if text.get("type") == "mrkdwn" else escape(value)


def _button(message: Posted, element: dict[str, Any], block: int, number: int, viewer: User) -> str:
    place = {"channel": message.channel.id, "ts": message.ts, "as": viewer.id}
    place |= {"block": str(block), "element": str(number)}
    if element["type"] == "static_select":
        return _menu(element, place)
    if element["type"] != "button":
        return ""
    label = element["text"]["text"]
    if url := element.get("url"):
        return (
            f'<a class=button href="{escape(url)}" target="_blank" rel="noopener">'
            f"{escape(label)}</a>"
        )
    return button("/press", label, kind=str(element.get("style", "")), **place)


def _menu(menu: dict[str, Any], place: dict[str, str]) -> str:
    """Return a menu as a list and a button that chooses: there are no scripts here."""
    label = str(menu.get("placeholder", {}).get("text", "Choose"))
    options = "".join(
        f'<option value="{number}">{escape(option["text"]["text"])}</option>'
        for number, option in enumerate(menu["options"])
    )
    choice = f'<select name="option" aria-label="{escape(label)}">{options}</select>'
    return button("/press", label, beside=choice, **place)


def markup(text: str) -> str:
    """Return Slack's mrkdwn as HTML: links, dates, bold, italic, code and emoji."""
    parts = re.split(r"<([^<>]*)>", text)
    done = [
        _angle(part) if number % 2 else _styled(escape(unescape(part), quote=False))
        for number, part in enumerate(parts)
    ]
    return "".join(done).replace("\n", "<br>")


def _styled(text: str) -> str:
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", text)
    return re.sub(r":([a-z_]+):", lambda m: EMOJI.get(m[1], m[0]), text)


def _angle(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith(("http://", "https://")):
        shown = escape(unescape(label or target))
        return f'<a href="{escape(unescape(target))}" target="_blank" rel="noopener">{shown}</a>'
    return f"<b>{escape(unescape(label or target))}</b>"
