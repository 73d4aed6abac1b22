"""A sample of what a guardrail stopped, to judge whether it was right to."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app import cached_quality, numbers, parts, quality_words, wired
from app.parts import plain, small
from signals.traces import BusyError
from signals.traces.outcomes import JUDGEMENTS
from signals.traces.quality import Guard, Stop

SHOWN: Final = 8
_WORDS: Final = {JUDGEMENTS[0]: "Rightly", JUDGEMENTS[1]: "Wrongly"}
_LOOKS: Final = {
    JUDGEMENTS[0]: parts.mark("rightly stopped", ("green", "verified_user")),
    JUDGEMENTS[1]: parts.mark("wrongly stopped", ("orange", "report")),
}


def sample(
    guards: Sequence[Guard], span: str, by: str, labels: tuple[tuple[str, str], ...]
) -> None:
    """Draw the choice of a guardrail and reason, and the newest requests that it stopped."""
    stopping = [row for row in guards if row.triggered]
    if not stopping:
        return
    named = {f"{row.guardrail}: {quality_words.reason(row)}": row for row in stopping}
    chosen = st.selectbox(
        "Sample to judge",
        list(named),
        key="quality_sample",
        bind="query-params",
        width=360,
        help="Requests that it stopped, the newest first: was it right to?",
    )
    row = named[chosen or next(iter(named))]
    answer = cached_quality.stops(span, by, labels, row.guardrail, row.reason)
    if answer.error:
        st.error(plain(answer.error), icon=":material/cloud_off:")
    for stop in (answer.data or ())[:SHOWN]:
        _stop(stop)


def _stop(stop: Stop) -> None:
    now = wired.current().clock()
    whose = " · ".join(filter(None, (stop.feature, stop.tenant, numbers.age(stop.at, now=now))))
    said = f"“{stop.text}”" if stop.text else "no text was sent"
    mark = _LOOKS.get(stop.judged or "", "")
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"quality_{stop.trace_id}"
    ):
        st.markdown(f"{plain(said)} {mark}  \n{small(plain(whose))}", width="stretch")
        for word, label in _WORDS.items():
            st.button(
                label,
                key=f"quality_{word}_{stop.trace_id}",
                type="tertiary",
                disabled=stop.judged == word,
                on_click=_judge,
                args=(stop.trace_id, word),
            )
        parts.link("traces", "Trace", icon="account_tree", trace=stop.trace_id)


def _judge(trace_id: str, word: str) -> None:
    try:
        cached_quality.judge(trace_id, word)
    except BusyError as error:
        parts.flash(f"Not kept: {plain(str(error))}.", ":material/block:")
