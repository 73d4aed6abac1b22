"""Fatigue: how often people are called, by what, at which hours, and what would spare them."""

from datetime import timedelta
from typing import Any, Final

import pandas as pd
import streamlit as st

from alerts.fatigue import Report
from app import cached_alerts, cached_fatigue, fatigue_words, parts, wired
from app.local_time import zone_name
from app.parts import plain, small

RANGES: Final = {
    "7 d": timedelta(days=7),
    "28 d": timedelta(days=28),
    "90 d": timedelta(days=90),
}
REFRESH: Final = timedelta(minutes=1)
SHOWN: Final = 10


def render() -> None:
    """Draw the page."""
    parts.page_header(
        "Fatigue",
        "Calls for attention that reached a person or a paging service. A post in a Slack channel "
        "calls nobody.",
    )
    chosen = parts.choice("Range", list(RANGES), "fatigue_range", default="28 d")
    _live(RANGES[chosen])


@st.fragment(run_every=REFRESH, key="fatigue")
def _live(lasted: timedelta) -> None:
    now = wired.current().clock()
    answer = cached_fatigue.report(lasted, zone_name(parts.viewer_zone()))
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    report = answer.data.report
    if not report.pages:
        parts.empty(
            "Nobody was called",
            f"No page reached anybody in the last {lasted.days} days.",
            icon="bedtime",
            key="fatigue_empty",
        )
        return
    _figures(report)
    if not answer.data.complete:
        st.markdown(small("There were too many calls to count: these are the newest."))
    left, right = st.columns(2)
    with left, parts.card("fatigue_rules", "By rule"):
        _bars(fatigue_words.counts(report.by_rule[:SHOWN], "Rule"), "fatigue_by_rule")
    with right, parts.card("fatigue_people", "By person"):
        _bars(fatigue_words.people(report).head(SHOWN), "fatigue_by_person")
    with parts.card("fatigue_hours", "By hour", _clock()):
        st.vega_lite_chart(
            spec=fatigue_words.hours_template()
            | {"datasets": {fatigue_words.HOURS: fatigue_words.by_hour(report.by_hour)}},
            key="fatigue_by_hour",
            alt="Pages by weekday and hour",
        )
    _advice(report)


def _figures(report: Report) -> None:
    with st.container(horizontal=True, gap="small", key="fatigue_figures"):
        _metric("Pages", str(report.pages), f"about {report.incidents} groups of alerts")
        _metric("Acknowledged", fatigue_words.share(report.acknowledged), "somebody took it")
        _metric(
            "Acted on",
            fatigue_words.share(report.acted_on),
            "taken, noted on, or closed by hand",
        )
        _metric(
            "Healed by itself",
            fatigue_words.share(report.self_healed),
            "untouched, over within 5 min",
        )
        _metric(
            "Nights broken",
            str(fatigue_words.nights(report)),
            "between 22:00 and 07:00, by person",
        )


def _metric(label: str, value: str, said: str) -> None:
    st.metric(label, value, border=True, help=said, width=160)


def _clock() -> str:
    return f"By the clock of {zone_name(parts.viewer_zone())}"


def _bars(table: pd.DataFrame, key: str) -> None:
    columns: dict[str, Any] = {
        "Pages": st.column_config.ProgressColumn(
            format="%d", min_value=0, max_value=max(int(table["Pages"].max()), 1)
        )
    }
    st.dataframe(table, hide_index=True, key=key, column_config=columns, alt="Pages")


def _advice(report: Report) -> None:
    rules = {rule.name: rule.id for rule, _ in _rules()}
    with parts.card(
        "fatigue_advice",
        "The noisiest rules",
        "What a longer `for` would have done to the pages of this time. Of a condition that "
        "flickered meanwhile nothing is known.",
    ):
        for one in report.advice:
            st.markdown(f"**{plain(one.rule)}**: {fatigue_words.advice(one)}")
            if one.rule in rules:
                parts.link("rules", "Open the rule", icon="edit", rule=str(rules[one.rule]))


def _rules() -> tuple[Any, ...]:
    found = cached_alerts.rule_list().data
    return found.rules if found else ()
