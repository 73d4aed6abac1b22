"""Quality: scores, feedback, guardrails, approvals, tools and retrieval, and what they rest on."""

from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import (
    cached_quality,
    numbers,
    parts,
    quality_parts,
    quality_words,
    reconciled_parts,
    scope,
    wired,
)
from app.cached_quality import Quality
from app.parts import plain, small
from models.vocabulary import Unit

REFRESH: Final = timedelta(minutes=1)
SPLITS: Final = {
    "Prompt version": "prompt_version",
    "Feature": "feature",
    "Tenant": "tenant",
    "Model": "model",
}
_NO_STORE: Final = (
    "Scores, feedback and guardrails are read from spans in the embedded trace store, which this "
    "process does not have. Set `WAKEFUL_TRACE_STORE_URL` to `embedded`, beside others if need "
    "be, and run `wakeful up`."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Quality", "How good the answers were, and what kept them safe.")
    if wired.current().store is None:
        parts.empty("Nobody adds up quality here", _NO_STORE, icon="verified", key="quality_none")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="quality_scope",
                      gap="small"):  # fmt: skip
        span = parts.choice("Range", list(cached_quality.RANGES), "quality_range", default="7d")
        labels = scope.narrow()
    what = parts.choice("By", list(SPLITS), "quality_by", default="Prompt version")
    _live(span, what, labels)


@st.fragment(run_every=REFRESH, key="quality")
def _live(span: str, what: str, labels: tuple[tuple[str, str], ...]) -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_quality.quality(span, SPLITS[what], labels)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    found = answer.data
    if found is None:
        return
    reconciled_parts.mark_embedded(labels)
    with parts.card("quality_scores", "Eval scores", "In points of 100, against as long before."):
        _scores(found, what)
    with parts.card("quality_feedback", "What people made of the answers"):
        _feedback(found, what)
    with parts.card("quality_guards", "Guardrails"):
        _table(
            quality_words.guards(found.guards),
            "quality_guard_rows",
            "A guardrail is a span with `guardrail.name`, `guardrail.triggered` and "
            "`guardrail.reason`.",
        )
        quality_parts.sample(found.guards, span, SPLITS[what], labels)
    with parts.card("quality_approvals", "Approvals"):
        _approvals(found, now=now)
    with parts.card("quality_tools", "Tools and what they were permitted"):
        _table(
            quality_words.tools(found.tools.tools),
            "quality_tool_rows",
            "A call is a span of kind tool with `gen_ai.tool.name` and `permission.outcome`.",
        )
    with parts.card("quality_searches", "Retrieval"):
        _table(
            quality_words.searches(found.searches, what),
            "quality_search_rows",
            "Retrieval is a span of that kind with `retrievalChunkCount`; the answer says "
            "`citations`, and `retrieval.fallback` or `lowConfidence`.",
            Chunks=st.column_config.NumberColumn(format="%.1f", help="In the mean."),
        )
    parts.fine_print(
        f"{numbers.kept(is_sampled=wired.is_sampled())}Of requests with all that was chosen · "
        f"read {numbers.age(answer.at, now=now)} from the spans of the embedded trace store · "
        f"a share needs {quality_words.THIN} samples, or its counts stand in its place"
    )


def _scores(found: Quality, what: str) -> None:
    points = st.column_config.NumberColumn
    _table(
        quality_words.scores(found.scores, what),
        "quality_score_rows",
        "A score is a span or an event with `gen_ai.evaluation.name` and "
        "`gen_ai.evaluation.score.value`.",
        Mean=points(format="%.1f"),
        **{
            "Worst tenth": points(format="%.1f", help="A tenth of the scores is below this."),
            "Change": points(format="%+.1f", help="Of the mean, against as long before."),
        },
    )


def _feedback(found: Quality, what: str) -> None:
    said = sum(row.told for row in found.feedback)
    asked = sum(row.requests for row in found.feedback)
    if not said:
        of = f" of {asked:,} requests" if asked else ""
        st.markdown(
            small(
                f"Nobody said anything{of}. Tell it by `POST /api/outcomes`: accepted, edited, "
                "rejected, abandoned, thumbs_up, thumbs_down, confirmation_rejected; or send a "
                "score called `user_feedback`."
            )
        )
        return
    _table(quality_words.feedback(found.feedback, what), "quality_feedback_rows", "")
    heard = quality_words.share(said, asked)
    st.markdown(small(f"Heard of {said:,} of {asked:,} requests ({heard}): the rest is silence."))


def _approvals(found: Quality, *, now: datetime) -> None:
    report, queue = found.tools, found.queue
    with st.grid(3, min_column_width=150, key="quality_queue"):
        with parts.card("quality_depth"):
            st.metric("Queue depth", numbers.number(queue.depth if queue else None, Unit.COUNT))
            st.markdown(small(f"told {numbers.age(queue.at, now=now)}" if queue else "not told: "
                              "send `approval.queue_depth`"))  # fmt: skip
        with parts.card("quality_oldest"):
            oldest = report.waiting[0].age(now=now) if report.waiting else None
            st.metric("Oldest waits", numbers.coarse(oldest) if oldest else numbers.NO_VALUE)
            st.markdown(small(plain(report.waiting[0].tool) if report.waiting else "none waits"))
        with parts.card("quality_waiting"):
            told = bool(found.approvers)
            st.metric("Undecided", f"{report.waits:,}" if told else numbers.NO_VALUE)
            st.markdown(small("as far as spans tell" if told else "nobody was asked"))
    _table(
        quality_words.approvers(found.approvers),
        "quality_approver_rows",
        "An approval is a tool's span with `approval.outcome`, `approval.id`, `approval.approver`, "
        "`approval.requested_at` and `approval.decided_at`. Name approvers: addresses are "
        "redacted.",
    )


def _table(frame: pd.DataFrame, key: str, missing: str, **columns: Any) -> None:
    """Draw a table; where there is nothing, what to send."""
    if frame.empty:
        st.markdown(small(f"Nothing in this time. {missing}"))
        return
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(frame) <= 12 else 460,
        key=key,
        placeholder=numbers.NO_VALUE,
        alt=key.replace("_", " "),
        column_config={
            frame.columns[0]: st.column_config.TextColumn(pinned=True),
            **{
                column: st.column_config.TextColumn(alignment="right")
                for column in frame.columns
                if column in quality_words.NUMERIC
            },
            **{
                column: st.column_config.NumberColumn(format="localized")
                for column in frame.select_dtypes("integer").columns
            },
            **columns,
        },
    )
