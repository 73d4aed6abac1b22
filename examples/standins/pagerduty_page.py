"""PagerDuty as a page: incidents, who has them, what happened to them, and the raw events."""

import json
from html import escape
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from examples.pages import button, page
from examples.standins.pagerduty_service import (
    ACKNOWLEDGED,
    OPEN,
    RESOLVED,
    TRIGGERED,
    Account,
    Incident,
    Member,
)

REFRESH_SECONDS = 3
EVENTS_SHOWN = 20
STYLE = """
.triggered { border-left: 5px solid var(--bad); } .acknowledged { border-left: 5px solid #d4a72c; }
.resolved { border-left: 5px solid var(--good); } .buttons button { margin-left: .4rem; }
ol { margin: .4rem 0; padding-left: 1.2rem; } li { font-size: .9rem; }
"""


def incidents(account: Account, received: list[dict[str, Any]], viewer: Member) -> Response:
    """Return the page as `viewer` sees it."""
    people = " · ".join(_person(user, viewer) for user in account.users.values())
    newest = reversed(account.incidents.values())
    cards = "".join(_card(incident, viewer) for incident in newest)
    events = "".join(_event(event) for event in received[: -EVENTS_SHOWN - 1 : -1])
    return page(
        "PagerDuty stand-in",
        f"<h1>Incidents</h1><p class=muted>A stand-in for PagerDuty. You are {people}.</p>"
        f"{cards or '<p class=muted>No incidents yet.</p>'}<h2>On call</h2>{_on_call(account)}"
        f"<h2>Events received</h2>{events or '<p class=muted>None yet.</p>'}",
        refresh=(REFRESH_SECONDS, "/?" + urlencode({"as": viewer.id})),
        style=STYLE,
    )


def _person(user: Member, viewer: Member) -> str:
    if user == viewer:
        return f"<b>{escape(user.name)}</b>"
    return f'<a href="/?{urlencode({"as": user.id})}">{escape(user.name)}</a>'


def _card(incident: Incident, viewer: Member) -> str:
    names = ", ".join(member.name for member in incident.assignees) or "nobody"
    log = "".join(_entry(entry) for entry in incident.log)
    return (
        f'<div class="card {incident.status}" id="{incident.id}"><div class=row><div>'
        f"<b>#{incident.number} {escape(incident.title)}</b><br>"
        f"<span class=badge>{incident.status}</span> <span class=badge>{incident.urgency}</span> "
        f"<small>assigned to {escape(names)}, since {incident.created_at}</small></div>"
        f"<div class=buttons>{_buttons(incident, viewer)}</div></div><ol>{log}</ol></div>"
    )


def _buttons(incident: Incident, viewer: Member) -> str:
    place = {"id": incident.id, "as": viewer.id}
    found = ""
    if incident.status in OPEN and incident.status != ACKNOWLEDGED:
        found += button("/move", "Acknowledge", kind="primary", status=ACKNOWLEDGED, **place)
    if incident.status == ACKNOWLEDGED:
        found += button("/move", "Let it run out", status=TRIGGERED, **place)
    if incident.status in OPEN:
        found += button("/move", "Resolve", status=RESOLVED, **place)
    return found


def _entry(entry: dict[str, Any]) -> str:
    who = f" by {entry['agent']['summary']}" if entry["agent"] else ""
    return f"<li>{entry['created_at']} {escape(entry['summary'])}<small>{escape(who)}</small></li>"


def _on_call(account: Account) -> str:
    rows = "".join(
        f"<tr><td>{escape(policy.name)}<td>level {level}<td>{escape(user.name)}"
        f"<td>{escape(user.email)}<td><code>{policy.id}</code></tr>"
        for policy in account.policies
        for level, user in enumerate(policy.levels, 1)
    )
    return f"<table>{rows}</table>"


def _event(event: dict[str, Any]) -> str:
    shown = {key: value for key, value in event.items() if key != "routing_key"}
    title = f"{event.get('event_action', 'change')} {event.get('dedup_key', '')}"
    text = escape(json.dumps(shown, indent=2, ensure_ascii=False))
    return f"<details><summary><code>{escape(title)}</code></summary><pre>{text}</pre></details>"
