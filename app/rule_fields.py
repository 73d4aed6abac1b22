"""The widgets of the rule form, section by section. Each keeps its field of the draft."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from app import cached, rule_form
from app.drafts import Draft
from app.parts import small
from models.vocabulary import Comparison, NoData, Severity
from signals.catalog import CATALOG
from signals.traces import FILTERS

_SESSION: Final = "session"  # what was typed outlives a look at another page


def condition(draft: Draft) -> None:
    """Draw what the rule watches."""
    kind = st.segmented_control(
        "Kind",
        list(rule_form.KINDS),
        format_func=rule_form.KINDS.__getitem__,
        required=True,
        key=draft.key("kind"),
        on_change=_kind_changed,
        args=(draft,),
        persist_state=_SESSION,
    )
    st.markdown(small(rule_form.KIND_HELP.get(kind or "", "")))
    match kind:
        case "promql":
            _promql(draft)
        case "burn_rate":
            _burn_rate(draft)
        case _:
            _threshold(draft)


def patience(draft: Draft) -> None:
    """Draw how the rule takes what its condition says."""
    left, right = st.columns(2)
    with left:
        _duration(
            draft,
            "hold",
            "For",
            rule_form.PATIENCES,
            "How long it must hold before the alert fires; until then it is pending.",
        )
        _duration(
            draft, "interval", "Every", rule_form.INTERVALS, "How often the rule is evaluated."
        )
    with right:
        _duration(
            draft,
            "keep_firing",
            "Keep firing for",
            rule_form.PATIENCES,
            "How long it must be clear before the alert resolves.",
        )
        st.selectbox(
            "When there is no data",
            list(NoData),
            format_func=rule_form.NO_DATA_WORDS.__getitem__,
            key=draft.key("no_data"),
            help="What to make of a source that answers, but has nothing. A source that fails to "
            "answer never changes an alert.",
            persist_state=_SESSION,
        )


def people(draft: Draft, policies: Sequence[str]) -> None:
    """Draw what the rule is called, how bad it is, and whom it concerns."""
    _text(draft, "name", "Name", "Errors of the checkout assistant")
    st.segmented_control(
        "Severity",
        list(Severity),
        format_func=str.capitalize,
        required=True,
        key=draft.key("severity"),
        persist_state=_SESSION,
    )
    left, right = st.columns(2)
    with left:
        _text(draft, "owner", "Owner", "Who keeps this rule honest")
    with right:
        st.selectbox(
            "Policy",
            policies,
            key=draft.key("policy"),
            help="Who is told, and when.",
            persist_state=_SESSION,
        )
    _text(draft, "summary", "What it means", "One sentence for whoever is woken by it")
    _text(draft, "runbook_url", "Runbook", "https://…")
    _text(draft, "labels", "Labels", "team = platform, tier = 1")
    st.text_area(
        "Annotations",
        key=draft.key("annotations"),
        placeholder="summary: '{{ $labels.feature }} fails {{ $value | humanizePercentage }}'",
        help="What is said of an alert, one name: text a line. Go templates are filled in as "
        "Prometheus does; of the labels too.",
        height="content",
        persist_state=_SESSION,
    )


def _threshold(draft: Draft) -> None:
    _signal(draft, list(CATALOG), on_change=_signal_changed)
    unit = CATALOG[draft.get("signal")].unit
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        st.segmented_control(
            "Alert when it is",
            list(Comparison),
            format_func=str.capitalize,
            required=True,
            key=draft.key("comparison"),
            persist_state=_SESSION,
        )
    with middle:
        word = rule_form.UNIT_WORDS[unit]
        st.number_input(
            f"Threshold ({word})" if word else "Threshold",
            key=draft.key("bound"),
            step=rule_form.STEPS[unit],
            format="%g",
            persist_state=_SESSION,
        )
    with right:
        _duration(
            draft, "window", "Over", rule_form.WINDOWS, "How much of the past one value covers."
        )
    _part_of_traffic(draft)


def _burn_rate(draft: Draft) -> None:
    _signal(draft, list(rule_form.RATIO_SIGNALS))
    st.number_input(
        "Objective (%)",
        min_value=0.0,
        max_value=100.0,
        step=0.1,
        format="%g",
        key=draft.key("objective"),
        help="Share of good requests: with 99 %, one in a hundred may fail.",
        persist_state=_SESSION,
    )
    for index in range(draft.get("pairs")):
        _pair(draft, index)
    with st.container(horizontal=True, gap="small"):
        if draft.get("pairs") < rule_form.MOST_PAIRS:
            st.button(
                "Add windows",
                icon=":material/add:",
                key=draft.key("add_pair"),
                on_click=_pairs_changed,
                args=(draft, 1),
            )
        if draft.get("pairs") > 1:
            st.button(
                "Remove the last",
                icon=":material/remove:",
                key=draft.key("remove_pair"),
                on_click=_pairs_changed,
                args=(draft, -1),
            )
    _part_of_traffic(draft)


def _pair(draft: Draft, index: int) -> None:
    left, middle, right = st.columns(3)
    with left:
        _duration(draft, f"long_{index}", "Over", rule_form.WINDOWS, "The long window.")
    with middle:
        _duration(
            draft,
            f"short_{index}",
            "and over",
            rule_form.WINDOWS,
            "The short window, so that the alert ends soon after the trouble does.",
        )
    with right:
        st.number_input(
            "Times too fast",
            min_value=0.0,
            step=0.1,
            format="%g",
            key=draft.key(f"factor_{index}"),
            help="1 spends the budget exactly; 14.4 over an hour spends 2 % of a month's.",
            persist_state=_SESSION,
        )


def _promql(draft: Draft) -> None:
    st.text_area(
        "Expression",
        key=draft.key("expression"),
        placeholder='sum by (feature) (rate(llm_requests_total{outcome="error"}[5m])) > 1',
        height=110,
        persist_state=_SESSION,
    )


def _signal(draft: Draft, names: list[str], on_change: Callable[..., None] | None = None) -> None:
    st.selectbox(
        "Signal",
        names,
        format_func=lambda name: CATALOG[name].title,
        key=draft.key("signal"),
        on_change=on_change or "rerun",
        args=(draft,) if on_change else None,
        persist_state=_SESSION,
    )
    st.markdown(small(CATALOG[draft.get("signal")].meaning))


def _part_of_traffic(draft: Draft) -> None:
    scope = st.multiselect(
        "Only traffic where",
        FILTERS,
        key=draft.key("scope"),
        accept_new_options=True,
        select_all=False,
        placeholder="Everything",
        persist_state=_SESSION,
    )
    for label in scope:
        field = rule_form.scope_field(label)
        draft.seed({field: None})
        st.selectbox(
            f"{label} is",
            _with(cached.label_values(label), draft.get(field)),
            index=None,
            key=draft.key(field),
            accept_new_options=True,
            placeholder="Choose a value or write one",
            persist_state=_SESSION,
        )
    st.multiselect(
        "One alert for each",
        [name for name in FILTERS if name not in scope],
        key=draft.key("by"),
        accept_new_options=True,
        select_all=False,
        placeholder="One alert for all",
        persist_state=_SESSION,
    )


def _duration(draft: Draft, field: str, label: str, options: Sequence[str], help_: str) -> None:
    st.selectbox(
        label,
        _with(options, draft.get(field)),
        key=draft.key(field),
        accept_new_options=True,
        help=f"{help_} Write 90s, 5m, 1h30m or 1d.",
        persist_state=_SESSION,
    )


def _text(draft: Draft, field: str, label: str, placeholder: str) -> None:
    st.text_input(label, key=draft.key(field), placeholder=placeholder, persist_state=_SESSION)


def _with(options: Sequence[str], chosen: Any) -> list[str]:
    """Return the options, and what is chosen when it is none of them."""
    return list(dict.fromkeys([*options, *([chosen] if chosen else [])]))


def _kind_changed(draft: Draft) -> None:
    if draft.get("kind") == "burn_rate" and draft.get("signal") not in rule_form.RATIO_SIGNALS:
        draft.put("signal", "error_ratio")


def _signal_changed(draft: Draft) -> None:
    for field, value in rule_form.breach_fields(draft.get("signal")).items():
        draft.put(field, value)


def _pairs_changed(draft: Draft, by: int) -> None:
    count = min(max(draft.get("pairs") + by, 1), rule_form.MOST_PAIRS)
    draft.put("pairs", count)
    last = count - 1
    for field in ("long", "short", "factor"):
        draft.seed({f"{field}_{last}": draft.get(f"{field}_{last - 1}")})
