"""What happened lately, as a card of a page, and the form that adds to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import annotations
from alerts.annotations import AnnotationError
from app import (
    annotation_words,
    cached,
    cached_alerts,
    cached_annotations,
    identity,
    local_time,
    parts,
    wired,
)
from app.parts import plain, small
from app.scope import Scope
from models.tables import Annotation
from models.vocabulary import AnnotationKind

SHOWN: Final = 6
_TITLE: Final = "annotation_title"
_KIND: Final = "annotation_kind"
_AT: Final = "annotation_at"
_URL: Final = "annotation_url"


def listing(chosen: Scope, *, now: datetime) -> None:
    """Draw the card of what happened in the chosen time; nothing when nothing did."""
    parts.show_flash()  # of a removal, which draws this part of the page alone
    found = cached_annotations.lately(chosen).data
    if not found:
        return
    with parts.card("annotations", "What happened meanwhile"):
        for row in found[:SHOWN]:
            _line(row, now=now)
        if len(found) > SHOWN:
            with st.expander(f"{len(found) - SHOWN} more"):
                for row in found[SHOWN:]:
                    _line(row, now=now)


def _line(row: Annotation, *, now: datetime) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = annotation_words.line(row, now=now, zone=parts.viewer_zone())
        st.markdown(said, width="stretch")
        st.button(
            "Remove",
            icon=":material/close:",
            type="tertiary",
            key=f"annotation_remove_{row.id}",
            help=f"Remove {plain(row.title)}",
            on_click=_remove,
            args=(row.id,),
        )


def form() -> None:
    """Draw the form that adds an annotation; outside of what refreshes itself."""
    zone = parts.viewer_zone()
    with (
        st.popover("Annotate", icon=":material/flag:", key="annotation"),
        st.form("annotation_form", border=False),
    ):
        st.text_input("What happened", key=_TITLE, placeholder="copilot 1.4.2", max_chars=200)
        st.segmented_control(
            "Kind", [kind.value for kind in AnnotationKind], key=_KIND, default="deploy"
        )
        st.datetime_input(f"When, {local_time.zone_name(zone)}; now if empty", None, key=_AT)
        st.text_input("Link", key=_URL, placeholder="https://", max_chars=2000)
        st.form_submit_button("Add", type="primary", key="annotation_add", on_click=_add)
    st.markdown(small("Pipelines tell of deploys by `POST /api/annotations`."))


def _add() -> None:
    wiring, state = wired.current(), st.session_state
    said = {
        "title": state.get(_TITLE) or "",
        "kind": state.get(_KIND) or AnnotationKind.OTHER.value,
        "url": (state.get(_URL) or "").strip(),
    }
    if (wall := state.get(_AT)) is not None:
        said["at"] = local_time.instant(wall, parts.viewer_zone())[0]

    def write() -> str:
        row, is_new = annotations.annotate(
            wiring.db, annotations.read(said), now=wiring.clock(), by=identity.viewer()
        )
        return f"{row.title} is noted{'' if is_new else ' already'}."

    if _done(write):
        for key in (_TITLE, _AT, _URL):
            state[key] = None if key == _AT else ""


def _remove(annotation_id: int) -> None:
    def write() -> str:
        gone = annotations.remove(wired.current().db, annotation_id, by=identity.viewer())
        return "Removed." if gone else "It was removed already."

    _done(write)


def _done(write: Callable[[], str]) -> bool:
    """Do `write` and say how it went; say whether it did."""
    try:
        said = write()
    except AnnotationError as error:
        parts.flash(f"Not added: {plain(str(error))}", ":material/block:")
        return False
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} Nothing was changed.", ":material/block:")
        return False
    cached_annotations.clear()
    cached_alerts.clear()
    parts.flash(plain(said))
    return True
