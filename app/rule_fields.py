"""The widgets of the rule form, section by section. Each keeps its field of the draft."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from alerts.datastates import NAMED, field_of
from app import data_state_form, rule_form
from app.drafts import Draft
from app.field_widgets import SESSION, duration, text
from models.vocabulary import Severity


def patience(draft: Draft) -> None:
    """Draw how the rule takes what its condition says."""
    left, right = st.columns(2)
    with left:
        duration(
            draft,
            "hold",
            "For",
            rule_form.PATIENCES,
            "How long it must hold before the alert fires; until then it is pending.",
        )
        duration(
            draft, "interval", "Every", rule_form.INTERVALS, "How often the rule is evaluated."
        )
    with right:
        duration(
            draft,
            "keep_firing",
            "Keep firing for",
            rule_form.PATIENCES,
            "How long it must be clear before the alert resolves.",
        )
    _data_states(draft)


def _data_states(draft: Draft) -> None:
    """Draw what the rule makes of having no answer, for each way of having none."""
    settled, usual = data_state_form.by_kind(draft.fields)
    with st.expander("When there is no answer", icon=":material/visibility_off:"):
        for state in NAMED:
            said = partial(data_state_form.said, settled=settled.of(state), usual=usual.of(state))
            st.selectbox(
                state.capitalize(),
                data_state_form.options(state),
                format_func=said,
                key=draft.key(f"on_{field_of(state)}"),
                disabled=settled.of(state) is not None,
                help=data_state_form.MEANINGS[state],
                persist_state=SESSION,
            )


def people(draft: Draft, policies: Sequence[str]) -> None:
    """Draw what the rule is called, how bad it is, and whom it concerns."""
    text(draft, "name", "Name", "Errors of the checkout assistant")
    st.segmented_control(
        "Severity",
        list(Severity),
        format_func=str.capitalize,
        required=True,
        key=draft.key("severity"),
        persist_state=SESSION,
    )
    left, right = st.columns(2)
    with left:
        text(draft, "owner", "Owner", "Who keeps this rule honest")
    with right:
        st.selectbox(
            "Policy",
            policies,
            key=draft.key("policy"),
            help="Who is told, and when.",
            persist_state=SESSION,
        )
    text(draft, "summary", "What it means", "One sentence for whoever is woken by it")
    text(draft, "runbook_url", "Runbook", "https://…")
    text(draft, "labels", "Labels", "team = platform, tier = 1")
    st.text_area(
        "Annotations",
        key=draft.key("annotations"),
        placeholder="summary: '{{ $labels.feature }} fails {{ $value | humanizePercentage }}'",
        help="What is said of an alert, one name: text a line. Go templates are filled in as "
        "Prometheus does; of the labels too.",
        height="content",
        persist_state=SESSION,
    )
