"""Cost: what requests cost, whom it is for, what came of it, and what changed."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import streamlit as st

from app import (
    budget_parts,
    cached_cost,
    cost_chart,
    cost_words,
    money,
    numbers,
    parts,
    recomputed_parts,
    reconciled_parts,
    scope,
    wired,
)
from app.cost_words import Cost
from app.local_time import clock, zone_name
from app.parts import plain, small
from signals.traces import spend_words
from signals.traces.outcomes import SUCCESSES
from signals.traces.spending import MAX_ROWS, Spend

REFRESH: Final = timedelta(minutes=1)
# In the URL a choice stands as it is labelled.
SPLITS: Final = {
    "Feature": "feature",
    "Tenant": "tenant",
    "Model": "model",
    "Prompt version": "prompt_version",
    "Outcome": "outcome",
    "Environment": "environment",
}
_NO_STORE: Final = (
    "Spend is added up by the embedded trace store, which this process does not have: the stores "
    "outside answer for single traces and for the signal cost per request, not for sums by outcome "
    "and provenance, nor for reported cost against the price list. Set `WAKEFUL_TRACE_STORE_URL` "
    "to `embedded`, beside others if need be, and run `wakeful up`."
)
_SUCCESS: Final = (
    f"All spend, that of failures included, divided by requests that ended as "
    f"{', '.join(SUCCESSES[:-1])} or {SUCCESSES[-1]}."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Cost", "What requests cost, by whom it is for, and what came of it.")
    if wired.current().store is None:
        parts.empty("Nobody adds up spend here", _NO_STORE, icon="payments", key="cost_no_store")
        _budgets()  # these are asked of whatever source has the cost
        return
    with st.container(horizontal=True, vertical_alignment="center", key="cost_scope", gap="small"):
        span = parts.choice("Range", list(cost_words.RANGES), "cost_range", default="7d")
        labels = scope.narrow()
    what = parts.choice("By", list(SPLITS), "cost_by", default="Feature")
    _live(span, what, labels)
    _budgets()


@st.fragment(run_every=REFRESH, key="cost_budgets_live")
def _budgets() -> None:
    budget_parts.draw(now=wired.current().clock())


@st.fragment(run_every=REFRESH, key="cost")
def _live(span: str, what: str, labels: tuple[tuple[str, str], ...]) -> None:
    now = wired.current().clock()
    answer = cached_cost.cost(span, SPLITS[what], labels, zone_name(parts.viewer_zone()))
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    cost = answer.data
    if cost is None:
        return
    if cost.whole is None or not cost.bill.rows:
        parts.empty(
            "No requests in this time",
            "Look further back, or narrow less. Spend is read from spans, which come by OTLP to "
            f"`{wired.current().settings.base_url}/v1/traces`.",
            icon="payments",
            key="cost_empty",
        )
        return
    _figures(cost, cost.whole, span, labels)
    with parts.card(
        "cost_chart", "Spend per hour" if span == cost_words.HOURS else "Spend per day"
    ):
        _chart(cost, what)
    with parts.card("cost_table", f"By {what.lower()}"):
        _table(cost, what, span)
    recomputed_parts.draw(span, labels)
    _footer(cost, answer.at, now=now)


def _figures(cost: Cost, whole: Spend, span: str, labels: tuple[tuple[str, str], ...]) -> None:
    moved = spend_words.change_words(whole) if cost.comparable else ""
    with st.grid(4, min_column_width=150, key="cost_figures"):
        with parts.card("cost_spend"):
            st.metric("Spend", spend_words.known_usd(whole))
            for line in _doubts(whole):
                st.markdown(line)
            reconciled_parts.mark_embedded(labels)
        with parts.card("cost_change"):
            st.metric("Change", moved.partition(" (")[0] or numbers.NO_VALUE)
            st.markdown(small(_compared(cost, moved, span)))
        with parts.card("cost_request"):
            st.metric("Per request", spend_words.usd(whole.per_request))
            st.markdown(small(f"{whole.requests:,} requests"))
        with parts.card("cost_success"):
            st.metric("Per success", spend_words.usd(whole.per_success), help=_SUCCESS)
            st.markdown(small(_concluded(whole)))


def _doubts(whole: Spend) -> list[str]:
    """Return what the sum rests on."""
    if whole.usd is None:
        said = [small("no call has a known cost")]
    else:
        ratio = whole.reported_ratio
        rest = "" if ratio in (0, 1, None) else ", the rest computed from tokens"
        said = [small(f"{spend_words.provenance(whole) or 'free of charge'}{rest}")]
    if interval := spend_words.interval(whole):
        # No badge: in a narrow card it would be cut, and then say something else.
        said.append(small(f"estimate of a sample, {interval}"))
    if whole.unpriced:
        said.append(parts.mark(spend_words.unpriced(whole), ("orange", "money_off")))
    return said


def _compared(cost: Cost, moved: str, span: str) -> str:
    if not cost.comparable:
        return f"traces do not go back through {cost_words.before_words(span)}"
    share = moved.partition(" (")[2].rstrip(")")
    against = f"against {cost_words.before_words(span)}, up to the same time of day"
    return f"{share} {against}" if share else "nothing was spent, now or before"


def _concluded(whole: Spend) -> str:
    if not whole.concluded:
        return "no request says how it turned out"
    return f"{whole.successes:,} of {whole.concluded:,} requests that say how they turned out"


def _chart(cost: Cost, what: str) -> None:
    frame = cost_words.drawn(cost, zone=parts.viewer_zone())
    if frame.empty:
        st.markdown(small("No call has a known cost: nothing to draw."))
        return
    st.vega_lite_chart(
        spec={**cost_chart.template(), "datasets": {cost_chart.BARS: frame}},
        key="cost_bars",
        alt=f"Spend over time by {what.lower()}",
    )


def _table(cost: Cost, what: str, span: str) -> None:
    if cost.comparable and (moved := spend_words.movers(cost.bill.rows)):
        listed = ", ".join(map(plain, moved))
        st.markdown(small(f"Moved most against {cost_words.before_words(span)}: {listed}."))
    frame = cost_words.table(cost, what)
    gone = [name for name in ("Before", "Change") if not cost.comparable]
    gone += [name for name in ("No price",) if frame[name].isna().all()]
    st.dataframe(
        money.told(frame.drop(columns=gone), cost_words.AMOUNTS, ["Change"]),
        hide_index=True,
        height="content" if len(frame) <= 14 else 560,
        key="cost_rows",
        placeholder=numbers.NO_VALUE,
        alt=f"Spend by {what.lower()}, one per row",
        column_config=_columns(what),
    )
    if what == "Model":
        st.markdown(
            small("Each model is charged its own calls; a request of two models is in both rows.")
        )
    if cost.bill.values > len(cost.bill.rows):
        st.markdown(small(f"The {MAX_ROWS} dearest of {cost.bill.values:,}; the sums are of all."))
    st.download_button(
        "CSV",
        partial(cost_words.as_csv, cost, SPLITS[what]),
        file_name=f"spend-by-{SPLITS[what]}-{span}.csv",
        mime="text/csv",
        icon=":material/download:",
        key="cost_csv",
        on_click="ignore",
    )


def _columns(what: str) -> dict[str, Any]:
    columns = st.column_config
    return {
        what: columns.TextColumn(pinned=True),
        "Share": columns.ProgressColumn(format="%.1f %%", min_value=0, max_value=100),
        "Requests": columns.NumberColumn(format="localized"),
        "Successes": columns.NumberColumn(format="localized", help=_SUCCESS),
        "Before": columns.NumberColumn(
            help="What it cost in the period before, up to the same time of day."
        ),
        "Change": columns.NumberColumn("Change in $"),
        "Cost is": columns.TextColumn(
            help="Reported by the application or its gateway, or computed from tokens and prices."
        ),
        "No price": columns.NumberColumn(
            format="%.1f %%",
            help="Calls that used tokens of a model without a known price: spend is a floor.",
        ),
    }


def _footer(cost: Cost, at: datetime | None, *, now: datetime) -> None:
    zone = parts.viewer_zone()
    since = clock(cost.query.start, now=now, zone=zone)
    said = [f"From {since} until now, by the clock of {zone_name(zone)}"]
    if cost.held_since is not None and cost.held_since > cost.query.start:
        said.append(f"traces go back only to {clock(cost.held_since, now=now, zone=zone)}")
    said.append(f"added up {numbers.age(at, now=now)} from the spans of the embedded trace store")
    parts.fine_print(" · ".join(said))
