"""One rule in a form, with the last 24 hours drawn under its threshold before it is saved."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from pydantic import ValidationError

from alerts import rulebook, ruletemplates
from alerts.conditions import Question
from alerts.lifecycle import Timing
from alerts.rulebook import RuleDraft
from app import (
    cached_alerts,
    cached_watching,
    identity,
    numbers,
    parts,
    rule_actions,
    rule_fields,
    rule_form,
    rule_preview,
    watch_chart,
    watching,
    wired,
)
from app.cached_alerts import RuleList
from app.cached_watching import Past
from app.drafts import Draft
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import Fields, FormError
from app.rule_preview import Patience, Preview
from app.views import rule_record
from app.watching import Drawing
from models.tables import Rule
from signals.units import span

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
    draft = Draft(f"rules_{rule.id}")
    try:
        draft.seed(rule_form.of(rulebook.draft_of(rule, policy.name)))
    except ValidationError:
        st.error("This version cannot read what the rule watches: write it anew.")
        draft.seed(rule_form.blank(owner=rule.owner, policy=policy.name) | {"name": rule.name})
    draft.seed({"version": rule.version})
    if rule.source_file:
        rule_record.kept_in_file(rule, policy)
        rule_record.history(rule, draft, now=now)
        return
    _changed_meanwhile(draft, rule, now=now)
    if ending := len(known.open.get(rule.id or 0, ())):
        st.info(
            f"Open alerts: {ending}. Saving leaves them open, unless signal, scope, split or "
            "labels change: then they end, since nothing would watch them any longer.",
            icon=":material/notifications_active:",
        )
    _form(draft, policies, rule.id)
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
def _form(draft: Draft, policies: Sequence[str], rule_id: int | None) -> None:
    parts.show_flash()
    left, right = st.columns([1, 1], gap="large")
    with left:
        with parts.card("rules_condition", "What is watched"):
            rule_fields.condition(draft)
        with parts.card("rules_patience", "How patiently"):
            rule_fields.patience(draft)
        with parts.card("rules_people", "For whom"):
            rule_fields.people(draft, policies)
    with right:
        with st.container(border=True, key="rules_preview", gap="xsmall"):
            _preview(draft.fields)
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


def _preview(fields: Fields) -> None:
    st.markdown("**The last 24 hours**")
    try:
        rule = rule_form.outline(fields)
    except FormError as error:
        st.markdown(small(f"Nothing to show yet. {plain(str(error))}"))
        return
    now = wired.current().clock()
    with st.spinner("Reading the last 24 hours …"):
        answers = {q: cached_watching.last_day(q) for q in rule.condition.questions}
    failed = {answer.error: answer.at for answer in answers.values() if answer.error}
    for reason, last_seen in failed.items():
        parts.source_down(reason, last_seen, now=now)
    pasts = {question: answer.data for question, answer in answers.items() if answer.data}
    if len(pasts) == len(answers):
        _draw(rule, pasts)


def _draw(rule: RuleDraft, pasts: dict[Question, Past]) -> None:
    drawing = watching.drawing(rule.condition)
    shown = pasts[drawing.question]
    patience = Patience(
        timing=Timing(hold=rule.hold, keep_firing=rule.keep_firing), no_data=rule.no_data
    )
    series = {question: past.series for question, past in pasts.items()}
    found: Preview = rule_preview.preview(rule.condition, series, patience, shown.grid)
    st.markdown(f"**{plain(rule_preview.sentence(found, rule.condition, rule.hold))}**")
    if shown.series:
        plot = watch_chart.plot(shown.series, shown.grid, drawing, firing=found.fired)
        parts.draw(plot, key="rules_plot", alt=f"{drawing.title}, last 24 hours, threshold drawn")
        st.markdown(small(_small_print(drawing, shown, plot.dropped)))


def _small_print(drawing: Drawing, shown: Past, dropped: int) -> str:
    said = (
        f"{plain(drawing.title)}, looked at every {span(shown.grid.step)}. "
        "Shaded: when it would have been firing."
    )
    if left_out := dropped + shown.left_out:
        said += f" {left_out} more lines are not drawn."
    return said
