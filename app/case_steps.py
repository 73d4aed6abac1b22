"""The seven steps as they stand on the page: each its question, its evidence, its notes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo

import streamlit as st

from app import (
    case_evidence,
    case_note_form,
    numbers,
    parts,
    trace_around,
    trace_facts,
    trace_parts,
    trace_sharing,
)
from app.case import Case
from app.case_evidence import QUESTIONS, Evidence, Step
from app.parts import plain
from models.tables import CaseNote

_SUSPECT: parts.Look = ("orange", "search_insights")
_CLEAR: parts.Look = ("gray", "check")


def draw(case: Case, notes: Sequence[CaseNote], *, now: datetime) -> None:
    """Draw all steps, with what people noted at each."""
    found, tz = case.evidence, parts.viewer_zone()
    _summary(found)
    for number, (step, question) in enumerate(QUESTIONS.items(), start=1):
        with parts.card(f"investigate_{step}"):
            _head(number, question, found[step])
            for said in found[step].said:
                st.markdown(f"- {plain(said)}")
            _MORE[step](case, tz, now)
            case_note_form.draw(
                case.trace_id, step, [one for one in notes if one.step == step.value], now=now
            )


def _summary(found: Mapping[Step, Evidence]) -> None:
    """Draw in one line where something is not as it should be."""
    odd = [n for n, step in enumerate(QUESTIONS, start=1) if found[step].suspect]
    if odd:
        steps = ", ".join(map(str, odd))
        st.markdown(f"{parts.mark('look here first', _SUSPECT)} Something is odd at step {steps}.")
    else:
        st.markdown(
            f"{parts.mark('nothing odd', _CLEAR)} No step found anything wrong by itself: read "
            "the prompt and the answer, and what the bad ones share."
        )


def _head(number: int, question: str, evidence: Evidence) -> None:
    mark = f" {parts.mark('odd', _SUSPECT)}" if evidence.suspect else ""
    st.markdown(f"**{number}. {plain(question)}**{mark}")


def _request(case: Case, _tz: tzinfo, now: datetime) -> None:
    if case.request is not None:
        age = numbers.age(case.request.started_at, now=now)
        parts.fine_print(f"Trace `{case.trace_id}` in {plain(case.source)}, {age}.")


def _time(case: Case, _tz: tzinfo, _now: datetime) -> None:
    hints = case.drawing.hints
    span = {"span": hints[0].key} if hints else {}
    parts.link("traces", "Waterfall", icon="account_tree", trace=case.trace_id, **span)


def _prompt(case: Case, _tz: tzinfo, _now: datetime) -> None:
    call = case_evidence.main_call(case.drawing.waterfall)
    if call is None:
        return
    texts = (("Prompt", call.span.input_text), ("Answer", call.span.output_text))
    for title, text in texts:
        if text:
            with st.expander(f"{title} ({len(text):,} characters)"):
                st.code(text, language=None, wrap_lines=True, height=320)
    version = call.span.prompt_version or trace_facts.first(
        case.drawing.waterfall, "prompt_version"
    )
    if version:
        parts.link(
            "traces", f"Traces of prompt {version}", icon="account_tree", prompt_version=version
        )


def _context(case: Case, _tz: tzinfo, _now: datetime) -> None:
    for row in case.drawing.waterfall.rows:
        span = row.span
        if span.tool and (span.input_text or span.output_text):
            with st.expander(f"{plain(span.tool)}: arguments and result"):
                st.code(span.input_text or "no arguments", language=None, wrap_lines=True)
                st.code(span.output_text or "no result", language=None, wrap_lines=True)


def _logs(case: Case, tz: tzinfo, now: datetime) -> None:
    if case.lines.data:
        with st.expander(f"All {len(case.lines.data)} lines"):
            trace_parts.log_lines(case.lines, case.drawing.waterfall, tz, now=now)


def _around(case: Case, tz: tzinfo, now: datetime) -> None:
    if case.request is None:
        return
    trace_around.signals(case.request, now=now)
    if case.alerts.data:
        trace_around.alerts(case.request, tz, now=now)


def _shared(case: Case, _tz: tzinfo, _now: datetime) -> None:
    found = case.alike.data
    if found is None or not found.shares:
        return
    with st.expander("Each attribute's share among them and the rest"):
        trace_sharing.table(found.shares, key="investigate_shares")
    parts.fine_print(
        f"Of the half hours before and after it in {plain(case.alike.source)}, "
        "at most the newest 500 of either side."
    )


_MORE: Mapping[Step, Callable[[Case, tzinfo, datetime], None]] = {
    Step.REQUEST: _request,
    Step.TIME: _time,
    Step.PROMPT: _prompt,
    Step.CONTEXT: _context,
    Step.LOGS: _logs,
    Step.AROUND: _around,
    Step.SHARED: _shared,
}
