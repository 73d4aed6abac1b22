"""Who answers for each signal, with what query and what value; shared by all viewers."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final

import streamlit as st

from alerts import mappings
from app import cached, golden, wired
from app.asking import ASKERS
from app.cached import Answer
from models.tables import SignalMapping
from models.vocabulary import DataState
from signals import Query, QueryError, Reading, SignalError
from signals.catalog import CATALOG, Signal
from signals.discovery import Answerer, Findings
from signals.mapping import CHECK_WINDOW, MappingDraft, OwnMapping, check, own
from signals.packs import Pack
from signals.promql import Asked
from signals.trust import Trust

FRESH: Final = timedelta(seconds=10)
OUR_LABELS: Final = (
    "feature", "model", "tenant", "environment", "prompt_version", "provider", "outcome",
    "direction",
)  # fmt: skip
# What Wakeful tells of itself has no other source.
SIGNALS: Final = tuple(s for s in CATALOG.values() if not s.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Who answers for one signal, unscoped, and what it says.

    Attributes:
        source: The name of the source; empty when nobody has the signal.
        by: Whose numbers they are: a stack, or the user's own mapping; empty for traces.
        asked: The PromQL; None for what is not asked in PromQL.
        gives: What would give the signal, a sentence for each stack that is there.
    """

    signal: Signal
    source: str = ""
    by: str = ""
    own: bool = False
    asked: Asked | None = None
    answer: Answer[Reading] = field(default_factory=Answer)
    gives: tuple[tuple[str, str], ...] = ()

    @property
    def value(self) -> float | None:
        """Return the value at present, or None."""
        return golden.value(self.answer.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How a mapping that is being typed fares at the server.

    Attributes:
        expression: What the server was asked.
        error: Why it is of no use, in the server's words; empty if it works.
    """

    expression: str
    value: float | None = None
    state: DataState = DataState.OK
    error: str = ""


@st.cache_resource(
    ttl=FRESH, max_entries=64, show_spinner=False, refresh_mode="background",
    hash_funcs={Signal: repr},
)  # fmt: skip
def answered(signal: Signal) -> Answered:
    """Return who answers for `signal`, and what it says."""
    wiring = wired.current()
    query = golden.question(signal, ())
    try:
        source = wiring.signals.route(query)
    except QueryError:
        return Answered(signal=signal, gives=_gives(signal))
    answer = cached.current(query)
    if source is not wiring.prometheus or wiring.prometheus is None:
        return Answered(signal=signal, source=source.name, answer=answer, gives=_gives(signal))
    answerer, asked = wiring.prometheus.asked(query)
    return Answered(
        signal=signal,
        source=source.name,
        by=answerer.title,
        own=isinstance(answerer, OwnMapping),
        asked=asked,
        answer=answer,
    )


def all_answered() -> list[Answered]:
    """Return `answered` of every signal, asked together; of a slow source what it said before."""
    late = ASKERS.late({("answered", one.name): partial(answered, one) for one in SIGNALS})
    return [_before(one) if ("answered", one.name) in late else answered(one) for one in SIGNALS]


def _before(signal: Signal) -> Answered:
    answer = cached.late(golden.question(signal, ()))
    return Answered(signal=signal, source=answer.source, answer=answer)


@st.cache_resource(
    ttl=FRESH, max_entries=64, show_spinner=False, refresh_mode="background",
    hash_funcs={Signal: repr},
)  # fmt: skip
def trust(signal: Signal) -> Trust | None:
    """Return how far the present value of `signal` may be trusted; None where nobody can say."""
    wiring = wired.current()
    prometheus, query = wiring.prometheus, golden.question(signal, ())
    if prometheus is None or not prometheus.answers(query):
        return None
    try:
        return prometheus.trust(query, at=cached.floor(wiring.clock(), FRESH))
    except SignalError:
        return None


@st.cache_resource(ttl=timedelta(seconds=2), max_entries=1, show_spinner=False)
def saved() -> Answer[dict[str, SignalMapping]]:
    """Return the mappings that users saved, by signal. Shared: never change a row."""
    return cached.from_database(
        "mappings", lambda session: {row.signal: row for row in mappings.mappings(session)}
    )


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def tried(signal: str, promql: str, labels: tuple[tuple[str, str], ...]) -> Tried:
    """Return how the mapping fares at the server now."""
    wiring = wired.current()
    draft = MappingDraft(signal=signal, promql=promql, labels=dict(labels))
    asked = own(draft).ask(Query(signal=signal, window=CHECK_WINDOW)).promql
    if wiring.expressions is None:
        return Tried(expression=asked, error="No Prometheus is connected to try it on.")
    try:
        reading = check(draft, wiring.expressions, at=cached.floor(wiring.clock(), FRESH))
    except SignalError as error:
        return Tried(expression=asked, state=error.state, error=str(error))
    return Tried(expression=asked, value=golden.value(reading), state=reading.state)


def findings() -> Findings:
    """Return what is known of the server's names, without asking."""
    prometheus = wired.current().prometheus
    return prometheus.stacks.findings if prometheus else Findings()


def labels_of(signal: Signal) -> list[tuple[str, str]]:
    """Return our labels that split the signal, each with the server's label behind it."""
    wiring = wired.current()
    prometheus, query = wiring.prometheus, golden.question(signal, ())
    if prometheus is None or not prometheus.answers(query):
        return []
    answerer, _ = prometheus.asked(query)
    return [
        (name, _theirs(answerer, replace(query, by=(name,))))
        for name in OUR_LABELS
        if not answerer.lacking([name])
    ]


def clear() -> None:
    """Forget what was read: somebody has just changed a mapping."""
    for cache in (answered, trust, saved, tried):
        cache.clear()


def _theirs(answerer: Answerer, query: Query) -> str:
    (name,) = query.by
    renamed = answerer.ask(query, grown=True).renamed
    return next((theirs for theirs, ours in renamed.items() if ours == name), name)


def _gives(signal: Signal) -> tuple[tuple[str, str], ...]:
    """Return what would give `signal`: of the stacks that are there, or of those that could be."""
    there: tuple[Pack, ...] = findings().stacks
    return tuple((p.title, p.without[signal.name]) for p in there if signal.name in p.without)
