"""The widgets of the rule form, section by section. Each keeps its field of the draft."""

from collections.abc import Sequence

import streamlit as st

from app import condition_form, rule_form
from app.drafts import Draft
from app.field_widgets import SESSION, duration, text
from models.vocabulary import NoData, Severity


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
        st.selectbox(
            "When there is no data",
            list(NoData),
            format_func=rule_form.NO_DATA_WORDS.__getitem__,
            key=draft.key("no_data"),
            disabled=draft.get("kind") in condition_form.SAY_SILENCE,
            help="What to make of a source that answers, but has nothing. A source that fails to "
            "answer never changes an alert.",
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
