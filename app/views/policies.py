"""Policies: who is told, in which order, after how long.

`?policy=<id>` edits one, `?walk=<id>` walks through it and tests its channels.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import streamlit as st

from alerts.policies import plan_of
from app import cached_alerts, channel_words, parts, wired
from app.cached_alerts import PolicyList
from app.opened import opened
from app.parts import plain, small
from app.views import policy_editor, policy_walk
from models.tables import Policy

REFRESH: Final = timedelta(seconds=10)
NEW: Final = "new"


def render() -> None:
    """Draw the page."""
    asked = opened("policy")
    if asked:
        policy_editor.render(asked)
        return
    walked = opened("walk")
    if walked:
        policy_walk.render(walked)
        return
    parts.page_header("Policies", "Who is told of an alert, in which order, until someone has it.")
    parts.link("policies", "New policy", icon="add", policy=NEW)
    _live()


@st.fragment(run_every=REFRESH, key="policies")
def _live() -> None:
    parts.show_flash()
    answer = cached_alerts.policy_list()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=wired.current().clock())
    if answer.data is None:
        return
    if not answer.data.policies:
        _none_yet()
    for policy in answer.data.policies:
        _card(policy, answer.data)


def _none_yet() -> None:
    box = parts.empty(
        "No policy yet",
        "A policy says who is told of an alert, and when: Slack at once, PagerDuty after some "
        "minutes, then whoever is on call.",
        icon="escalator_warning",
        key="policies_empty",
    )
    with box:
        parts.link("policies", "Define a policy", icon="add", policy=NEW)


def _card(policy: Policy, found: PolicyList) -> None:
    policy_id = policy.id or 0
    plan = plan_of(policy)
    with parts.card(f"policy_{policy_id}"):
        lines = (
            f"**{plain(policy.name)}**",
            plain(channel_words.sequence(plan)),
            small(_used_by(found.rules.get(policy_id, ()))),
        )
        st.markdown("  \n".join(lines))
        policy_editor.older(found.older.get(policy_id, ()))
        with st.container(horizontal=True, gap="small"):
            parts.link("policies", "Edit", icon="edit", policy=str(policy_id))
            parts.link("policies", "Dry run and test", icon="directions_walk", walk=str(policy_id))


def _used_by(names: Sequence[str]) -> str:
    if not names:
        return "No rule uses it"
    one = len(names) == 1
    return f"Used by {len(names)} {'rule' if one else 'rules'}: {plain(', '.join(names))}"
