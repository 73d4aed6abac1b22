"""What the rule in the form would have done, said and drawn before it is saved."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import streamlit as st

from alerts.backtest import Hindsight
from alerts.conditions import Question
from alerts.ruledraft import RuleDraft
from app import (
    cached_watching,
    hindsight,
    hindsight_words,
    looking_back,
    parts,
    rule_form,
    watch_chart,
    watching,
    wired,
)
from app.cached import floor
from app.cached_watching import Past
from app.hindsight import Surroundings
from app.looking_back import Reading
from app.parts import plain, small
from app.rule_form import Fields, FormError
from app.watching import Drawing
from signals.units import render, span

REFRESH: Final = timedelta(minutes=1)
POLL: Final = timedelta(milliseconds=500)
SPANS: Final = {
    "24 h": timedelta(hours=24),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
}
MOST_BANDS: Final = 500
Seen = tuple[Hindsight, dict[Question, Past], timedelta]


def draw(fields: Fields, saved: RuleDraft | None) -> Seen | None:
    """Draw what the rule would have done; return that with what it was read from, if it was."""
    chosen = st.segmented_control(
        "Over the past",
        list(SPANS),
        default=next(iter(SPANS)),
        key="rules_span",
        help="What this rule would have done, by the same code that decides live.",
    )
    past = SPANS[chosen or next(iter(SPANS))]
    try:
        rule = rule_form.outline(fields)
    except FormError as error:
        st.markdown(small(f"Nothing to show yet. {plain(str(error))}"))
        return None
    pasts = _pasts(rule, past, of="edited")
    if pasts is None:
        return None
    now = wired.current().clock()
    known = hindsight.surroundings(floor(now, REFRESH) - past)
    found = _draw(rule, pasts, known.data)
    if saved and known.data and _as_watched(saved) != _as_watched(rule):
        before = _pasts(saved, past, of="saved")
        if before is not None:
            _compare(rule, found, saved, hindsight.of(saved, before), known.data)
    return found, pasts, past


def _pasts(rule: RuleDraft, past: timedelta, *, of: str) -> dict[Question, Past] | None:
    """Return what the rule's questions were answered over `past`; None while one was not."""
    questions = rule.condition.questions
    step = cached_watching.past_step(questions)
    readings = [looking_back.shelf.of(question, past, step) for question in questions]
    with st.spinner(f"Reading the last {span(past)} …"):
        come = looking_back.come(readings)
    if not come or any(one.is_cancelled for one in readings):
        _progress(readings, questions, past, step, of)
        return None
    answers = {one: looking_back.shelf.answer(one, past, step) for one in questions}
    now = wired.current().clock()
    failed = {answer.error: answer.at for answer in answers.values() if answer.error}
    for reason, last_seen in failed.items():
        parts.source_down(reason, last_seen, now=now)
    found = {question: answer.data for question, answer in answers.items() if answer.data}
    return found if len(found) == len(answers) else None


@st.fragment(run_every=POLL)
def _progress(
    readings: Sequence[Reading],
    questions: Sequence[Question],
    past: timedelta,
    step: timedelta,
    of: str,
) -> None:
    """Draw how much was read, and let the viewer give it up or begin anew."""
    done, total = sum(one.done for one in readings), sum(one.parts for one in readings)
    if any(one.is_cancelled for one in readings):
        st.markdown(small(f"Cancelled after {done} of {total} parts of the last {span(past)}."))
        st.button(
            "Read it",
            icon=":material/refresh:",
            key=f"rules_read_{of}",
            on_click=looking_back.shelf.forget,
            args=(questions, past, step),
        )
    elif all(one.is_over for one in readings):
        st.rerun()
    else:
        said = f"Reading the last {span(past)}: {done} of {total} parts"
        st.progress(done / total, text=said)
        st.button(
            "Cancel",
            icon=":material/close:",
            key=f"rules_stop_{of}",
            on_click=looking_back.cancel,
            args=(readings,),
        )


def _draw(rule: RuleDraft, pasts: dict[Question, Past], around: Surroundings | None) -> Hindsight:
    drawing = watching.drawing(rule.condition)
    shown = pasts[drawing.question]
    found = hindsight.of(rule, pasts)
    said = [hindsight_words.summary(found, rule.condition, rule.hold)]
    if around is not None and found.fired:
        steps = hindsight.told(rule, found, around)
        said.append(hindsight_words.telling(steps, parts.viewer_zone()))
    if around is not None:
        said.append(hindsight_words.catching(found.fired, around.incidents))
    st.markdown(f"**{plain(said[0])}** {plain(' '.join(filter(None, said[1:])))}")
    if shown.series:
        plot = watch_chart.plot(
            shown.series,
            shown.grid,
            drawing,
            baseline=pasts[drawing.baseline].series if drawing.baseline else (),
            firing=[(a.fired_at, a.ended_at) for a in found.fired if a.fired_at],
            pending=[(a.active_at, a.fired_at or a.ended_at) for a in found.alerts][:MOST_BANDS],
        )
        alt = f"{drawing.title}, the past"
        if drawing.bound is not None:
            alt = f"{alt}, threshold {render(drawing.bound, drawing.unit)} drawn"
        parts.draw(plot, key="rules_plot", alt=alt)
        st.markdown(small(_small_print(drawing, shown, plot.dropped)))
    return found


def _compare(
    rule: RuleDraft,
    found: Hindsight,
    saved: RuleDraft,
    before: Hindsight,
    around: Surroundings,
) -> None:
    """Draw what the rule as saved would have done, beside what it would do as edited."""
    rows = hindsight_words.comparison(
        {
            "As saved": (before, hindsight.told(saved, before, around)),
            "As edited": (found, hindsight.told(rule, found, around)),
        },
        around.incidents,
        parts.viewer_zone(),
    )
    st.dataframe(rows, key="rules_compared", hide_index=False)


def _as_watched(rule: RuleDraft) -> object:
    """Return the part of a rule that a look at the past depends on."""
    patience = rule.hold, rule.keep_firing, rule.data_states
    return rule.condition, patience, rule.policy, rule.severity, rule.labels


def _small_print(drawing: Drawing, shown: Past, dropped: int) -> str:
    said = (
        f"{plain(drawing.title)}, read every {span(shown.grid.step)}: it is taken to have stayed "
        "so in between. Shaded: when it would have been firing; lightly, when pending."
    )
    if left_out := dropped + shown.left_out:
        said += f" {left_out} more lines are not drawn."
    return said
