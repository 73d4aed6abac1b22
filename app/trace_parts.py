"""The parts of an opened trace: what it came to, where to look, one span, its log lines."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

import streamlit as st

from app import numbers, parts, trace_facts
from app.cached import Answer
from app.waterfall.hints import Hint
from app.waterfall.layout import Row, Waterfall
from models.vocabulary import CostSource, SpanStatus, Unit
from signals.logs import LogRecord
from signals.traces.costs import trace_tokens


def summary(drawn: Waterfall, tz: tzinfo) -> None:
    """Draw what the request was and what it came to."""
    root = drawn.root.span
    status = parts.status_mark(root.status)
    st.markdown(f"## {parts.plain(root.name)} &nbsp; {status}")
    known = " · ".join(
        f"{name} **{parts.plain(value)}**" for name, value in trace_facts.origin(drawn)
    )
    started = trace_facts.local(drawn.started_at, tz) if drawn.started_at else numbers.NO_VALUE
    st.markdown(parts.small(f"{started} · {known}"))
    ttft = next((row.span.ttft_ms for row in drawn.rows if row.span.ttft_ms is not None), None)
    tokens = trace_tokens(row.span for row in drawn.rows)
    with st.container(horizontal=True, key="traces_summary"):
        _metric("Latency", trace_facts.milliseconds(drawn.duration_ms))
        _metric(
            "Cost",
            trace_facts.cost(drawn.cost.usd, drawn.cost.source),
            trace_facts.cost_meaning(drawn),
        )
        _metric("Tokens", numbers.number(tokens, Unit.COUNT))
        failed = f"{drawn.error_count:,} failed" if drawn.error_count else "none failed"
        _metric("Spans", f"{drawn.span_count:,}{'+' if drawn.cut else ''}", failed)
        if ttft is not None:
            _metric("First token", trace_facts.milliseconds(ttft))
        _metric("Outcome", trace_facts.first(drawn, "outcome") or numbers.NO_VALUE)


def _metric(label: str, value: str, below: str | None = None) -> None:
    st.metric(
        label,
        value,
        delta=below,
        delta_color="off",
        delta_arrow="off",
        border=True,
        width=148,
        height="stretch",
    )


def hint_list(found: Sequence[Hint], *, on_pick: Callable[[str], None]) -> None:
    """Draw where the time and the money went; a press on one shows its span."""
    with parts.card("traces_hints", "Where the time and the money went"):
        if not found:
            parts.fine_print("Nothing stands out here.")
        for place, hint in enumerate(found):
            with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.markdown(
                    f"**{parts.plain(hint.sentence)}**  \n{parts.small(hint.advice)}",
                    width="stretch",
                )
                st.button(
                    "Show",
                    key=f"traces_hint_{place}",
                    on_click=on_pick,
                    args=(hint.key,),
                )


def span_details(row: Row, tz: tzinfo) -> None:
    """Draw one span: its figures at once, what it was sent and said behind a click."""
    span = row.span
    with parts.card("traces_span"):
        st.markdown(
            f"**{parts.plain(span.name)}**  \n"
            f"{parts.mark(span.kind.value, ('gray', 'category'))} "
            f"{parts.status_mark(span.status)}"
        )
        if span.status is SpanStatus.ERROR:
            st.error(parts.plain(span.status_message or "It failed without saying why."))
        for sentence in trace_facts.oddities(row):
            st.warning(sentence, icon=":material/schedule:")
        st.markdown(_figures(row))
        _texts(row)
        _pairs(trace_facts.facts(row))
        found = trace_facts.attributes(span)
        if found:
            with st.expander(f"Attributes ({len(found)})", key="traces_attributes"):
                _pairs(found)
        if span.events:
            with st.expander(f"Events ({len(span.events)})", key="traces_events", expanded=True):
                for event in span.events:
                    st.markdown(
                        f"**{parts.plain(event.name)}** :small[{trace_facts.local(event.at, tz)}]"
                    )
                    if event.attributes:
                        _pairs(sorted(event.attributes.items()))


def _figures(row: Row) -> str:
    span = row.span
    share = numbers.number(row.time_share, Unit.RATIO)
    said = [
        f"**{trace_facts.milliseconds(span.duration_ms)}** ({share} of the trace), "
        f"{trace_facts.milliseconds(row.self_ms)} of it in itself"
    ]
    if row.critical_ms > 0:
        said.append(f"the request waited **{trace_facts.milliseconds(row.critical_ms)}** for it")
    if span.ttft_ms is not None:
        said.append(f"first token after {trace_facts.milliseconds(span.ttft_ms)}")
    if span.cost_usd is not None:
        money = parts.plain(trace_facts.cost(span.cost_usd, span.cost_source))
        said.append(f"**{money}**, {span.cost_source.value}{_cost_part(row)}")
    elif span.cost_source is CostSource.UNPRICED:
        said.append("cost unknown: there is no price for its tokens")
    return "  \n".join(said)


def _cost_part(row: Row) -> str:
    if row.cost_share is not None:
        return f" ({numbers.number(row.cost_share, Unit.RATIO)} of the cost)"
    return "" if row.summed else " (not in the sum: it may repeat what its children cost)"


def _texts(row: Row) -> None:
    """Draw prompt and completion as they were, never as Markdown: they are from outside."""
    for title, text, key in (
        ("Prompt", row.span.input_text, "traces_prompt"),
        ("Completion", row.span.output_text, "traces_completion"),
    ):
        if text:
            with st.expander(f"{title} ({len(text):,} characters)", key=key):
                st.code(text, language=None, wrap_lines=True, height=320)


def _pairs(pairs: Sequence[tuple[str, str]]) -> None:
    st.dataframe(
        trace_facts.pairs_table(pairs),
        hide_index=True,
        height="content" if len(pairs) <= 12 else 420,
        column_config={"Name": st.column_config.TextColumn(width="small")},
    )


def log_lines(
    answer: Answer[tuple[LogRecord, ...]], drawn: Waterfall, tz: tzinfo, *, now: datetime
) -> None:
    """Draw the log lines of the trace in the order of time."""
    with parts.card("traces_logs", "Log lines"):
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if not answer.data:
            parts.fine_print(
                "No log line came with this trace id. Send them to `/v1/logs` by OTLP."
            )
            return
        st.dataframe(
            trace_facts.lines_table(answer.data, drawn),
            hide_index=True,
            column_config={
                "Time": st.column_config.DatetimeColumn(format="HH:mm:ss.SSS", timezone=str(tz)),
                "After ms": st.column_config.NumberColumn(format="%+.0f ms", label="After"),
                "Line": st.column_config.TextColumn(width="large"),
            },
        )
