"""What traces as bad as one have in common, against the rest of the half hours round it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import wired
from app.cached import Answer
from signals import QueryError, SignalError
from signals.traces import TraceQuery, TraceStore
from signals.traces.sharing import EXPLAINING, Share, shares

ROUND: Final = timedelta(minutes=30)
SAMPLE: Final = 500  # traces of either side
SLOW: Final = 0.1  # of all requests that are slower, up to which one counts as slow
POOR: Final = 50.0  # points, beneath which an answer counts as bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """In what way a request was bad.

    Attributes:
        score: Its lowest evaluation; None without any.
    """

    failed: bool
    score: float | None
    duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What was found out, and on what it rests.

    Attributes:
        which: What makes a trace one of the selected, in words.
    """

    shares: tuple[Share, ...]
    which: str
    selected: int
    rest: int


@st.cache_resource(ttl=timedelta(minutes=1), max_entries=32, show_spinner=False)
def alike(bad: Bad, at: datetime) -> Answer[Alike]:
    """Return what traces as bad as one of `at` share that the others of that time do not."""
    wiring = wired.current()
    refusals = []
    for store in wiring.several.stores if wiring.several else (wiring.traces,):
        if store is None:
            continue
        try:
            return Answer(data=_alike(store, bad, at), at=wiring.clock(), source=store.name)
        except QueryError as error:
            refusals.append(str(error))
        except SignalError as error:
            return Answer(error=str(error), source=store.name)
    return Answer(error="; ".join(refusals))


def clear() -> None:
    """Forget everything that was read."""
    alike.clear()


def _alike(store: TraceStore, bad: Bad, at: datetime) -> Alike:
    """Select the failed for one that failed, the slow for a slow one, else the poorly scored."""
    plain = TraceQuery(start=at - ROUND, end=at + ROUND, limit=SAMPLE)
    can_score = "max_score" in store.abilities.narrows
    sample = store.search(plain)
    selecting: set[str] = set()
    slower = sum(trace.duration_ms > bad.duration_ms for trace in sample)
    poor = bad.score is not None and bad.score < POOR
    if bad.failed:
        which, query, selecting = "failed", replace(plain, errors_only=True), {"status", "outcome"}
    elif can_score and (poor or slower > SLOW * len(sample)):
        which, query = f"scored at most {POOR:g}", replace(plain, max_score=POOR)
    else:
        seconds = bad.duration_ms / 1000
        which = f"at least as slow, {seconds:.3g} s or more"
        query = replace(plain, min_duration_ms=bad.duration_ms)
    selected = store.search(query)
    taken = {trace.trace_id for trace in selected}
    rest = [trace for trace in sample if trace.trace_id not in taken]
    fields = (set(EXPLAINING) & store.abilities.listed) - selecting
    return Alike(
        shares=tuple(shares(selected, rest, fields=fields)),
        which=which,
        selected=len(selected),
        rest=len(rest),
    )
