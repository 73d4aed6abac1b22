"""What the bad traces of a time share, from a sample of them and of the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import streamlit as st

from app import wired
from app.cached import Answer
from app.trace_search import Filters
from signals import QueryError, SignalError
from signals.traces import Abilities, Order, TraceQuery, TraceStore, TraceSummary
from signals.traces.sharing import EXPLAINING, Share, shares

SAMPLE: Final = 500  # traces of either side
WORST_SHARE: Final = 0.1  # the slowest and the dearest tenth
_FRESH: Final = timedelta(minutes=1)


class Bad(StrEnum):
    """Which traces are to be explained."""

    FAILED = "failed"
    SLOWEST = "slowest tenth"
    DEAREST = "dearest tenth"
    LISTED = "those listed"  # by the filters of the page, against what they leave out


# What selects a side is no explanation of it.
_SELECTS: Final = {Bad.FAILED: {"status", "outcome"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What was found out, and on what it rests.

    Attributes:
        selected, rest: How many traces there are on either side.
        cut: There are more traces in this time than the sample holds.
    """

    shares: tuple[Share, ...]
    selected: int
    rest: int
    cut: bool


def choices(filters: Filters, abilities: Abilities) -> list[Bad]:
    """Return what can be explained of a store's traces."""
    costs = "cost_usd" in abilities.listed
    fits = {Bad.DEAREST: costs, Bad.LISTED: filters != _plain(filters)}
    return [bad for bad in Bad if fits.get(bad, True)]


@st.cache_resource(ttl=_FRESH, max_entries=32, show_spinner=False)
def shared(filters: Filters, bad: Bad) -> Answer[Shared]:
    """Return what the bad traces share that the rest of the same time and scope does not."""
    wiring = wired.current()
    now = wiring.clock()
    refusals = []
    # Both sides come from one store: the first that can list both.
    for store in wiring.several.stores if wiring.several else (wiring.traces,):
        if store is None:
            continue
        try:
            data = _shared(store, filters, bad, now=now)
        except QueryError as error:
            refusals.append(str(error))
        except SignalError as error:
            return Answer(error=str(error), source=store.name)
        else:
            return Answer(data=data, at=now, source=store.name)
    return Answer(error="; ".join(refusals))


def _shared(store: TraceStore, filters: Filters, bad: Bad, *, now: datetime) -> Shared:
    plain = replace(_plain(filters).query(now=now), order=Order.NEWEST, limit=SAMPLE)
    sample = store.search(plain)
    if bad is Bad.FAILED:
        selected = store.search(replace(plain, errors_only=True))
    elif bad is Bad.LISTED:
        selected = store.search(_narrowed(filters, now=now))
    elif bad is Bad.SLOWEST:
        selected = _top(sample, lambda trace: trace.duration_ms)
    else:
        selected = _top(sample, lambda trace: trace.cost_usd)
    taken = {trace.trace_id for trace in selected}
    rest = [trace for trace in sample if trace.trace_id not in taken]
    fields = set(EXPLAINING) & store.abilities.listed - _SELECTS.get(bad, set())
    return Shared(
        shares=tuple(shares(selected, rest, fields=fields)),
        selected=len(selected),
        rest=len(rest),
        cut=SAMPLE in (len(sample), len(selected)),
    )


def _narrowed(filters: Filters, *, now: datetime) -> TraceQuery:
    return replace(filters.query(now=now), order=Order.NEWEST, limit=SAMPLE)


def _plain(filters: Filters) -> Filters:
    """Return the same time and scope, in the same order, and nothing else."""
    return Filters(window=filters.window, scope=filters.scope, order=filters.order)


def _top(
    sample: Sequence[TraceSummary], of: Callable[[TraceSummary], float | None]
) -> list[TraceSummary]:
    """Return the `WORST_SHARE` with the most; what is not known is not among them."""
    known = sorted(
        ((value, trace) for trace in sample if (value := of(trace)) is not None),
        key=lambda pair: -pair[0],
    )
    return [trace for _, trace in known[: max(1, round(len(known) * WORST_SHARE))]]
