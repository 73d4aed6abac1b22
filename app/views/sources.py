"""Sources: where the numbers come from, and who answers for each; `?signal=<name>` opens one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from app import (
    cached_alerts,
    cached_reconciling,
    cached_sources,
    golden,
    numbers,
    parts,
    reconciled_parts,
    wired,
)
from app.cached import Answer
from app.cached_sources import Answered
from app.opened import opened
from app.parts import plain, small
from app.views import mapping_editor
from models.tables import SourceStatus
from signals.discovery import Findings
from signals.units import span

REFRESH: Final = timedelta(seconds=10)
PROMETHEUS: Final = "prometheus"


def render() -> None:
    """Draw the page."""
    asked = opened("signal")
    if asked:
        mapping_editor.render(asked)
        return
    parts.page_header(
        "Sources", "Where the numbers come from, and who answers for each golden signal."
    )
    _live()


@st.fragment(run_every=REFRESH, key="sources")
def _live() -> None:
    parts.show_flash()
    wiring = wired.current()
    now = wiring.clock()
    known = cached_alerts.inbox_now()
    cached_reconciling.begin()  # beside the signals; it takes longer than each of them
    found = cached_sources.all_answered()
    held = cached_reconciling.reconciled()
    answers: list[Answer[Any]] = [known, *(one.answer for one in found)]
    parts.sources_down([*answers, held] if held else answers, now=now)
    if not wiring.watched:
        _nothing_connected(wiring.settings.base_url)
        return
    statuses = {status.name: status for status in known.data.sources} if known.data else {}
    with st.grid(2, min_column_width=300, key="sources_connected"):
        for source in wiring.watched:
            _source(source.name, statuses.get(source.name), now=now)
    if held is not None:
        reconciled_parts.card(held, now=now)
    _signals(found, now=now)


def _nothing_connected(base_url: str) -> None:
    parts.empty(
        "No source is connected",
        f"Send traces by OTLP to `{base_url}/v1/traces`, or point `WAKEFUL_PROMETHEUS_URL` at a "
        "Prometheus-compatible server and start again.",
        icon="sensors_off",
        key="sources_empty",
    )


def _source(name: str, status: SourceStatus | None, *, now: datetime) -> None:
    prometheus = wired.current().prometheus
    with parts.card(f"sources_{name}"):
        if status is None:
            mark = parts.mark("not asked yet", ("gray", "hourglass_empty"))
            st.markdown(f"**{plain(name)}** {mark}")
        else:
            parts.freshness([status], now=now)
        if prometheus is not None and name == prometheus.name:
            _stacks(cached_sources.findings(), status.error if status else "", now=now)
        elif name == "traces":
            st.markdown(small("Answers every signal from spans, by any label of theirs."))


def _stacks(found: Findings, said: str, *, now: datetime) -> None:
    if found.stacks:
        marks = (parts.mark(pack.title, ("blue", "layers")) for pack in found.stacks)
        st.markdown(" ".join(marks))
        st.markdown(small("\n".join(f"{p.title}: {p.about}" for p in found.stacks)))
    elif found.looked_at is not None:
        st.markdown(
            small(
                "It has the metrics of no stack that Wakeful knows. Map signals to your own "
                "expressions below, or send traces."
            )
        )
    if found.error and found.error != said:
        st.markdown(f":orange[:material/warning:] It did not tell its names: {plain(found.error)}")
    if found.looked_at is not None:
        st.markdown(small(f"Names looked up {numbers.age(found.looked_at, now=now)}"))


def _signals(found: Sequence[Answered], *, now: datetime) -> None:
    st.header("Signals", anchor=False)
    for one in found:
        _signal(one, now=now)
    valued = sum(one.value is not None for one in found)
    parts.fine_print(
        f"{valued} of {len(found)} signals have a value now; refreshes every {span(REFRESH)}."
    )


def _signal(one: Answered, *, now: datetime) -> None:
    name = one.signal.name
    with parts.card(f"sources_signal_{name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(one.signal.title)}** {_who(one)}", width="stretch")
            st.markdown(_value(one, now=now), width="content")
            if wired.current().prometheus is not None:
                parts.link("sources", "Open", icon="arrow_forward", signal=name)
        if one.asked is not None:
            st.code(one.asked.promql, language=None, wrap_lines=True)
        for title, sentence in one.gives:
            st.markdown(small(f"{plain(title)}: {sentence}"))
        if not one.source and not one.gives:
            st.markdown(small("Connect a stack that has it, send traces, or map it yourself."))


def _who(one: Answered) -> str:
    if not one.source:
        return parts.mark("no source", ("gray", "link_off"))
    if one.own:
        return parts.mark("your own", ("violet", "person"))
    if one.by:
        return parts.mark(one.by, ("blue", "layers"))
    return parts.mark(one.source, ("green", "account_tree"))


def _value(one: Answered, *, now: datetime) -> str:
    reading = one.answer.data
    if one.value is None and reading is not None:
        return parts.mark(reading.state, parts.DATA_STATES[reading.state])
    value = f"**{plain(numbers.number(one.value, one.signal.unit))}**"
    if mark := numbers.estimate(golden.interval(reading), one.signal.unit):
        value += " " + small(plain(mark))
    if one.answer.error and one.value is not None:
        value += " " + small(plain(f"as of {numbers.age(one.answer.at, now=now)}"))
    return value
