"""Metrics against traces as pages show it: a card, and a mark on the numbers of the poorer side."""

from datetime import datetime
from typing import Final

import streamlit as st

from app import cached_reconciling, parts, reconciled_words, wired
from app.cached import Answer
from app.local_time import clock
from app.parts import plain, small
from signals import Query
from signals.counts import Period, Side, percent
from signals.reconciling import Reconciled, Verdict

_LOOKS: Final[dict[Verdict, parts.Look]] = {
    Verdict.AGREE: ("green", "check"),
    Verdict.TRACES_MISS: ("orange", "join_left"),
    Verdict.METRICS_MISS: ("orange", "join_right"),
    Verdict.BOTH_MISS: ("orange", "join_inner"),
    Verdict.SILENT: ("orange", "volume_off"),
    Verdict.THIN: ("gray", "hourglass_empty"),
    Verdict.YOUNG: ("gray", "hourglass_empty"),
    Verdict.NOT_COMPARABLE: ("gray", "link_off"),
}


def card(answer: Answer[Reconciled], *, now: datetime) -> None:
    """Draw what metrics and traces do not know of each other."""
    with parts.card("sources_reconciled", "Metrics against traces"):
        found = answer.data
        if found is None:
            nothing = "They could not be asked." if answer.error else "Both are still being asked."
            st.markdown(small(nothing))
            return
        mark = parts.mark(reconciled_words.badge(found), _LOOKS[found.verdict])
        st.markdown(f"{mark} {plain(reconciled_words.sentence(found))}")
        if found.whole is not None:
            _totals(found)
            _worst(found)
        when = [_period(found.period, now=now)] if found.period else []
        said = (*when, *reconciled_words.footnote(found))
        st.markdown(small("\n".join(map(plain, said))))


def mark(source: str, labels: tuple[tuple[str, str], ...] = (), query: Query | None = None) -> None:
    """Draw on a number that `source` tells what it does not rest on, if anything is missing."""
    if said := cached_reconciling.lack(source, labels, query):
        # No badge: in a narrow card it would be cut, and a share that is cut says nothing.
        st.markdown(f":orange[:material/join_inner:] {small(plain(said))}")


def mark_embedded(labels: tuple[tuple[str, str], ...]) -> None:
    """Draw `mark` on numbers that the embedded store tells, whoever answers for signals."""
    if (store := wired.current().store) is not None:
        mark(store.name, labels)


def _totals(found: Reconciled) -> None:
    whose = {Side.METRICS: found.metrics_by, Side.TRACES: found.traces_by}
    with st.grid(2, min_column_width=130, key="sources_reconciled_totals"):
        for side in Side:
            with st.container(key=f"sources_reconciled_{side}", gap="xsmall"):
                st.metric(
                    f"{found.what.capitalize()} in {side}", reconciled_words.counted(found, side)
                )
                said = [whose[side], _missed(found, side)]
                if side is Side.TRACES:
                    said.append(reconciled_words.margin(found))
                st.markdown(small("\n".join(plain(one) for one in said if one)))


def _missed(found: Reconciled, side: Side) -> str:
    if found.verdict is Verdict.THIN:
        return ""
    share = found.misses(side)
    return f"misses {percent(share)}" if share else "misses none to speak of"


def _worst(found: Reconciled) -> None:
    frame = reconciled_words.table(found)
    if frame.empty:
        return
    columns = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key="sources_reconciled_rows",
        alt="Where the most is missing, one part of the traffic per row",
        column_config={
            "Part": columns.TextColumn(pinned=True),
            "Metrics": columns.TextColumn(alignment="right"),
            "Traces": columns.TextColumn(alignment="right"),
        },
    )


def _period(period: Period, *, now: datetime) -> str:
    zone = parts.viewer_zone()
    start, end = (clock(at, now=now, zone=zone) for at in (period.start, period.end))
    return f"From {start} to {end}: of what came since, some may be late."
