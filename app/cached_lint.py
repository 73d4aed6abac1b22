"""What a rule that is being typed is held against besides its past; shared by all viewers.

A source that does not answer says nothing here: the form has said so already.
"""

import re
from datetime import timedelta
from typing import Any, Final

import streamlit as st

from alerts import rulebook
from alerts.rulelint.among import Others
from alerts.rulelint.asked import Known
from app import cached, wired
from signals import Query, QueryError, SignalError
from signals.discovery import REMEMBERED
from signals.naming import Names
from signals.prometheus_faults import NotThereError
from signals.promql_names import Named, names
from signals.trust import Bucket

FRESH: Final = timedelta(seconds=10)  # instants that are asked for
BOOK_FRESH: Final = timedelta(minutes=1)  # to index 10,000 takes 0.2 s, after they were read
NAMES_FRESH: Final = timedelta(minutes=1)
MOST_LABELLED: Final = 10  # metrics of one expression whose labels are looked up
_HASH: Final[dict[str | type[Any], Any]] = {Query: repr}
_FIRST_WORD: Final = re.compile(r"[a-zA-Z]+")


@st.cache_resource(ttl=BOOK_FRESH, max_entries=1, show_spinner=False, refresh_mode="background")
def others() -> Others:
    """Return the rules that this version can read, by id; none while the database is down."""
    found = cached.from_database("rules to compare with", rulebook.drafts).data or {}
    return Others(found.items())


@st.cache_resource(
    ttl=NAMES_FRESH, max_entries=64, show_spinner=False, refresh_mode="background", hash_funcs=_HASH
)
def buckets(query: Query) -> tuple[Bucket, ...]:
    """Return the buckets of the histogram behind a quantile; none where nobody knows them."""
    wiring = wired.current()
    prometheus = wiring.prometheus
    if prometheus is None or not prometheus.answers(query):
        return ()
    try:
        return tuple(prometheus.buckets(query, at=cached.floor(wiring.clock(), FRESH)))
    except SignalError:
        return ()


@st.cache_resource(ttl=NAMES_FRESH, max_entries=64, show_spinner=False)
def named(expression: str) -> tuple[Named, Known] | None:
    """Return what an expression speaks of, and what the server has of it; None if it is silent."""
    prometheus, found = wired.current().prometheus, names(expression)
    if prometheus is None or not found.metrics:
        return None
    try:
        return found, _known(prometheus.names, found)
    except SignalError:
        return None


def _known(server: Names, found: Named) -> Known:
    end = cached.floor(wired.current().clock(), FRESH)
    start = end - REMEMBERED
    # Those that begin alike come along, so that a misspelled one finds its neighbour.
    alike = {first[0] for name in found.metrics if (first := _FIRST_WORD.match(name))}
    wanted = [*map(re.escape, sorted(found.metrics)), *(f"{word}.*" for word in sorted(alike))]
    metrics = server.names("|".join(wanted), start=start, end=end)
    labels = {}
    for name in sorted(found.metrics & metrics)[:MOST_LABELLED]:
        try:
            labels[name] = server.labels(name, start=start, end=end)
        except (QueryError, NotThereError):  # too many series, or it tells no labels
            continue
    return Known(metrics=metrics, labels=labels)
