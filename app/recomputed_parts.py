"""The card of the Cost page that compares reported cost with the price list."""

from typing import Final

import streamlit as st

from app import cached_cost, numbers, parts, recomputed_words, wired
from app.local_time import zone_name
from app.parts import plain, small
from signals import prices
from signals.traces.recomputing import MAX_MODELS, Recomputed, together

_CAVEAT: Final = (
    f"By {prices.LIST}, which knows no contracts, batches or priority tiers. A bill that is stated "
    "for a whole request alone has no calls to compare."
)


def draw(span: str, labels: tuple[tuple[str, str], ...]) -> None:
    """Draw what was reported, by model and provider, against what the list has for the tokens."""
    now = wired.current().clock()
    answer = cached_cost.recomputed(span, labels, zone_name(parts.viewer_zone()))
    with parts.card("cost_recomputed", "Reported against the price list"):
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if answer.data is None:
            return
        rows = answer.data.rows
        if not rows:
            st.markdown(small("No call has a reported cost: there is nothing to compare."))
            return
        for said in recomputed_words.summary(rows):
            st.markdown(plain(said))
        for word in recomputed_words.marks(together(rows)):
            st.markdown(parts.mark(word, ("blue", "query_stats")))
        _table(rows)
        if answer.data.models > len(rows):
            st.markdown(
                small(f"The {MAX_MODELS} dearest of {answer.data.models:,}; the sums are of these.")
            )
        st.markdown(small(_CAVEAT))


def _table(rows: tuple[Recomputed, ...]) -> None:
    columns = st.column_config
    st.dataframe(
        recomputed_words.table(rows),
        hide_index=True,
        height="content" if len(rows) <= 14 else 560,
        key="cost_recomputed_rows",
        placeholder=numbers.NO_VALUE,
        alt="Reported cost against the price list, one model and provider per row",
        column_config={
            "Model": columns.TextColumn(pinned=True),
            "Difference": columns.NumberColumn(
                help="How much more (+) or less was reported than the list has for the tokens."
            ),
            "Calls compared": columns.NumberColumn(format="localized"),
            "Not compared": columns.TextColumn(help="Calls, and why they could not be."),
        },
    )
