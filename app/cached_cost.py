"""What requests cost, shared by all viewers of one time zone; a failed answer keeps the last."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, cast
from zoneinfo import ZoneInfo

import streamlit as st

from app import cost_words, wired
from app.cached import Answer, LastGood
from app.cost_words import Cost
from signals import SignalError
from signals.traces.recomputing import Recomputed, recompute
from signals.traces.spending import SpendQuery, SpendStore

FRESH: Final = timedelta(minutes=1)
MOST_SHOWN: Final = 6  # values that the chart names


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def cost(span: str, by: str, scope: tuple[tuple[str, str], ...], zone: str) -> Answer[Cost]:
    """Return what was spent, by that label, over one of `cost_words.RANGES`.

    Never ask without an embedded store: look at `app.wired` first.
    """
    wiring = wired.current()
    now, question = wiring.clock(), (span, by, scope, zone)
    last = cast(Answer[Cost], _last_good().get(question) or Answer())
    if wiring.store is None:
        return replace(last, error="there is no embedded trace store in this process")
    query = cost_words.asked(span, by, scope, zone=ZoneInfo(zone), now=now)
    try:
        answer = Answer(data=_read(wiring.store, query), at=now, source=wiring.store.name)
    except SignalError as error:
        return replace(last, source=wiring.store.name, error=str(error))
    _last_good().keep(question, answer)
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What calls with a reported cost would have cost by the list, of the dearest of `models`."""

    rows: tuple[Recomputed, ...]
    models: int


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def recomputed(span: str, scope: tuple[tuple[str, str], ...], zone: str) -> Answer[Comparison]:
    """Return reported cost against the price list, over one of `cost_words.RANGES`.

    Never ask without an embedded store: look at `app.wired` first.
    """
    wiring = wired.current()
    now, question = wiring.clock(), (span, scope, zone)
    last = cast(Answer[Comparison], _last_good().get(question) or Answer())
    if wiring.store is None:
        return replace(last, error="there is no embedded trace store in this process")
    query = cost_words.asked(span, "model", scope, zone=ZoneInfo(zone), now=now)
    try:
        found = wiring.store.reported(query)
    except SignalError as error:
        return replace(last, source=wiring.store.name, error=str(error))
    data = Comparison(rows=tuple(recompute(found.uses)), models=found.models)
    answer = Answer(data=data, at=now, source=wiring.store.name)
    _last_good().keep(question, answer)
    return answer


def clear() -> None:
    """Forget everything that was read."""
    for cache in (cost, recomputed, _last_good):
        cache.clear()


def _read(store: SpendStore, query: SpendQuery) -> Cost:
    bill = store.spend(query)
    shown = tuple(row.value for row in bill.rows[:MOST_SHOWN] if row.usd is not None)
    # The whole is asked for by itself: a request of two models is two of the rows' requests.
    whole = store.spend(replace(query, by=None)).rows
    return Cost(
        query=query,
        whole=whole[0] if whole else None,
        bill=bill,
        bars=tuple(store.bars(query, shown)),
        shown=shown,
        held_since=store.held_since(),
    )


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=32)
