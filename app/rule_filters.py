"""The filters of the list of rules: each keeps its choice in the address."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final

import streamlit as st

from alerts.conditions import Question
from app import cached_dashboards, condition_form, rule_words, wired
from app.cached_alerts import RuleList
from app.rule_words import Wanted
from signals import Query, SignalError

NOBODY: Final = "nobody"


def choose(found: RuleList, text: str) -> Wanted:
    """Draw the filters; return what the list is narrowed to."""
    with st.popover("Filters", icon=":material/filter_list:", key="rules_filters"):
        kinds = _several("Kind", list(condition_form.KINDS), format_func=_kind)
        owners = _several("Owner", sorted({rule.owner for rule, _ in found.rules}))
        states = _several("State", list(map(str, rule_words.STATES)))
        sources = _several("Answered by", _sources())
        places = _several("Kept in", sorted({rule_words.place(rule) for rule, _ in found.rules}))
        signals = _on_dashboard()
    return Wanted(
        text=text,
        kinds=kinds,
        owners=owners,
        states=states,
        places=places,
        signals=signals,
        sources=sources,
        source=cache(_answers),
    )


def _several(label: str, options: Sequence[str], **more: Any) -> list[str]:
    chosen: list[str] = st.multiselect(
        label,
        options,
        key=f"rules_{label.lower().replace(' ', '_')}",
        placeholder="All",
        select_all=False,
        bind="query-params",
        **more,
    )
    return chosen


def _kind(kind: str) -> str:
    return condition_form.KINDS[kind]


def _on_dashboard() -> Collection[str] | None:
    """Draw the choice of a dashboard; return its signals, None without a choice."""
    every = {one.slug: one for one in cached_dashboards.every().data or ()}
    slug = st.selectbox(
        "About what is on the dashboard",
        list(every),
        index=None,
        format_func=lambda slug: every[slug].title,
        key="rules_dashboard",
        placeholder="Any",
        bind="query-params",
    )
    if slug not in every:
        return None
    return {name for panel in every[slug].panels for name in panel.get("signals", ())}


def _sources() -> list[str]:
    wiring = wired.current()
    names = [one.name for one in wiring.signals.sources]
    if wiring.expressions is not None:
        names.append(wiring.expressions.name)
    return [*dict.fromkeys(names), NOBODY]


def _answers(question: Question) -> str:
    """Return who answers a question."""
    wiring = wired.current()
    if not isinstance(question, Query):
        return wiring.expressions.name if wiring.expressions else NOBODY
    try:
        return wiring.signals.route(question).name
    except SignalError:
        return NOBODY
