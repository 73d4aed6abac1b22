"""One signal at present: its number, how it stands, its small line, and what both rest on."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import streamlit as st

from app import cached, charts, golden, numbers, parts
from app.cached import Answer
from app.golden import Now, Standing
from app.scope import Scope
from signals import Query, Reading
from signals.catalog import Signal
from signals.units import span

POINTS: Final = 120  # of the small line
LOOKS: Final[dict[Standing, parts.Look]] = {
    Standing.OK: ("green", "check"),
    Standing.OVER_TARGET: ("orange", "arrow_upward"),
    Standing.UNDER_TARGET: ("orange", "arrow_downward"),
    Standing.BEYOND: ("red", "error"),
    Standing.MEASURED: ("blue", "remove"),
    Standing.NO_TRAFFIC: ("gray", "hourglass_empty"),
    Standing.NO_DATA: ("gray", "data_alert"),
    Standing.NO_SOURCE: ("gray", "link_off"),
    Standing.SOURCE_DOWN: ("red", "cloud_off"),
}


def ask(signal: Signal, chosen: Scope) -> Answer[Reading]:
    """Return what is known of `signal` at present in the chosen part of the traffic."""
    return cached.current(golden.question(signal, chosen.labels))


def judge(signal: Signal, answer: Answer[Reading], chosen: Scope, *, now: datetime) -> Now:
    """Return how `signal` stands; an answer too old to be the present is no longer judged."""
    judged = Now(
        signal=signal,
        value=golden.value(answer.data),
        standing=golden.standing(signal, answer.data),
        samples=_samples(signal, chosen),
    )
    if answer.nobody:
        return replace(judged, standing=Standing.NO_SOURCE)
    if answer.error and numbers.is_stale(answer.at, now=now):
        return replace(judged, standing=Standing.SOURCE_DOWN)
    return judged


def draw(signal: Signal, answer: Answer[Reading], chosen: Scope, *, now: datetime) -> None:
    """Draw the inside of a card."""
    judged = judge(signal, answer, chosen, now=now)
    trend = cached.history(golden.question(signal, chosen.labels), chosen.span, POINTS)
    colour, icon = LOOKS[judged.standing]
    st.metric(
        signal.title,
        numbers.number(judged.value, signal.unit),
        f":material/{icon}: {judged.standing}",
        delta_color=colour,
        delta_arrow="off",
        delta_description=numbers.thin(judged.samples) or None,
        help=signal.meaning,
        chart_data=charts.spark(trend.data.series, trend.data.grid) if trend.data else None,
    )
    st.markdown(parts.small(_small_print(signal, answer, now=now)))


def _samples(signal: Signal, chosen: Scope) -> int | None:
    if not golden.counts_requests(signal):
        return None
    rate = Query(signal="request_rate", window=golden.window(signal), scope=chosen.labels)
    return golden.requests(signal, golden.value(cached.current(rate).data))


def _small_print(signal: Signal, answer: Answer[Reading], *, now: datetime) -> str:
    if answer.nobody:
        return parts.plain(answer.error)
    covers = f"over {span(golden.window(signal))}"
    if answer.error:
        covers += f", as of {numbers.age(answer.at, now=now)}"
    bounds = numbers.bounds(signal)
    return "\n".join(part for part in (bounds, f"{covers}, from {answer.source}") if part)
