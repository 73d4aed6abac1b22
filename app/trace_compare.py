"""The part of an opened trace that holds it against another: `with` in the URL."""

import streamlit as st

from app import cached_traces, comparing, money, numbers, parts, trace_facts, wired
from app.sought import malformed, seek
from app.waterfall.layout import Waterfall


def draw(one: Waterfall) -> None:
    """Draw the choice of another trace and, once one is made, where the two differ."""
    with parts.card("traces_compare", "Compare with another trace"):
        text = st.text_input(
            "Another trace",
            key="with",
            bind="query-params",
            placeholder="Paste the id of another trace, a link or a log line",
            label_visibility="collapsed",
        )
        if text:
            _compared(one, text)


def _compared(one: Waterfall, text: str) -> None:
    ids = seek(text).trace_ids
    if not ids:
        st.warning(malformed(text), icon=":material/search_off:")
        return
    answer = cached_traces.drawing(ids[0])
    if answer.error:
        parts.source_down(answer.error, answer.at, now=wired.current().clock())
    if answer.data is None:
        if not answer.error:
            parts.fine_print(f"No store has the trace `{ids[0]}`, as far as they have answered.")
        return
    other = answer.data.waterfall
    parts.fine_print(f"{_told('A, this one', one)}\n{_told('B', other)}")
    _table(comparing.compare(one, other))


def _told(letter: str, drawn: Waterfall) -> str:
    cost = trace_facts.cost(drawn.cost.usd, drawn.cost.source)
    name = parts.plain(drawn.root.span.name)
    took = trace_facts.milliseconds(drawn.duration_ms)
    return f"**{letter}**: {name} `{drawn.trace_id}` · {took} · {parts.plain(cost)}"


def _table(lines: list[comparing.Line]) -> None:
    number = st.column_config.NumberColumn
    seconds, tokens = "%.3f s", "localized"
    st.dataframe(
        money.told(comparing.table(lines), ["Cost A", "Cost B"], ["Cost ±"]),
        hide_index=True,
        key="traces_compare_table",
        placeholder=numbers.NO_VALUE,
        height="content" if len(lines) <= 14 else 560,
        alt="Time, cost and tokens of both traces by the name of a span, and their differences",
        column_config={
            "Span": st.column_config.TextColumn(pinned=True),
            "Time A": number(format=seconds, help="In the spans themselves, without children."),
            "Time B": number(format=seconds, help="In the spans themselves, without children."),
            "Time ±": number(format="%+.3f s", help="B less A."),
            "Cost ±": number(help="B less A."),
            "Tokens A": number(format=tokens),
            "Tokens B": number(format=tokens),
            "Tokens ±": number(format="%+d", help="B less A."),
        },
    )
