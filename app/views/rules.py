"""Rules: what is watched and how each fares; `?rule=<id>` edits one, `?rule=new` makes one."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import ruletemplates
from app import (
    cached_alerts,
    numbers,
    parts,
    rule_actions,
    rule_bulk,
    rule_filters,
    rule_words,
    wired,
)
from app.cached_alerts import RuleList
from app.opened import opened
from app.parts import plain, small
from app.rule_words import Known
from app.views import rule_editor
from models.tables import Rule

REFRESH: Final = timedelta(seconds=10)
PER_PAGE: Final = 25
SHOWN: Final = 10  # lines about a file


def render() -> None:
    """Draw the page."""
    asked = opened("rule")
    if asked:
        rule_editor.render(asked, template=st.query_params.get("template", ""))
        return
    parts.page_header("Rules", "What is watched, how patiently, and whom it wakes.")
    with st.container(horizontal=True, vertical_alignment="center", key="rules_toolbar"):
        text = st.text_input(
            "Search rules",
            type="search",
            placeholder="Find a rule",
            label_visibility="collapsed",
            key="rules_search",
            bind="query-params",
            live=True,
        )
        _new()
        _file()
    _live(text or "")


def _new() -> None:
    with st.popover("New rule", icon=":material/add:", type="primary", key="rules_new"):
        parts.link("rules", "Blank rule", icon="draft", rule="new")
        st.markdown(small("Or start from one of these:"))
        for template in ruletemplates.templates():
            parts.link("rules", template.name, icon="add", rule="new", template=template.name)


def _file() -> None:
    with st.popover("File", icon=":material/description:", key="rules_file"):
        st.download_button(
            "Export all rules and policies",
            data=cached_alerts.rule_file,
            file_name="wakeful-rules.yaml",
            mime="application/yaml",
            icon=":material/download:",
            key="rules_export",
            on_click="ignore",
            width="stretch",
        )
        uploaded = st.file_uploader("Import a rule file", type=["yaml", "yml"], key="rules_upload")
        if uploaded is not None:
            _offer(uploaded.getvalue())


def _offer(content: bytes) -> None:
    """Say what a file holds before anything of it is taken."""
    try:
        text = content.decode()
        offer = rule_actions.offered(text)
    except UnicodeDecodeError:
        st.error("Nothing of it can be taken: it is not text in UTF-8.")
        return
    except SQLAlchemyError:
        st.error(cached_alerts.DATABASE_DOWN)
        return
    if offer.complaints:
        said = "\n".join(f"- {plain(str(one))}" for one in offer.complaints[:SHOWN])
        st.error(f"Nothing of it can be taken:\n\n{said}")
        return
    counts = Counter(one.what for one in offer.rules)
    rules = ", ".join(f"{count} {what}" for what, count in counts.items()) or "none"
    st.markdown(
        small(
            f"It holds {len(offer.policies)} policies and {len(offer.rules)} rules: {rules}. What "
            "has the name of one that exists replaces it; nothing is removed."
        )
    )
    notes = [f"{one.draft.name}: {note}" for one in offer.rules for note in one.notes]
    notes += [f"{one.draft.name}: {found}" for one in offer.rules for found in one.findings]
    for said in [*map(str, (*offer.left, *offer.remarks)), *notes][:SHOWN]:
        st.markdown(small(plain(said)))
    st.button(
        "Import",
        type="primary",
        key="rules_import",
        on_click=rule_actions.take_file,
        args=(text,),
    )


@st.fragment(run_every=REFRESH, key="rules")
def _live(text: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_alerts.rule_list()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is not None:
        _broken_files(answer.data, now=now)
        _list(answer.data, text, now=now)
    if rule_actions.DISABLE in st.session_state and answer.data is not None:
        _ask_to_disable(answer.data)
    elif rule_bulk.ASKED in st.session_state and answer.data is not None:
        rule_bulk.confirm(answer.data)


def _broken_files(found: RuleList, *, now: datetime) -> None:
    """Say which files of the watched folder are not in force as they stand."""
    for file in found.files:
        if file.complaint:
            age = numbers.age(file.read_at, now=now)
            kept = f"; its {file.rules} rules stay as they were" if file.rules else ""
            st.error(
                f"{plain(file.path)} was not taken, {age}{kept}. {plain(file.complaint)}",
                icon=":material/folder_off:",
            )


def _list(found: RuleList, text: str, *, now: datetime) -> None:
    if not found.rules:
        _none_yet()
        return
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key="rules_narrowing"
    ):
        wanted = rule_filters.choose(found, text)
        shown = rule_words.matching(found.rules, wanted, found.open, now=now)
        if shown:
            rule_bulk.draw(shown)
        off = sum(not rule.enabled for rule, _ in found.rules)
        count = f"{len(shown)} of {len(found.rules)} rules"
        st.markdown(small(f"{count}, {off} of all switched off" if off else count))
    if not shown:
        parts.empty(
            "No rule matches",
            f"None of the {len(found.rules)} rules has all of these words and passes the filters.",
            icon="search_off",
            key="rules_no_match",
        )
        return
    pages = -(-len(shown) // PER_PAGE)
    page = st.pagination(pages, key="rules_page") if pages > 1 else 1
    for rule, policy in shown[(page - 1) * PER_PAGE : page * PER_PAGE]:
        _card((rule, policy), found.open.get(rule.id or 0, ()), now=now)


def _none_yet() -> None:
    box = parts.empty(
        "No rule yet",
        "Start from an alert worth having, or from a blank one.",
        icon="rule",
        key="rules_empty",
    )
    with box:
        for template in ruletemplates.templates()[:3]:
            parts.link("rules", template.name, icon="add", rule="new", template=template.name)
        parts.link("rules", "Blank rule", icon="draft", rule="new")


def _card(known: Known, open_alerts: Sequence[int], *, now: datetime) -> None:
    rule, policy = known
    with parts.card(f"rule_{rule.id}"):
        lines = [
            f"{_marks(rule, now)} **{plain(rule.name)}**",
            plain(rule_words.watches(rule)),
            small(plain(rule_words.looked_after(rule, policy, now=now))),
        ]
        if rule.error and rule.enabled:
            lines.append(f":red[:material/error:] {plain(rule.error)}")
        st.markdown("  \n".join(lines))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if rule.source_file:
                parts.link("rules", "View", icon="visibility", rule=str(rule.id))
            else:
                _switch(rule)
                parts.link("rules", "Edit", icon="edit", rule=str(rule.id))
            for alert_id in open_alerts:
                parts.link(
                    "alerts",
                    f"Alert {alert_id}",
                    icon="notifications_active",
                    alert=str(alert_id),
                )


def _marks(rule: Rule, now: datetime) -> str:
    marks = [parts.severity_mark(rule.severity)]
    if not rule.enabled:
        marks.append(parts.mark("off", ("gray", "toggle_off")))
    elif rule.data_state is None:
        marks.append(parts.mark("not evaluated yet", ("gray", "schedule")))
    else:
        marks.append(parts.mark(rule.data_state, parts.DATA_STATES[rule.data_state]))
    if rule_words.overdue(rule, now=now):
        marks.append(parts.mark("late", ("orange", "schedule")))
    return " ".join(marks)


def _switch(rule: Rule) -> None:
    if rule.enabled:
        st.button(
            "Disable",
            icon=":material/toggle_off:",
            key=f"rules_disable_{rule.id}",
            on_click=rule_actions.ask_to_disable,
            args=(rule.id,),
        )
    else:
        st.button(
            "Enable",
            icon=":material/toggle_on:",
            key=f"rules_enable_{rule.id}",
            on_click=rule_actions.enable,
            args=(rule.id,),
        )


@st.dialog("Disable rule", on_dismiss=rule_actions.keep_enabled)
def _ask_to_disable(found: RuleList) -> None:
    rule_id = st.session_state.get(rule_actions.DISABLE)
    name = next((rule.name for rule, _ in found.rules if rule.id == rule_id), "this rule")
    ending = len(found.open.get(rule_id or 0, ()))
    said = f"**{plain(name)}** is not evaluated until someone enables it."
    if ending:
        one = "alert ends" if ending == 1 else "alerts end"
        said += f" Its {ending} open {one} now, and whoever was told of it hears so."
    st.markdown(said)
    with st.container(horizontal=True, gap="small"):
        st.button("Disable", type="primary", key="rules_disable_yes", on_click=rule_actions.disable)
