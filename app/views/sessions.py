"""Sessions: conversations of several turns, how they ended, what they cost, turn by turn.

In the URL: `session`, the id of one to replay; `sessions_by`, the order; those of `app.scope`.
"""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import cached_sessions, money, numbers, parts, scope, session_words, wired
from app.parts import plain, small
from app.scope import Scope
from signals.traces.sessions import MAX_TURNS, QUIET, SessionOrder, Sessions, Turn
from signals.units import span

REFRESH: Final = timedelta(seconds=30)
AT_ONCE: Final = 20  # turns drawn before the reader asks for more
# In the URL a choice stands as it is labelled.
_ORDERS: Final = {
    "Newest": SessionOrder.NEWEST,
    "Dearest": SessionOrder.DEAREST,
    "Most turns": SessionOrder.LONGEST,
    "Most failures": SessionOrder.WORST,
}
_NO_STORE: Final = (
    "Sessions are put together by the embedded trace store, which this process does not have: the "
    "stores outside give single traces and lists of them. A session's id pasted on the page Traces "
    "lists its traces in any store that can be searched by it. Set `WAKEFUL_TRACE_STORE_URL` to "
    "`embedded`, beside others if need be, and run `wakeful up`."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Sessions", "Conversations: how they ended, what they cost, turn by turn.")
    if wired.current().store is None:
        parts.empty("Nobody knows sessions here", _NO_STORE, icon="forum", key="sessions_no_store")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="sessions_search"):
        back = st.empty()
        session_id = st.text_input(
            "One session",
            key="session",
            bind="query-params",
            placeholder="Paste a session's id to replay it",
            icon=":material/search:",
            label_visibility="collapsed",
            max_chars=200,
        )
    if session_id and session_id.strip():
        back.button(
            "All sessions", icon=":material/arrow_back:", on_click=_close, key="sessions_close"
        )
        _replay(session_id.strip())
        return
    chosen = scope.choose()
    order = parts.choice("Order", list(_ORDERS), "sessions_by", default="Newest")
    _list(chosen, _ORDERS[order])


@st.fragment(run_every=REFRESH, key="sessions_list")
def _list(chosen: Scope, order: SessionOrder) -> None:
    now = wired.current().clock()
    answer = cached_sessions.sessions(chosen.span, order, chosen.labels)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    found = answer.data
    if found is None:
        return
    if not found.count:
        parts.empty(
            "No session began in this time",
            "Look further back, or narrow less. A request belongs to a session by the span "
            "attribute `session.id` or `gen_ai.conversation.id`.",
            icon="forum",
            key="sessions_empty",
        )
        return
    with st.container(horizontal=True, key="sessions_figures"):
        for name, value, below in session_words.figures(found):
            st.metric(
                name,
                value,
                delta=below or None,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=146,
                height="stretch",
            )
    _table(found)
    _footer(found, answer.at, now=now)


def _table(found: Sessions) -> None:
    # The click tells the label that was pressed, not a place that the next refresh may move.
    st.session_state["sessions_labels"] = {
        session_words.label(one.session_id): one.session_id for one in found.listed
    }
    columns = st.column_config
    st.dataframe(
        money.told(session_words.table(found.listed), ["Cost"]),
        hide_index=True,
        height="content" if len(found.listed) <= 14 else 560,
        key="sessions_table",
        placeholder=numbers.NO_VALUE,
        alt="Sessions, one per row",
        column_config={
            "Session": columns.ButtonColumn(
                type="tertiary", pinned=True, on_click=_open, key="sessions_click"
            ),
            "Began": columns.DatetimeColumn(
                format="D MMM HH:mm:ss", timezone=str(parts.viewer_zone())
            ),
            "Tokens": columns.NumberColumn(format="localized"),
        },
    )


def _footer(found: Sessions, at: datetime | None, *, now: datetime) -> None:
    first = (
        "" if found.count == len(found.listed) else f"The first {len(found.listed):,} are listed. "
    )
    quiet = span(QUIET)
    parts.fine_print(
        f"{first}{numbers.kept(is_sampled=wired.is_sampled())}"
        "Resolved and the like are as told to `/api/outcomes`, or as the last turn says. "
        f"Open: a turn within {quiet}. Abandoned: told so, or a failed turn that nobody came "
        f"back after within {quiet}. Looked up {numbers.age(at, now=now)}."
    )


@st.fragment(run_every=REFRESH, key="sessions_replay")
def _replay(session_id: str) -> None:
    now = wired.current().clock()
    answer = cached_sessions.turns(session_id)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    if not answer.data:
        back = span(cached_sessions.LOOK_BACK)
        parts.empty(
            "No request of this session is held",
            f"The embedded store has none of the last {back} under that id.",
            icon="search_off",
            key="sessions_none",
        )
        return
    st.markdown(f"## {plain(session_words.label(session_id).partition(': ')[2])}")
    parts.fine_print(plain(session_words.summary(answer.data)))
    shown = st.session_state.get("sessions_shown", {}).get(session_id, AT_ONCE)
    before: Turn | None = None
    for number, turn in enumerate(answer.data[:shown], start=1):
        _turn(turn, before, number, now=now)
        before = turn
    left = len(answer.data) - shown
    if left > 0:
        st.button(
            f"Show {min(left, AT_ONCE)} more of {left}",
            key="sessions_more",
            on_click=_more,
            args=(session_id, shown + AT_ONCE),
        )
    elif len(answer.data) == MAX_TURNS:
        parts.fine_print(f"These are its first {MAX_TURNS} turns; there may be more.")
    age = numbers.age(answer.at, now=now)
    parts.fine_print(f"Texts are as they were stored: redacted and truncated. Read {age}.")


def _turn(turn: Turn, before: Turn | None, number: int, *, now: datetime) -> None:
    with parts.card(f"sessions_turn_{number}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = ":red[:material/error:]" if turn.failed else ":gray[:material/chat:]"
            head = plain(session_words.headline(turn, number))
            facts = session_words.facts(turn, before, parts.viewer_zone(), now=now)
            st.markdown(f"{icon} **{head}**  \n{small(plain(facts))}", width="stretch")
            parts.link("traces", "Trace", icon="account_tree", trace=turn.trace_id)
        for title, said in (("Prompt", turn.question), ("Answer", turn.answer)):
            if said:
                key = f"sessions_{title.lower()}_{number}"
                with st.expander(f"{title} ({len(said):,} characters)", key=key):
                    st.code(said, language=None, wrap_lines=True, height="content")
        if not (turn.question or turn.answer):
            parts.fine_print("No prompt or answer was sent with this turn.")


def _open() -> None:
    pressed = st.session_state["sessions_click"].label
    session_id = st.session_state["sessions_labels"].get(pressed)
    if session_id is not None:
        st.session_state["session"] = session_id
        st.rerun()  # the whole page, not the list alone


def _more(session_id: str, shown: int) -> None:
    st.session_state["sessions_shown"] = {session_id: shown}


def _close() -> None:
    st.session_state["session"] = ""
