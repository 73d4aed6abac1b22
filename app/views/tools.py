"""Tools: what agents called, whether it worked, whether they were permitted, who still waits."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import cached_sessions, numbers, parts, scope, tool_parts, tool_words, wired
from app.parts import plain
from app.scope import Scope
from signals.traces.tools import ToolReport

REFRESH: Final = timedelta(seconds=30)
MOST_WAITING: Final = 12
_NO_STORE: Final = (
    "Tool calls are added up by the embedded trace store, which this process does not have: the "
    "stores outside give single traces, and the tools of each are on its page. Set "
    "`WAKEFUL_TRACE_STORE_URL` to `embedded`, beside others if need be, and run `wakeful up`."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Tools", "What agents called, what they were permitted, what still waits.")
    if wired.current().store is None:
        parts.empty("Nobody adds up tools here", _NO_STORE, icon="build", key="tools_no_store")
        return
    _live(scope.choose())


@st.fragment(run_every=REFRESH, key="tools_live")
def _live(chosen: Scope) -> None:
    now = wired.current().clock()
    answer = cached_sessions.tools(chosen.span, chosen.labels)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    report = answer.data
    if report is None:
        return
    if not report.tools:
        parts.empty(
            "No tool was called in this time",
            "Look further back, or narrow less. A call is a span of kind `tool`, such as "
            "OpenTelemetry's `execute_tool`, with `gen_ai.tool.name`.",
            icon="build",
            key="tools_empty",
        )
        return
    with parts.card("tools_table_card", "By tool"):
        tool_parts.table(report.tools, key="tools_table", most=14)
    if report.waiting:
        _waiting(report, now=now)
    many = "" if report.names == len(report.tools) else f"The {len(report.tools)} most called of "
    parts.fine_print(
        f"{many}{report.names:,} tools. {numbers.kept(is_sampled=wired.is_sampled())}"
        "Permission is `permission.outcome`, an approval "
        f"`approval.outcome`. Added up {numbers.age(answer.at, now=now)} from the spans of the "
        "embedded trace store."
    )


def _waiting(report: ToolReport, *, now: datetime) -> None:
    title = f"Approvals that wait ({report.waits:,})"
    told = "Not decided when their span was sent, and by no span with the same `approval.id` since."
    with parts.card("tools_waiting", title, told):
        for approval in report.waiting[:MOST_WAITING]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                said = tool_words.waiting(approval, now=now)
                st.markdown(f":orange[:material/pending:] {plain(said)}", width="stretch")
                parts.link(
                    "traces",
                    "Trace",
                    icon="account_tree",
                    trace=approval.trace_id,
                    span=approval.span_id,
                )
        left = report.waits - min(len(report.waiting), MOST_WAITING)
        if left:
            parts.fine_print(f"{left:,} more, that have waited less long.")
