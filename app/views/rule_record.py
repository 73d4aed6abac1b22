"""What stands below a rule's form: every version of it, with what changed and the way back."""

from datetime import datetime
from typing import Final

import streamlit as st
from pydantic import ValidationError

from alerts import pings, rulebook, ruledraft, rulefile
from alerts.ruledraft import RuleDraft
from alerts.versions import Step
from app import (
    cached_alerts,
    cached_watching,
    data_state_form,
    local_time,
    numbers,
    parts,
    rule_actions,
    wired,
)
from app.drafts import Draft
from app.parts import plain, small
from models.tables import Policy, Rule

LINES: Final = 8  # of one version's changes


def kept_in_file(rule: Rule, policy: Policy, *, now: datetime) -> None:
    """Show a rule that is changed in its file only."""
    parts.show_flash()
    with parts.card("rules_kept", f"Kept in {rulebook.origin_of(rule)}"):
        st.markdown(small("Change it there: what is in the watched folder is so here."))
        try:
            draft = ruledraft.draft_of(rule, policy.name)
        except ValidationError:  # the page has said so
            return
        st.code(rulefile.write(ruledraft.written(draft)), language="yaml", wrap_lines=True)
        made = data_state_form.line(draft.condition, draft.data_states)
        st.markdown(small(plain(f"When there is no answer: {made}.")))
    address(draft, now=now)


def address(rule: RuleDraft | None, *, now: datetime) -> None:
    """Show where the heartbeat that a rule waits for is to call, and when it last did."""
    name = ruledraft.heartbeat_of(rule.condition) if rule else ""
    if not name:
        return
    answer = cached_watching.heartbeats()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if (row := (answer.data or {}).get(name)) is None:
        return
    last = f"last {numbers.age(row.last_at, now=now)}" if row.last_at else "not yet heard"
    with parts.card("rules_heartbeat", f"Where {plain(name)} reports in"):
        said = f"GET or POST, as often as the rule expects; {last}. The address is a secret."
        st.markdown(small(said))
        st.code(pings.ping_url(wired.current().settings.base_url, row), language=None)


def history(rule: Rule, draft: Draft, *, now: datetime) -> None:
    """Draw who changed what, and when, newest first."""
    if rule.id is None:
        return
    answer = cached_alerts.rule_history(rule.id)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    steps = answer.data or ()
    with parts.card("rules_history", "History"):
        if not steps:
            st.markdown(small("It has not been changed since versions are kept."))
        for step in steps:
            _step(step, rule, draft, now=now)


def _step(step: Step, rule: Rule, draft: Draft, *, now: datetime) -> None:
    version = step.version
    at = local_time.clock(version.at, now=now, zone=parts.viewer_zone())
    ago = small(f"{numbers.age(version.at, now=now)}, {at}")
    lines = [f"**Version {version.version}** by {plain(version.author)} {ago}"]
    lines += [plain(str(one)) for one in step.differences[:LINES]]
    if len(step.differences) > LINES:
        lines.append(f"and {len(step.differences) - LINES} more")
    with st.container(horizontal=True, vertical_alignment="center", key=f"rules_v{version.id}"):
        st.markdown("  \n".join(lines), width="stretch")
        if version.version != rule.version and not rule.source_file:
            st.button(
                "Revert",
                icon=":material/history:",
                key=f"rules_revert_{version.id}",
                help="Make the rule what it was in this version; that is a new version.",
                on_click=rule_actions.revert,
                args=(version.id, version.version, draft),
            )
