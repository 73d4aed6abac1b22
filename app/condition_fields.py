"""The widgets that say what a rule watches, kind by kind. Each keeps its field of the draft."""

import streamlit as st

from alerts.conditions.composite import MOST
from app import (
    budget_fields,
    cached_alerts,
    condition_form,
    expression_verdict,
    measure_fields,
    measure_form,
    slo_fields,
)
from app.condition_widgets import part_of_traffic, signal
from app.drafts import Draft
from app.field_widgets import SESSION, duration
from app.parts import small
from models.vocabulary import Comparison, Measure, Needed, Unit
from signals.catalog import CATALOG


def condition(draft: Draft) -> None:
    """Draw what the rule watches."""
    kind = st.segmented_control(
        "Kind",
        list(condition_form.KINDS),
        format_func=condition_form.KINDS.__getitem__,
        required=True,
        key=draft.key("kind"),
        on_change=_kind_changed,
        args=(draft,),
        persist_state=SESSION,
    )
    st.markdown(small(condition_form.KIND_HELP.get(kind or "", "")))
    match kind:
        case "promql":
            _promql(draft)
        case "burn_rate":
            slo_fields.burn_rate(draft)
        case "absence":
            _absence(draft)
        case "budget":
            budget_fields.budget(draft)
        case "composite":
            _composite(draft)
        case "drift":
            _drift(draft)
        case "spans":
            _spans(draft)
        case _:
            _threshold(draft)


def _threshold(draft: Draft) -> None:
    signal(draft, list(CATALOG), on_change=_signal_changed)
    unit = CATALOG[draft.get("signal")].unit
    _beyond(draft, "bound", unit)
    part_of_traffic(draft)


def _spans(draft: Draft) -> None:
    measure_fields.draw(draft, condition_form.MEASURE)
    unit = measure_form.unit(draft.fields, condition_form.MEASURE)
    _beyond(draft, "spans_bound", unit)
    part_of_traffic(draft, "A label, or an attribute of the spans: write `attributes.team`.")


def _beyond(draft: Draft, field: str, unit: Unit) -> None:
    """Draw the side, the threshold, and what a value covers."""
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        _side(draft)
    with middle:
        word = condition_form.UNIT_WORDS[unit]
        st.number_input(
            f"Threshold ({word})" if word else "Threshold",
            key=draft.key(field),
            step=condition_form.STEPS[unit],
            format="%g",
            persist_state=SESSION,
        )
    with right:
        duration(
            draft,
            "window",
            "Over",
            condition_form.WINDOWS,
            "How much of the past one value covers.",
        )


def _side(draft: Draft) -> None:
    st.segmented_control(
        "Alert when it is",
        list(Comparison),
        format_func=str.capitalize,
        required=True,
        key=draft.key("comparison"),
        persist_state=SESSION,
    )


def _absence(draft: Draft) -> None:
    signal(draft, list(condition_form.OTHERS_SIGNALS))
    left, right = st.columns(2)
    with left:
        duration(
            draft,
            "absent_for",
            "Nothing for",
            condition_form.WINDOWS,
            "How long there must have been nothing; of a rate, nothing but zero.",
        )
    with right:
        duration(
            draft,
            "seen_within",
            "Seen within",
            condition_form.LOOK_BACKS,
            "With one alert for each: what was there in this time is missed, what is gone for "
            "longer is forgotten and its alert ends.",
        )
    part_of_traffic(draft)


def _composite(draft: Draft) -> None:
    st.segmented_control(
        "Fires while",
        list(Needed),
        format_func=lambda needed: f"{needed} of them fire".capitalize(),
        required=True,
        key=draft.key("needed"),
        persist_state=SESSION,
    )
    listed = cached_alerts.rule_list().data
    st.multiselect(
        "Rules",
        [rule.name for rule, _ in listed.rules] if listed else [],
        key=draft.key("rules"),
        max_selections=MOST,
        accept_new_options=True,
        select_all=False,
        placeholder="Choose rules",
        help="Their alerts count while they fire, acknowledged or not. A rule that is switched off "
        "leaves this one without an answer.",
        persist_state=SESSION,
    )


def _drift(draft: Draft) -> None:
    signal(draft, list(condition_form.OTHERS_SIGNALS))
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        _side(draft)
    with middle:
        unit = condition_form.change_unit(draft.get("measure"), draft.get("signal"))
        word = condition_form.change_words(draft.get("measure"), draft.get("signal"))
        st.number_input(
            f"by more than ({word})" if word else "by more than",
            key=draft.key("change"),
            min_value=0.0,
            step=condition_form.STEPS[unit],
            format="%g",
            persist_state=SESSION,
        )
    with right:
        st.segmented_control(
            "Counted",
            list(Measure),
            format_func=condition_form.MEASURE_WORDS.__getitem__,
            required=True,
            key=draft.key("measure"),
            help="Of what it was: 2.8 s is 40 % above 2 s. In its unit: 81 points are 5 below 86.",
            persist_state=SESSION,
        )
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        duration(
            draft,
            "offset",
            "than this long ago",
            condition_form.OFFSETS,
            "The baseline. 7d compares with the same hour of last week.",
        )
    with middle:
        duration(
            draft, "drift_window", "Over", condition_form.WINDOWS, "What is averaged, now and then."
        )
    with right:
        st.number_input(
            "Fewest requests then",
            key=draft.key("baseline_requests"),
            min_value=0,
            step=10,
            help="With fewer there is no baseline, and nothing is compared: what the rule says "
            "about missing data decides. 0 does not count them.",
            persist_state=SESSION,
        )
    part_of_traffic(draft)


def _promql(draft: Draft) -> None:
    st.text_area(
        "Expression",
        key=draft.key("expression"),
        placeholder='sum by (feature) (rate(llm_requests_total{outcome="error"}[5m])) > 1',
        height=110,
        persist_state=SESSION,
    )
    expression_verdict.draw(draft.get("expression"))


def _kind_changed(draft: Draft) -> None:
    offered, instead = condition_form.SIGNALS.get(draft.get("kind"), ((), ""))
    if offered and draft.get("signal") not in offered:
        draft.put("signal", instead)


def _signal_changed(draft: Draft) -> None:
    for field, value in condition_form.breach_fields(draft.get("signal")).items():
        draft.put(field, value)
