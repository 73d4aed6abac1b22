"""One policy in a form: its steps can be added, moved and taken out, and are read back in words."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from pydantic import ValidationError

from alerts import policies
from app import (
    cached_alerts,
    cached_oncall,
    channel_words,
    ordering,
    parts,
    policy_actions,
    policy_fields,
    policy_form,
    wired,
)
from app.cached_alerts import PolicyList
from app.drafts import Draft
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import FormError
from models.tables import Group, Policy
from signals.units import span

_SESSION: Final = "session"  # what was typed outlives a look at another page
_HOW: Final = (
    "Write `slack:#channel`, `slack-dm:e-mail`, `pagerduty:default`, `oncall:default` for whoever "
    "PagerDuty says is on call, `schedule:name` for one of the On call page, or `person:e-mail`."
)
USUAL: Final = ("slack:#llm-alerts", "pagerduty:default", "oncall:default")


def render(asked: str) -> None:
    """Draw the form for the policy whose id is `asked`, or a new one."""
    way_back("All policies", *policy_actions.OPENED)
    answer = cached_alerts.policy_list()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=wired.current().clock())
    if answer.data is None:
        return
    policy = next((p for p in answer.data.policies if str(p.id) == asked), None)
    draft = Draft(f"policies_{asked[:20]}")
    if policy is not None:
        parts.page_header(plain(policy.name))
        draft.seed(_fields_of(policy))
        older(answer.data.older.get(policy.id or 0, ()))
        _form(draft, policy.id, _channels(answer.data))
    elif asked == "new":
        parts.page_header("New policy")
        draft.seed(policy_form.blank())
        _form(draft, None, _channels(answer.data))
    else:
        parts.empty(
            f"There is no policy {asked[:40]}",
            "It may have been made in another installation.",
            icon="search_off",
            key="policies_unknown",
        )


def _fields_of(policy: Policy) -> dict[str, Any]:
    try:
        return policy_form.of(policies.draft_of(policy))
    except ValidationError:
        st.error("This version cannot read the steps of this policy: write them anew.")
        return policy_form.blank() | {"name": policy.name}


def older(groups: Sequence[Group]) -> None:
    """Say which open alerts go on with an older version of the policy."""
    if not groups:
        return
    one = len(groups) == 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":orange[:material/history:] {'This' if one else f'These {len(groups)}'} "
            f"{'goes' if one else 'go'} on with the policy as it was when "
            f"{'it' if one else 'they'} fired:"
        )
        for group in groups[:10]:
            parts.link("alerts", group.title, group=str(group.id))


@st.fragment(run_every=60, key="policy_form")
def _form(draft: Draft, policy_id: int | None, known: Sequence[str]) -> None:
    parts.show_flash()
    with parts.card("policies_head"):
        st.text_input("Name", key=draft.key("name"), placeholder="standard", persist_state=_SESSION)
    order = draft.get("order")
    for place, number in enumerate(order):
        _step(draft, place, number, known)
    with st.container(horizontal=True, gap="small"):
        if len(order) < policy_form.MOST_STEPS:
            st.button(
                "Add step",
                icon=":material/add:",
                key=draft.key("add"),
                on_click=policy_actions.add_step,
                args=(draft,),
            )
    with parts.card("policies_tail"):
        st.number_input(
            "Then, as long as nobody has the alert, repeat from the start (times)",
            min_value=0,
            max_value=policy_form.MOST_REPEATS,
            step=1,
            key=draft.key("repeat"),
            persist_state=_SESSION,
        )
    policy_fields.together(draft)
    policy_fields.timeouts(draft)
    _outcome(draft, policy_id)


def _step(draft: Draft, place: int, number: int, known: Sequence[str]) -> None:
    with parts.card(f"policies_step_{number}", f"Step {place + 1}"):
        left, right = st.columns([1, 3])
        with left:
            st.selectbox(
                "After" if place == 0 else "After, since the step before",
                list(dict.fromkeys([*policy_form.DELAYS, draft.get(f"after_{number}")])),
                key=draft.key(policy_form.after_field(number)),
                accept_new_options=True,
                help="Write 20s, 5m or 1h; 0s is at once.",
                persist_state=_SESSION,
            )
        with right:
            field = policy_form.channels_field(number)
            st.multiselect(
                "Tell",
                list(dict.fromkeys([*known, *(draft.get(field) or ())])),
                key=draft.key(field),
                accept_new_options=True,
                select_all=False,
                placeholder="slack:#channel, pagerduty:default, person:e-mail …",
                help=_HOW,
                persist_state=_SESSION,
            )
        policy_fields.condition(draft, number)
        try:
            policy_form.read_step(draft.fields, number)
        except FormError as error:
            st.markdown(f":orange[:material/edit:] {plain(str(error))}")
        for channel in cached_oncall.unknown(draft.get(field) or ()):
            said = f"{channel}: there is no such schedule, so nobody would be told"
            st.markdown(f":orange[:material/edit:] {plain(said)}")
        ordering.buttons(draft, number)


def _outcome(draft: Draft, policy_id: int | None) -> None:
    complaint = ""
    try:
        policy = policy_form.read(draft.fields)
    except FormError as error:
        complaint = str(error)
        st.warning(f"Not ready yet. {plain(complaint)}", icon=":material/edit:")
    else:
        with parts.card("policies_words", "In words"):
            st.markdown(plain(channel_words.sequence(policy_form.plan(policy))))
            if waited := policy_form.total(policy):
                st.markdown(small(f"The last step comes {span(waited)} after the alert fired."))
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save policy",
            type="primary",
            icon=":material/save:",
            key="policies_save",
            disabled=bool(complaint),
            on_click=policy_actions.save,
            args=(draft, policy_id),
        )
        st.button("Cancel", key="policies_cancel", on_click=policy_actions.cancel, args=(draft,))


def _channels(found: PolicyList) -> list[str]:
    """Return every channel that some policy names, the schedules, and the usual ones."""
    named = (channel for p in found.policies for step in p.steps for channel in step["channels"])
    return list(dict.fromkeys([*named, *cached_oncall.channel_names(), *USUAL]))
