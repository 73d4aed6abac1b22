"""What the inbox and the pages of alerts and groups share: headline, facts, labels, a card each."""

from datetime import datetime, tzinfo
from typing import Final

import streamlit as st

from alerts.inbox import Bundle, Item
from alerts.mutings import Mutings
from alerts.rulecode.taken import RUNBOOK_ANNOTATIONS
from alerts.wording import DETAILS_LIMIT, OWN_WORDS
from app import alert_buttons, alert_words, parts
from app.parts import plain, small
from models.vocabulary import DataState

NAMED = 3  # alerts of a group, on its card


def headline(item: Item) -> str:
    """Return Markdown for how bad and in what state."""
    muted = f" {parts.mark('muted', parts.MUTED)}" if item.alert.muted_by else ""
    state = item.alert.data_state
    unseen = "" if state is DataState.OK else f" {parts.mark(state, parts.DATA_STATES[state])}"
    marks = f"{parts.severity_mark(item.alert.severity)} {parts.state_mark(item.alert.state)}"
    return f"{marks}{muted}{unseen}"


def facts(item: Item, known: Mutings, *, now: datetime, zone: tzinfo) -> str:
    """Return Markdown for since when, who has it and what comes next, in one line."""
    said = (
        alert_words.since(item.alert, now=now, zone=zone),
        alert_words.who(item.alert, now=now),
        alert_words.coming(item, known, now=now),
    )
    return " · ".join(plain(one) for one in said if one)


_ELSEWHERE: Final = (*OWN_WORDS, *RUNBOOK_ANNOTATIONS)  # annotations with a place of their own


def labels(item: Item) -> str:
    """Return Markdown for the labels, one mark each; empty when it has none."""
    marks = (f"{name}={value}" for name, value in sorted(item.alert.labels.items()))
    return " ".join(f":gray-badge[{plain(one)}]" for one in marks)


def annotations(item: Item) -> str:
    """Return Markdown for what the rule says of the alert beside its summary; mostly empty."""
    said = {name: text for name, text in item.alert.annotations.items() if name not in _ELSEWHERE}
    lines = [plain(text[:DETAILS_LIMIT]) for name, text in said.items() if name == "description"]
    lines += [small(plain(f"{name}: {text[:500]}")) for name, text in said.items()
              if name != "description"]  # fmt: skip
    return "\n\n".join(lines[:10])


def card(item: Item, known: Mutings, *, now: datetime, zone: tzinfo) -> None:
    """Draw an alert in a list, with what can be done about it."""
    with parts.card(f"alert_{item.alert.id}"):
        lines = (
            f"{headline(item)} **{plain(item.rule.name)}**",
            plain(item.summary),
            small(facts(item, known, now=now, zone=zone)),
        )
        st.markdown("  \n".join(lines))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            alert_buttons.draw(alert_buttons.of_alert(item))
            parts.link("alerts", "Open", icon="arrow_forward", alert=str(item.alert.id))


def group_headline(bundle: Bundle) -> str:
    """Return Markdown for how bad a group is and in what state."""
    group = bundle.group
    muted = f" {parts.mark('muted', parts.MUTED)}" if group.muted else ""
    return f"{parts.severity_mark(group.severity)} {parts.state_mark(group.state)}{muted}"


def group_facts(bundle: Bundle, known: Mutings, *, now: datetime, zone: tzinfo) -> str:
    """Return Markdown for since when, who has a group and what comes next, in one line."""
    said = (
        alert_words.group_since(bundle, now=now, zone=zone),
        alert_words.group_who(bundle, now=now),
        alert_words.group_coming(bundle, known, now=now),
    )
    return " · ".join(plain(one) for one in said if one)


def group_card(bundle: Bundle, known: Mutings, *, now: datetime, zone: tzinfo) -> None:
    """Draw a group in a list as one thing, with what can be done about all of it."""
    group = bundle.group
    with parts.card(f"group_{group.id}"):
        lines = [
            f"{group_headline(bundle)} **{plain(group.title)}**",
            *(plain(item.summary) for item in bundle.items[:NAMED]),
        ]
        if group.size > NAMED:
            lines.append(small(f"and {group.size - NAMED} more"))
        lines.append(small(group_facts(bundle, known, now=now, zone=zone)))
        st.markdown("  \n".join(lines))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            alert_buttons.draw(alert_buttons.of_group(group))
            parts.link("alerts", "Open", icon="arrow_forward", group=str(group.id))
