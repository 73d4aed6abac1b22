"""Overview: what is firing, every golden signal against its bounds, how fresh the sources are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from alerts.inbox import Item
from app import (
    annotation_parts,
    cached,
    cached_alerts,
    exemplars,
    golden,
    numbers,
    parts,
    scope,
    signal_card,
    wired,
)
from app.local_time import clock
from app.scope import Scope
from app.signal_card import Known
from models.vocabulary import AlertState
from signals.units import span

REFRESH: Final = timedelta(seconds=10)
MOST_FIRING: Final = 5


def render() -> None:
    """Draw the page."""
    parts.page_header("Overview")
    _live(scope.choose())
    annotation_parts.form()


@st.fragment(run_every=REFRESH, key="overview")
def _live(chosen: Scope) -> None:
    wiring = wired.current()
    now = wiring.clock()
    alerts = cached_alerts.inbox_now()
    # What fires is there at once; a source that hangs holds the signals up for seconds.
    parts.sources_down([alerts], now=now)
    if alerts.data is not None:
        _firing(alerts.data.open, now=now)
    signals = signal_card.side_by_side(golden.SIGNALS, chosen)
    parts.sources_down([signal.answer for signal in signals], now=now)
    if not wiring.watched:
        _nothing_connected(wiring.settings.base_url)
    elif all(signal.is_silent(now=now) for signal in signals):
        _nothing_seen(wiring.settings.base_url, chosen)
    else:
        _cards(signals, chosen, now=now)
    annotation_parts.listing(chosen, now=now)
    _footer(chosen, now=now)
    if alerts.data is not None:
        parts.freshness(alerts.data.sources, now=now)


def _firing(items: Sequence[Item], *, now: datetime) -> None:
    if not items:
        st.markdown(parts.mark("nothing is firing", ("green", "check_circle")))
        return
    with parts.card("overview_firing", f"{len(items)} firing"):
        for item in items[:MOST_FIRING]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(_alarm(item, now=now), width="stretch")
                parts.link("alerts", "Open", icon="arrow_forward", alert=str(item.alert.id))
        if len(items) > MOST_FIRING:
            parts.link("alerts", f"and {len(items) - MOST_FIRING} more", icon="more_horiz")


def _alarm(item: Item, *, now: datetime) -> str:
    alert = item.alert
    began = alert.fired_at or alert.active_at
    had = "nobody has it yet"
    if alert.state is AlertState.ACKNOWLEDGED:
        had = f"{parts.plain(alert.acknowledged_by or 'someone')} has it"
    since = (
        f"since {clock(began, now=now, zone=parts.viewer_zone())} ({numbers.age(began, now=now)})"
    )
    marks = f"{parts.severity_mark(alert.severity)} {parts.state_mark(alert.state)}"
    said = f"**{parts.plain(item.rule.name)}** {parts.plain(item.summary)}"
    return f"{marks} {said}  \n{parts.small(f'{since} · {had}')}"


def _nothing_connected(base_url: str) -> None:
    parts.empty(
        "No signals yet",
        f"Send traces by OTLP to `{base_url}/v1/traces`, or point `WAKEFUL_PROMETHEUS_URL` at a "
        "Prometheus-compatible server and start again.",
        icon="sensors_off",
        key="overview_empty",
    )


def _nothing_seen(base_url: str, chosen: Scope) -> None:
    if chosen.labels:
        title = f"No requests with {chosen.words} in the last {span(chosen.span)}"
        text = "Choose another part of the traffic above, or look further back."
    else:
        title = f"No requests in the last {span(chosen.span)}"
        text = (
            "The sources answer, and have nothing. Look further back, or check that the "
            f"application sends: traces by OTLP go to `{base_url}/v1/traces`."
        )
    parts.empty(title, text, icon="hourglass_empty", key="overview_empty")


def _cards(signals: Sequence[Known], chosen: Scope, *, now: datetime) -> None:
    with st.grid(4, min_column_width=150, key="overview_signals"):
        for one in signals:
            key = f"overview_{one.signal.name}"
            with st.container(border=True, height="stretch", gap="xsmall", key=key):
                signal_card.draw(one, now=now)
                exemplars.link_to_peak(one, chosen, now=now)


def _footer(chosen: Scope, *, now: datetime) -> None:
    step = cached.grid(chosen.span, now=now, points=signal_card.POINTS).step
    here = clock(now, now=now, zone=parts.viewer_zone())
    parts.fine_print(
        f"Each point of a line covers {span(cached.window(step))} of the last "
        f"{span(chosen.span)}. As of {here}; refreshes every {span(REFRESH)}."
    )
