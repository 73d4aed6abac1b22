"""The notes of one step, and the form that adds to them."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app import cached, cached_finding, case_notes, identity, numbers, parts, wired
from app.case_evidence import Step
from app.case_notes import CaseNoteError
from app.parts import plain
from models.tables import CaseNote


def draw(trace_id: str, step: Step, notes: Sequence[CaseNote], *, now: datetime) -> None:
    """Draw what was noted at a step, oldest first, and the form."""
    for note in notes:
        by = f"{plain(note.author)}, {numbers.age(note.at, now=now)}"
        text = "  \n".join(plain(line) for line in note.text.splitlines())
        st.markdown(f":material/edit_note: {text}  \n{parts.small(by)}")
    key = f"investigate_note_{step}"
    with (
        st.popover("Note", icon=":material/edit_note:", key=f"{key}_popover"),
        st.form(f"{key}_form", border=False),
    ):
        st.text_area("Note", key=key, max_chars=case_notes.LONGEST, label_visibility="collapsed")
        st.form_submit_button("Keep", key=f"{key}_keep", on_click=_keep, args=(trace_id, step, key))


def _keep(trace_id: str, step: Step, key: str) -> None:
    wiring = wired.current()
    try:
        with Session(wiring.db) as session:
            is_new = case_notes.add(
                session,
                trace_id=trace_id,
                step=step.value,
                text=st.session_state.get(key) or "",
                author=identity.viewer(),
                now=wiring.clock(),
            )
    except CaseNoteError as error:
        parts.flash(plain(str(error)), ":material/block:")
        return
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} Nothing was kept.", ":material/block:")
        return
    st.session_state[key] = ""
    cached_finding.clear()
    parts.flash("Noted." if is_new else "That was noted already.")
