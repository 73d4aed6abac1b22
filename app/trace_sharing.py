"""The part beneath a list of traces: what the bad ones share."""

from typing import Final

import pandas as pd
import streamlit as st

from app import cached_sharing, parts, wired
from app.cached_sharing import Bad, Shared
from app.trace_search import Filters
from signals.traces.sharing import Share

_TITLES: Final = {
    "model": "Model",
    "provider": "Provider",
    "feature": "Feature",
    "tenant": "Tenant",
    "prompt_version": "Prompt version",
    "status": "Status",
    "outcome": "Outcome",
    "tools": "Tool",
}
_WORDS: Final = {
    Bad.FAILED: "failed",
    Bad.SLOWEST: "slowest",
    Bad.DEAREST: "dearest",
    Bad.LISTED: "listed",
}
_FEW: Final = 10  # traces, below which a share may be chance


@st.fragment(key="traces_sharing")
def draw(filters: Filters) -> None:
    """Draw the choice of which are bad and, once one is made, what these share."""
    wiring = wired.current()
    if wiring.traces is None:
        return
    options = [bad.value for bad in cached_sharing.choices(filters, wiring.traces.abilities)]
    with parts.card("traces_sharing", "What do the bad ones share?"):
        chosen = st.segmented_control(
            "Which are bad",
            options,
            key="shared",
            bind="query-params",
            format_func=str.capitalize,
            label_visibility="collapsed",
        )
        if chosen:
            _answer(filters, Bad(chosen))


def _answer(filters: Filters, bad: Bad) -> None:
    answer = cached_sharing.shared(filters, bad)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=wired.current().clock())
    if answer.data is None:
        return
    found = answer.data
    if found.shares:
        table(found.shares, key="traces_shared_table")
    elif found.selected and found.rest:
        parts.fine_print("Nothing: no value is more frequent among them than among the rest.")
    parts.fine_print(_rests_on(found, _WORDS[bad], parts.plain(answer.source)))


def _rests_on(found: Shared, word: str, store: str) -> str:
    sizes = f"{found.selected:,} {word} against {found.rest:,} others"
    whole = f"of this time range in {store}"
    if found.cut:
        whole = f"{whole}, the newest {cached_sharing.SAMPLE:,} of either side at most"
    few = " So few may agree by chance." if min(found.selected, found.rest) < _FEW else ""
    return f"{sizes}, {whole}.{few}"


def table(shares: tuple[Share, ...], *, key: str) -> None:
    """Draw what some traces share, as rows; `key` is unique on the page."""
    percent = {
        name: st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
        for name in ("Of these", "Of the rest")
    }
    st.dataframe(
        pd.DataFrame(
            {
                "Attribute": [_TITLES[share.field] for share in shares],
                "Value": [share.value or "not told" for share in shares],
                "Of these": [100 * share.selected_ratio for share in shares],
                "Of the rest": [100 * share.rest_ratio for share in shares],
                "Difference": [100 * share.difference for share in shares],
            }
        ),
        hide_index=True,
        key=key,
        alt="Values that are more frequent among the bad traces, the greatest difference first",
        column_config={
            **percent,
            "Difference": st.column_config.NumberColumn(
                format="%+.0f pp", help="In percentage points."
            ),
        },
    )
