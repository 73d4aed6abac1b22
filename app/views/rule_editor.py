"""One rule in a form, with what it would have done, said and drawn before it is saved."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from pydantic import ValidationError

from alerts import ruledraft, ruletemplates
from alerts.ruledraft import RuleDraft
from alerts.rulelint import in_order
from app import (
    cached_alerts,
    condition_fields,
    identity,
    numbers,
    parts,
    rule_actions,
    rule_fields,
    rule_findings,
    rule_form,
    wired,
)
from app.cached_alerts import RuleList
from app.drafts import Draft
from app.opened import way_back
from app.parts import plain
from app.rule_form import Fields, FormError
from app.views import rule_lint, rule_preview, rule_record
from models.tables import Rule

REFRESH: Final = timedelta(minutes=1)
NEW: Final = "new"


def render(asked: str, *, template: str = "") -> None:
    """Draw the form for the rule whose id is `asked`, or a new one, perhaps from a template."""
    now = wired.current().clock()
    way_back("All rules", *rule_actions.OPENED)
    known, listed = cached_alerts.rule_list(), cached_alerts.policy_list()
    if known.error:
        parts.source_down(known.error, known.at, now=now)
    if known.data is None or listed.data is None:
        return
    policies = [policy.name for policy in listed.data.policies]
    if not policies:
        _policy_first()
    elif asked == NEW:
        _new(template, policies)
    else:
        _change(asked, known.data, policies, now=now)


def _policy_first() -> None:
    box = parts.empty(
        "A rule needs a policy",
        "A policy says who is told, and when. There is none yet.",
        icon="escalator_warning",
        key="rules_no_policy",
    )
    with box:
        parts.link("policies", "Define a policy", icon="add", policy=NEW)


def _new(template: str, policies: Sequence[str]) -> None:
    parts.page_header("New rule")
    me = identity.viewer()
    chosen = next((t for t in ruletemplates.templates() if t.name == template), None)
    if chosen is None:
        fields = rule_form.blank(owner=me, policy=policies[0])
    else:
        fields = rule_form.from_template(chosen, owner=me, policy=policies[0])
    draft = Draft(f"rules_{NEW}{len(template)}{template[:20]}")
    draft.seed(fields)
    _form(draft, policies, None)


def _change(asked: str, known: RuleList, policies: Sequence[str], *, now: datetime) -> None:
    found = next((pair for pair in known.rules if str(pair[0].id) == asked), None)
    if found is None:
        parts.empty(
            f"There is no rule {asked[:40]}",
            "It may have been made in another installation.",
            icon="search_off",
            key="rules_unknown",
        )
        return
    rule, policy = found
    parts.page_header(
        plain(rule.name), f"Changed {numbers.age(rule.updated_at, now=now)} by {rule.updated_by}"
    )
    draft, saved = Draft(f"rules_{rule.id}"), None
    try:
        saved = ruledraft.draft_of(rule, policy.name)
        draft.seed(rule_form.of(saved))
    except ValidationError:
        st.error("This version cannot read what the rule watches: write it anew.")
        draft.seed(rule_form.blank(owner=rule.owner, policy=policy.name) | {"name": rule.name})
    draft.seed({"version": rule.version})
    if rule.source_file:
        rule_record.kept_in_file(rule, policy, now=now)
        rule_record.history(rule, draft, now=now)
        return
    _changed_meanwhile(draft, rule, now=now)
    if ending := len(known.open.get(rule.id or 0, ())):
        st.info(
            f"Open alerts: {ending}. Saving leaves them open, unless signal, scope, split or "
            "labels change: then they end, since nothing would watch them any longer.",
            icon=":material/notifications_active:",
        )
    rule_record.address(saved, now=now)
    _form(draft, policies, rule.id, saved)
    rule_record.history(rule, draft, now=now)


def _changed_meanwhile(draft: Draft, rule: Rule, *, now: datetime) -> None:
    if draft.get("version") == rule.version:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        age = numbers.age(rule.updated_at, now=now)
        st.warning(
            f"{plain(rule.updated_by)} changed this rule {age}: saving replaces that change.",
            icon=":material/edit_off:",
        )
        st.button("Start over", key="rules_start_over", on_click=draft.drop)


@st.fragment(run_every=REFRESH, key="rule_form")
def _form(
    draft: Draft, policies: Sequence[str], rule_id: int | None, saved: RuleDraft | None = None
) -> None:
    parts.show_flash()
    left, right = st.columns([1, 1], gap="large")
    with left:
        with parts.card("rules_condition", "What is watched"):
            condition_fields.condition(draft)
        with parts.card("rules_patience", "How patiently"):
            rule_fields.patience(draft)
        with parts.card("rules_people", "For whom"):
            rule_fields.people(draft, policies)
    with right:
        with st.container(border=True, key="rules_preview", gap="xsmall"):
            seen = rule_preview.draw(draft.fields, saved)
        _findings(draft.fields, rule_id, seen)
        _save(draft, rule_id)


def _save(draft: Draft, rule_id: int | None) -> None:
    complaint = ""
    try:
        rule_form.read(draft.fields)
    except FormError as error:
        complaint = str(error)
        st.warning(f"Not ready yet. {plain(complaint)}", icon=":material/edit:")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save rule",
            type="primary",
            icon=":material/save:",
            key="rules_save",
            disabled=bool(complaint),
            on_click=rule_actions.save,
            args=(draft, rule_id),
        )
        st.button("Cancel", key="rules_cancel", on_click=_cancel, args=(draft,))


def _cancel(draft: Draft) -> None:
    draft.drop()
    rule_actions.leave()


def _findings(fields: Fields, rule_id: int | None, seen: rule_preview.Seen | None) -> None:
    rule = rule_findings.typed(fields)
    if rule is None:
        return
    found = rule_findings.of(rule, rule_id)
    if seen is not None:
        found += rule_findings.in_hindsight(rule, *seen)
    rule_lint.draw(in_order(found))
