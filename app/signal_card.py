"""One signal at present: its number, how it stands, its small line, and what both rest on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, cast

import streamlit as st

from app import cached, charts, golden, numbers, parts, reconciled_parts
from app.asking import ASKERS
from app.cached import Answer, LastGood
from app.charts import Grid
from app.golden import Standing
from app.scope import Scope
from signals import Reading
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
    Standing.SLOW_SOURCE: ("orange", "hourglass_top"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one signal in a part of the traffic.

    Attributes:
        samples: How many requests the present value rests on; None when it rests on none.
        line: Past values for the small line, NaN where there is none.
        grid: The instants of `line`; None when there is none.
        labels: The part of the traffic.
        is_late: There is no answer yet, and this is what was known before.
    """

    signal: Signal
    answer: Answer[Reading]
    samples: int | None
    line: tuple[float, ...]
    grid: Grid | None = None
    labels: tuple[tuple[str, str], ...] = ()
    is_late: bool = False

    def standing(self, *, now: datetime) -> Standing:
        """Return how the signal does; an answer too old to be the present is no longer judged."""
        if self.answer.nobody:
            return Standing.NO_SOURCE
        if self.answer.error and numbers.is_stale(self.answer.at, now=now):
            return Standing.SLOW_SOURCE if self.is_late else Standing.SOURCE_DOWN
        return golden.standing(self.signal, self.answer.data)

    def is_silent(self, *, now: datetime) -> bool:
        """Say that there is nothing to show, now or before, and that no fault explains it."""
        return golden.is_silent(self.standing(now=now)) and all(map(math.isnan, self.line))


@st.cache_resource(
    ttl=cached.FRESH,
    max_entries=512,
    show_spinner=False,
    refresh_mode="background",
    hash_funcs={Signal: repr, Scope: repr},
)
def known(signal: Signal, chosen: Scope) -> Known:
    """Return what is known of `signal` in the chosen part of the traffic. Never change it."""
    query = golden.question(signal, chosen.labels)
    answer = cached.current(query)
    past = cached.history(query, chosen.span, POINTS).data
    samples = None
    if golden.counts_requests(signal) and golden.value(answer.data) is not None:
        rate = replace(query, signal=golden.REQUESTS.name)
        samples = golden.requests(signal, golden.value(cached.current(rate).data))
    line = charts.spark(past.series, past.grid) if past else []
    found = Known(
        signal=signal,
        answer=answer,
        samples=samples,
        line=tuple(line),
        grid=past.grid if past else None,
        labels=chosen.labels,
    )
    _last_known().keep((signal.name, chosen), Answer(data=found))
    return found


def side_by_side(signals: Sequence[Signal], chosen: Scope) -> list[Known]:
    """Return `known` of each signal, asked together; of a slow source what was known before."""
    asked = {("signal", one.name, chosen): partial(known, one, chosen) for one in signals}
    found = ASKERS.in_time(asked)
    return [found.get(("signal", one.name, chosen)) or _before(one, chosen) for one in signals]


def _before(signal: Signal, chosen: Scope) -> Known:
    last = cast(Answer[Known], _last_known().get((signal.name, chosen)) or Answer()).data
    answer = cached.late(golden.question(signal, chosen.labels))
    blank = Known(signal=signal, answer=answer, samples=None, line=(), labels=chosen.labels)
    return replace(last or blank, answer=answer, is_late=True)


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_known() -> LastGood:
    return LastGood(limit=512)


def draw(found: Known, *, now: datetime) -> None:
    """Draw the inside of a card."""
    standing = found.standing(now=now)
    colour, icon = LOOKS[standing]
    st.metric(
        found.signal.title,
        numbers.number(golden.value(found.answer.data), found.signal.unit),
        f":material/{icon}: {standing}",
        delta_color=colour,
        delta_arrow="off",
        delta_description=numbers.thin(found.samples) or None,
        help=found.signal.meaning,
        chart_data=found.line or None,
    )
    st.markdown(parts.small(_small_print(found.signal, found.answer, now=now)))
    if golden.value(found.answer.data) is not None and golden.rests_on_requests(found.signal):
        query = golden.question(found.signal, found.labels)
        reconciled_parts.mark(found.answer.source, found.labels, query)


def _small_print(signal: Signal, answer: Answer[Reading], *, now: datetime) -> str:
    if answer.nobody:
        return parts.plain(answer.error)
    covers = f"over {span(golden.window(signal))}"
    if answer.error:
        covers += f", as of {numbers.age(answer.at, now=now)}"
    # Beside the number it would be cut on a phone, and an interval that is cut says something else.
    estimate = numbers.estimate(golden.interval(answer.data), signal.unit)
    said = (estimate, numbers.bounds(signal), f"{covers}, from {answer.source}")
    return "\n".join(part for part in said if part)
