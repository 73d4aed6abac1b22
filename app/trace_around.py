"""The parts of an opened trace that show what stood round it: alerts, and signals of that time."""

from datetime import datetime, tzinfo

import streamlit as st

from alerts.inbox import Item
from alerts.involved import Request
from app import cached_around, numbers, parts
from app.local_time import clock
from app.scope import RANGES
from signals.units import span


def alerts(request: Request, tz: tzinfo, *, now: datetime) -> None:
    """Draw the alerts that the request falls into."""
    answer = cached_around.alerts(request)
    with parts.card("traces_alerts", "Alerts it falls into"):
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if not answer.data:
            parts.fine_print("No alert was open in its time and its part of the traffic.")
            return
        for item in answer.data:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(_alarm(item, tz, now=now), width="stretch")
                parts.link("alerts", "Open", icon="arrow_forward", alert=str(item.alert.id))


def signals(request: Request, *, now: datetime) -> None:
    """Draw the signals of the time round the request, which is marked."""
    scope = cached_around.scope_of(request)
    among = ", ".join(f"{name} {value}" for name, value in scope.items()) or "all traffic"
    with parts.card("traces_around", "The time round it"):
        parts.fine_print(f"{parts.plain(among)} · this request is the blue band")
        for signal, column in zip(
            cached_around.SIGNALS, st.columns(len(cached_around.SIGNALS)), strict=True
        ):
            with column:
                _signal(signal, request)
        reach = next(
            (name for name, reach in RANGES.items() if now - reach < request.started_at), ""
        )
        if reach:
            parts.link(
                "overview",
                f"Overview of the last {span(RANGES[reach])}",
                icon="monitoring",
                range=reach,
                **scope,
            )


def _signal(signal: str, request: Request) -> None:
    answer = cached_around.around(signal, request)
    if answer.data is not None:
        found = answer.data
        st.markdown(f"**{parts.plain(found.title)}** {parts.small(f'from {answer.source}')}")
        parts.draw(found.plot, key=f"traces_around_{signal}", alt=found.alt)
    else:
        why = answer.error or "Nothing was measured then."
        parts.fine_print(f"{parts.plain(signal.replace('_', ' '))}: {parts.plain(why)}")


def _alarm(item: Item, tz: tzinfo, *, now: datetime) -> str:
    alert = item.alert
    began = alert.fired_at or alert.active_at
    marks = f"{parts.severity_mark(alert.severity)} {parts.state_mark(alert.state)}"
    said = f"**{parts.plain(item.rule.name)}** {parts.plain(item.summary)}"
    fired = f"fired {clock(began, now=now, zone=tz)} ({numbers.age(began, now=now)})"
    return f"{marks} {said}  \n{parts.small(fired)}"
