"""One signal: who answers for it, how, and a form to ask for it with an expression of one's own."""

from typing import Final

import streamlit as st

from app import (
    cached_sources,
    golden,
    mapping_actions,
    mapping_form,
    numbers,
    parts,
    reconciled_parts,
    wired,
)
from app.cached_sources import Answered, Tried
from app.drafts import Draft
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import FormError
from models.tables import SignalMapping
from signals.catalog import Signal
from signals.trust import Verdict
from signals.units import span

_SESSION: Final = "session"  # what was typed outlives a look at another page


def render(asked: str) -> None:
    """Draw the page of the signal called `asked`."""
    way_back("All sources", *mapping_actions.OPENED)
    signal = next((s for s in cached_sources.SIGNALS if s.name == asked), None)
    if signal is None:
        parts.empty(
            f"There is no signal {asked[:40]}",
            "The list has every signal that there is.",
            icon="search_off",
            key="sources_unknown",
        )
        return
    parts.page_header(plain(signal.title), signal.meaning)
    _live(signal)
    saved = cached_sources.saved()
    if saved.error:
        parts.source_down(saved.error, saved.at, now=wired.current().clock())
    if saved.data is not None:
        row = saved.data.get(signal.name)
        draft = Draft(f"sources_{signal.name}")
        draft.seed(mapping_form.of(row))
        _form(draft, signal, row)


@st.fragment(run_every=cached_sources.FRESH, key="sources_signal")
def _live(signal: Signal) -> None:
    one = cached_sources.answered(signal)
    parts.sources_down([one.answer], now=wired.current().clock())
    with parts.card("sources_now", "At present"):
        st.markdown(_sentence(one))
        if one.asked is not None:
            st.code(one.asked.promql, language=None, wrap_lines=True)
            _trust(signal)
            _labels(signal)
        for title, sentence in one.gives:
            st.markdown(small(f"{plain(title)}: {sentence}"))
        if one.value is not None and golden.rests_on_requests(signal):
            reconciled_parts.mark(one.source, query=golden.question(signal, ()))


def _sentence(one: Answered) -> str:
    if not one.source:
        return "Nobody answers for this signal."
    who = f"{one.source}, {one.by}" if one.by else one.source
    window = span(golden.window(one.signal))
    value = numbers.number(one.value, one.signal.unit)
    return f"**{plain(value)}** over {window}, from {plain(who)}."


def _trust(signal: Signal) -> None:
    found = cached_sources.trust(signal)
    if found is None or not found.sentence:
        return
    sound = found.verdict in (Verdict.SOUND, Verdict.UNKNOWN)
    badge = "" if sound else parts.mark(found.badge, ("orange", "rule")) + " "
    st.markdown(badge + " ".join(plain(said) for said in (found.sentence, *found.also)))


def _labels(signal: Signal) -> None:
    found = cached_sources.labels_of(signal)
    if not found:
        st.markdown(small("It cannot be split: its series have none of our labels."))
        return
    said = (ours if ours == theirs else f"{ours} ({theirs})" for ours, theirs in found)
    st.markdown(small(f"Split and narrowed by {plain(', '.join(said))}."))


@st.fragment(key="sources_form")
def _form(draft: Draft, signal: Signal, row: SignalMapping | None) -> None:
    now = wired.current().clock()
    with parts.card("sources_mapping", "Your own expression"):
        if row is None:
            st.markdown(small("It comes before every stack, on all pages and in all rules."))
        else:
            st.markdown(small(f"Saved {numbers.age(row.updated_at, now=now)} by {row.updated_by}"))
        st.text_area(
            "PromQL",
            key=draft.key("promql"),
            placeholder=mapping_form.EXAMPLE,
            help=mapping_form.HELP,
            height=120,
            persist_state=_SESSION,
        )
        st.text_input(
            "Labels",
            key=draft.key("labels"),
            placeholder="model = gen_ai_request_model, tenant = team",
            help=mapping_form.LABELS_HELP,
            persist_state=_SESSION,
        )
        useful = _trial(draft, signal)
        _buttons(draft, signal, row, useful=useful)


def _trial(draft: Draft, signal: Signal) -> bool:
    """Draw how the expression fares at the server, and say whether it may be saved."""
    if not draft.get("promql"):
        return False
    try:
        mapping = mapping_form.read(signal.name, draft.fields)
    except FormError as error:
        st.warning(f"Not ready yet. {plain(str(error))}", icon=":material/edit:")
        return False
    tried = cached_sources.tried(
        mapping.signal, mapping.promql, tuple(sorted(mapping.labels.items()))
    )
    if tried.error:
        st.error(plain(tried.error), icon=":material/rule:")
        st.code(tried.expression, language=None, wrap_lines=True)
        return False
    st.success(_outcome(tried, signal), icon=":material/check:")
    return True


def _outcome(tried: Tried, signal: Signal) -> str:
    if tried.value is None:
        return f"The server accepts it. There is {tried.state} in the last 5 min."
    value = plain(numbers.number(tried.value, signal.unit))
    return f"The server answers **{value}** over the last 5 min."


def _buttons(draft: Draft, signal: Signal, row: SignalMapping | None, *, useful: bool) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save mapping",
            type="primary",
            icon=":material/save:",
            key="sources_save",
            disabled=not useful,
            on_click=mapping_actions.save,
            args=(draft, signal.name),
        )
        if row is not None:
            st.button(
                "Remove",
                icon=":material/delete:",
                key="sources_remove",
                on_click=mapping_actions.remove,
                args=(draft, signal.name),
            )
        st.button("Cancel", key="sources_cancel", on_click=mapping_actions.cancel, args=(draft,))
