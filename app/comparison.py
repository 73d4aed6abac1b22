"""What the lines of a dashboard are compared with, kept in the URL: `?compare=week`."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import cached, cached_annotations, wired
from app.panel_plots import View
from app.scope import Scope
from models.vocabulary import AnnotationKind

COMPARE: Final = "compare"
_CHOICE: Final = "dashboards_compare"
WEEK: Final = "week"
DEPLOY: Final = "deploy"
WORDS: Final = {WEEK: "last week", DEPLOY: "before the deploy"}


def choose() -> str | None:
    """Draw the choice and return it."""
    # By hand, not by `bind`: that writes what is displayed into the address.
    st.session_state[_CHOICE] = linked()
    chosen: str | None = st.segmented_control(
        "Compare",
        list(WORDS),
        format_func=lambda one: WORDS[one].capitalize(),
        key=_CHOICE,
        label_visibility="collapsed",
        on_change=_link,
    )
    return chosen


def linked() -> str | None:
    """Return what the address says."""
    told = st.query_params.get(COMPARE)
    return told if told in WORDS else None


def _link() -> None:
    if chosen := st.session_state[_CHOICE]:
        st.query_params[COMPARE] = chosen
    else:
        st.query_params.pop(COMPARE, None)


def view(compare: str | None, chosen: Scope, *, now: datetime) -> View | None:
    """Return how panels are looked at; None if there was no deploy to compare with."""
    if compare not in WORDS:
        return View()
    if compare == WEEK:
        return View(offset=timedelta(days=7), compared=WORDS[WEEK])
    deployed = _deployed(chosen)
    if deployed is None:
        return None
    # Whole steps, so that each value lies on the grid of its counterpart: the dashed line ends
    # with the last of them before the deploy.
    lies = cached.grid(chosen.span, now=now)
    steps = max(1, -((lies.end - deployed) // -lies.step))
    return View(offset=steps * lies.step, compared=WORDS[DEPLOY])


def _deployed(chosen: Scope) -> datetime | None:
    """Return when the last deploy was, in a week at the most."""
    looked_at = Scope(span=max(chosen.span, timedelta(days=7)), labels=chosen.labels)
    known = cached_annotations.lately(looked_at).data or ()
    now = wired.current().clock()
    return next(
        (one.at for one in known if one.kind is AnnotationKind.DEPLOY and one.at <= now), None
    )
