"""The widgets of the policy form below its steps' channels: conditions, grouping, timeouts."""

from typing import Any, Final

import streamlit as st

from alerts.policies import OnlyDraft
from app import channel_words, parts, policy_conditions, policy_form, policy_grouping
from app.drafts import Draft
from app.local_time import zone_name
from app.parts import small
from app.policy_conditions import named
from app.rule_form import FormError
from models.vocabulary import Severity

_SESSION: Final = "session"
_LABELS: Final = ("rule", "feature", "model", "tenant", "service", "environment", "severity")
_ZONES: Final = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
_WAITS: Final = ("0s", "10s", "30s", "1m", "5m")
_INTERVALS: Final = ("0s", "1m", "5m", "15m", "1h")
_TIMEOUTS: Final = (policy_grouping.NEVER, "15m", "30m", "1h", "4h", "8h", "1d")


def condition(draft: Draft, number: int) -> None:
    """Draw when a step is taken at all."""
    mine = zone_name(parts.viewer_zone())
    draft.seed(policy_conditions.fields(OnlyDraft(), number, zone=mine))
    with st.expander(_title(draft, number), icon=":material/filter_alt:"):
        st.pills(
            "Only when the alert is",
            list(Severity),
            selection_mode="multi",
            key=draft.key(named("severities", number)),
            help="None chosen: whatever its severity.",
            persist_state=_SESSION,
        )
        st.number_input(
            "Only when more alerts are open together than",
            min_value=0,
            max_value=100_000,
            step=1,
            key=draft.key(named("more_than", number)),
            help="0: however many there are.",
            persist_state=_SESSION,
        )
        st.toggle(
            "Only at certain times",
            key=draft.key(named("timed", number)),
            persist_state=_SESSION,
        )
        if draft.get(named("timed", number)):
            _hours(draft, number)


def together(draft: Draft) -> None:
    """Draw how alerts are told together, and how long somebody may have them."""
    draft.seed(policy_grouping.fields())
    with parts.card("policies_together", "Told together"):
        how = st.segmented_control(
            "Alerts of this policy",
            list(policy_grouping.HOW),
            required=True,
            key=draft.key("grouping"),
            persist_state=_SESSION,
        )
        st.markdown(small(policy_grouping.HOW[how or policy_grouping.ALONE]))
        if how == policy_grouping.BY_LABELS:
            st.multiselect(
                "Labels",
                _with(_LABELS, *(draft.get("group_by") or ())),
                key=draft.key("group_by"),
                accept_new_options=True,
                select_all=False,
                persist_state=_SESSION,
            )
        _pace(draft)


def timeouts(draft: Draft) -> None:
    """Draw after how long an acknowledgement runs out."""
    with parts.card(
        "policies_timeouts",
        "Acknowledgements run out",
        "Whoever has an alert has it for so long; then it is nobody's, and the policy goes on "
        "where it stood.",
    ):
        columns = st.columns(len(Severity))
        for column, severity in zip(columns, Severity, strict=True):
            field = policy_grouping.timeout_field(severity)
            with column:
                _duration(draft, field, severity.value.capitalize(), _TIMEOUTS, "")


def _title(draft: Draft, number: int) -> str:
    try:
        only = policy_form.read_condition(draft.fields, number)
    except FormError:
        return "Only when …"
    said = channel_words.condition(only)
    return f"{said[:1].upper()}{said[1:]}" if said else "Always taken"


def _hours(draft: Draft, number: int) -> None:
    zone = draft.key(named("zone", number))
    left, middle, right = st.columns(3)
    left.time_input("From", key=draft.key(named("start", number)), persist_state=_SESSION)
    middle.time_input(
        "To",
        key=draft.key(named("end", number)),
        help="Earlier than the start: the night belongs to the day before.",
        persist_state=_SESSION,
    )
    right.selectbox(
        "By the clock of",
        _with(_ZONES, zone_name(parts.viewer_zone()), st.session_state.get(zone)),
        key=zone,
        accept_new_options=True,
        persist_state=_SESSION,
    )
    st.pills(
        "On",
        range(7),
        selection_mode="multi",
        format_func=channel_words.DAYS.__getitem__,
        key=draft.key(named("days", number)),
        persist_state=_SESSION,
    )


def _pace(draft: Draft) -> None:
    left, middle, right = st.columns(3)
    with left:
        _duration(
            draft,
            "group_wait",
            "Collect for, before the first step",
            _WAITS,
            "Alerts that fire together make one message instead of several.",
        )
    with middle:
        _duration(
            draft,
            "group_interval",
            "Then tell of more at most every",
            _INTERVALS,
            "How often people are called again because an alert has joined.",
        )
    with right:
        st.number_input(
            "Storm limit (new a minute)",
            min_value=0,
            max_value=10_000,
            step=1,
            key=draft.key("storm_limit"),
            help="So many new groups in a minute become one message that lists them. 0: never.",
            persist_state=_SESSION,
        )


def _duration(draft: Draft, field: str, label: str, options: tuple[str, ...], help_: str) -> None:
    st.selectbox(
        label,
        _with(options, draft.get(field)),
        key=draft.key(field),
        accept_new_options=True,
        help=f"{help_} Write 90s, 5m or 1h.".strip(),
        persist_state=_SESSION,
    )


def _with(options: tuple[str, ...], *chosen: Any) -> list[str]:
    """Return the options, and what is chosen when it is none of them."""
    return list(dict.fromkeys([*options, *(one for one in chosen if one)]))
