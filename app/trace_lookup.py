"""Whatever was pasted into the box: the trace it leads to, several, or why there is none."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from app import absent, cached_lookups, cached_traces, parts, trace_list, wired
from app.cached_lookups import Named
from app.sought import Sought, malformed
from app.trace_box import TRACE
from signals.logs import LogRecord
from signals.traces.several import Finding, State
from signals.units import span

_WORDS: Final = {"request_id": "request", "session_id": "session", "user_id": "user"}


def find(sought: Sought) -> str | None:
    """Return the one trace that was meant, as far as the stores have answered."""
    if wired.current().several is not None:
        for trace_id in sought.trace_ids:
            cached_lookups.trace(trace_id)  # all are asked before one is waited for
    for trace_id in sought.trace_ids:
        if cached_traces.drawing(trace_id).data is not None:
            return trace_id
    found = {one.trace_id for named in _found(_named(sought)) for one in named.traces}
    return found.pop() if len(found) == 1 else None


def is_named(sought: Sought) -> bool:
    """Say whether some store has traces under a name that was pasted."""
    return bool(_found(_named(sought)))


@st.fragment(run_every=timedelta(seconds=3), key="traces_looking")
def draw(text: str, sought: Sought, *, box: str = TRACE) -> None:
    """Draw the traces of a session or a user, or why there is none; and look again."""
    if find(sought) is not None:
        st.rerun()
    named = _named(sought)
    for finding in named:
        if finding.answer is not None:
            _traces(finding.store, finding.answer, box)
    if not any(_found(named)):
        _missing(text, sought, named)
    elif unsure := _not_said(named):
        parts.fine_print(unsure)


def _named(sought: Sought) -> tuple[Finding[Named], ...]:
    if not sought.names:
        return ()
    return cached_lookups.named(sought.names).said()


def _found(named: Sequence[Finding[Named]]) -> list[Named]:
    return [finding.answer for finding in named if finding.answer is not None]


def _traces(store: str, found: Named, box: str) -> None:
    word = _WORDS[found.field]
    name = found.value if word == "user" else f"{word} {found.value}"
    count = len(found.traces)
    newest = "newest " if count == cached_lookups.MOST_TRACES else ""
    back = span(cached_lookups.LOOK_BACK)
    title = f"The {newest}{count} traces of {name}"
    with parts.card(f"traces_of_{store}", title, parts.plain(f"in {store}, of the last {back}")):
        trace_list.rows(found.traces, key=f"traces_of_{store}_table", box=box)
        if found.field == "session_id" and wired.current().store is not None:
            parts.link("sessions", "Replay the session", icon="forum", session=found.value)


def _missing(text: str, sought: Sought, named: Sequence[Finding[Named]]) -> None:
    now = wired.current().clock()
    with parts.card("traces_missing"):
        if sought.trace_ids:
            trace_id = sought.trace_ids[0]
            lines = cached_traces.lines(trace_id)
            st.markdown(f":material/search_off: **Trace** `{trace_id}` **is not here**")
            said = absent.reasons(
                cached_traces.said_of(trace_id),
                logged_at=_first(lines.data),
                now=now,
                sampled_out=bool(cached_traces.sampled_out(trace_id).data),
            )
            if lines.error:
                said.append(f"Its log lines could not be looked for: {lines.error}")
        else:
            lines = None
            st.markdown(":material/search_off: **No request is called that**")
            said = [malformed(text)]
        said += _called(sought, named)
        st.markdown("\n".join(f"- {parts.plain(sentence)}" for sentence in said))
    if lines is not None and lines.data:
        _lines(lines.data)


def _called(sought: Sought, named: Sequence[Finding[Any]]) -> list[str]:
    """Return what became of the search for requests, sessions and users."""
    if not sought.names:
        return []
    *first, last = dict.fromkeys(_WORDS[field] for field, _ in sought.names)
    words = f"{', '.join(first)} or {last}" if first else last
    back = span(cached_lookups.LOOK_BACK)
    stores = [one.store for one in named if one.state is State.NOTHING]
    said = [
        f"The store “{store}” has seen no {words} of that name in the last {back}."
        for store in stores
    ]
    rest = _not_said(named)
    return [*said, rest] if rest else said


def _not_said(named: Sequence[Finding[Any]]) -> str:
    said = [
        f"“{one.store}” is still searching"
        if one.state is State.SEARCHING
        else f"“{one.store}” could not be searched by name: {one.error}"
        for one in named
        if one.state in (State.SEARCHING, State.FAILED)
    ]
    return "; ".join(said) + "." if said else ""


def _first(lines: tuple[LogRecord, ...] | None) -> datetime | None:
    return lines[0].at if lines else None


def _lines(lines: tuple[LogRecord, ...]) -> None:
    with parts.card("traces_missing_logs", "Its log lines"):
        st.dataframe(
            [{"Time": line.at, "Severity": line.severity, "Line": line.body} for line in lines],
            hide_index=True,
            column_config={
                "Time": st.column_config.DatetimeColumn(
                    format="D MMM HH:mm:ss.SSS", timezone=str(parts.viewer_zone())
                ),
                "Line": st.column_config.TextColumn(width="large"),
            },
        )
