"""Investigate: from "the answer looks wrong" to the cause, in seven steps.

One box takes what a complaint has; each step then shows its evidence by itself and takes notes.
The address is for sharing: `?request=<id>` opens the same request with everybody's notes.
"""

from datetime import datetime
from functools import partial
from urllib.parse import quote

import streamlit as st

from app import (
    cached_finding,
    case_report,
    case_steps,
    numbers,
    parts,
    trace_box,
    trace_lookup,
    wired,
)
from app.case import Case, gather
from app.case_evidence import QUESTIONS
from app.parts import plain
from app.sought import MAX_TEXT, malformed, seek
from app.trace_box import REQUEST
from models.tables import CaseNote


def render() -> None:
    """Draw the page."""
    parts.page_header("Investigate", "From “the answer looks wrong” to the cause, in seven steps.")
    wiring = wired.current()
    now = wiring.clock()
    if wiring.traces is None:
        parts.empty(
            "No trace store is configured",
            "Set `WAKEFUL_TRACE_STORE_URL` to `embedded` (the default) and restart.",
            icon="account_tree",
        )
        return
    text = trace_box.draw(REQUEST)
    sought = seek(text)
    if sought.cut:
        st.warning(f"Only the first {MAX_TEXT:,} characters were looked through.")
    if sought.is_nothing:
        if text:
            st.warning(malformed(text), icon=":material/search_off:")
        _start(now=now)
        return
    trace_id = trace_lookup.find(sought)
    if trace_id is None:
        trace_lookup.draw(text, sought, box=REQUEST)
        if not trace_lookup.is_named(sought):
            _notes_of_what_is_gone(sought.trace_ids, now=now)
        return
    case = gather(trace_id)
    if case is None:
        return
    notes = cached_finding.notes(trace_id)
    parts.sources_down([notes], now=now)
    with st.container(horizontal=True, vertical_alignment="center"):
        _export(case, notes.data or ())
        parts.fine_print("To share it, copy the address: notes are for everybody.")
    case_steps.draw(case, notes.data or (), now=now)


def _start(*, now: datetime) -> None:
    with parts.card("investigate_steps", "Paste what the complaint has; then read on"):
        for number, question in enumerate(QUESTIONS.values(), start=1):
            st.markdown(f"{number}. {plain(question)}")
    cases = cached_finding.cases()
    parts.sources_down([cases], now=now)
    if cases.data:
        with parts.card("investigate_cases", "Noted of last"):
            for note in cases.data:
                _case(note, now=now)


def _case(note: CaseNote, *, now: datetime) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        first = note.text.splitlines()[0][:120]
        by = f"{plain(note.author)}, {numbers.age(note.at, now=now)}"
        st.markdown(f"{plain(first)}  \n{parts.small(by)}", width="stretch")
        st.button(
            f"…{note.trace_id[-8:]}",
            icon=":material/account_tree:",
            key=f"investigate_open_{note.id}",
            on_click=_open,
            args=(note.trace_id,),
        )


def _open(trace_id: str) -> None:
    st.session_state[REQUEST] = trace_id


def _notes_of_what_is_gone(trace_ids: tuple[str, ...], *, now: datetime) -> None:
    """Draw the notes on a trace that no store has any longer: they outlive it."""
    notes = [note for one in trace_ids for note in cached_finding.notes(one).data or ()]
    if notes:
        with parts.card("investigate_gone", "What was noted while it was there"):
            for note in notes:
                by = f"{plain(note.author)}, {numbers.age(note.at, now=now)}"
                st.markdown(f"{plain(note.text)}  \n{parts.small(by)}")


def _export(case: Case, notes: tuple[CaseNote, ...]) -> None:
    st.download_button(
        "Export as Markdown",
        partial(_written, case, notes),
        file_name=f"request-{case.trace_id}.md",
        mime="text/markdown",
        icon=":material/download:",
        key="investigate_export",
        on_click="ignore",
    )


def _written(case: Case, notes: tuple[CaseNote, ...]) -> str:
    wiring = wired.current()
    url = f"{wiring.settings.base_url}/investigate?{REQUEST}={quote(case.trace_id, safe='')}"
    return case_report.markdown(case.trace_id, case.evidence, notes, url=url, now=wiring.clock())
