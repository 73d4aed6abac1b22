"""Switching on or off all rules that the list shows."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import switching
from app import cached_alerts, identity, parts, wired
from app.cached_alerts import RuleList
from app.parts import plain, small
from app.rule_words import Known

ASKED: Final = "rules_bulk_asked"  # the rules that the dialog is about, as they were listed
SHOWN: Final = 3


def draw(shown: Sequence[Known]) -> None:
    """Draw the buttons for all of `shown` that can be changed here."""
    ours = [rule for rule, _ in shown if not rule.source_file]
    for enabled, icon in ((True, "toggle_on"), (False, "toggle_off")):
        ids = tuple(rule.id or 0 for rule in ours if rule.enabled is not enabled)
        if ids:
            st.button(
                f"{_verb(enabled)} {_count(len(ids))}",
                icon=f":material/{icon}:",
                key=f"rules_bulk_{_verb(enabled).lower()}",
                help="All that are listed, on all pages.",
                on_click=ask,
                args=(ids, enabled),
            )
    if kept := len(shown) - len(ours):
        many = "1 is" if kept == 1 else f"{kept} are"
        st.markdown(small(f"{many} kept in files: changed there"))


def ask(rule_ids: tuple[int, ...], enabled: bool) -> None:
    """Open the dialog that asks whether all of these are meant."""
    st.session_state[ASKED] = (rule_ids, enabled)


def forget() -> None:
    """Close that dialog."""
    st.session_state.pop(ASKED, None)


@st.dialog("Switch rules", on_dismiss=forget)
def confirm(found: RuleList) -> None:
    """Draw the dialog."""
    rule_ids, enabled = st.session_state.get(ASKED, ((), True))
    wanted = set(rule_ids)
    named = [rule.name for rule, _ in found.rules if rule.id in wanted]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    st.markdown(f"{_verb(enabled)} **{plain(', '.join(named[:SHOWN]))}**{more}?")
    ending = sum(len(found.open.get(rule_id, ())) for rule_id in rule_ids)
    if not enabled and ending:
        st.markdown(f"Open alerts that end now: {ending}. Whoever was told of one hears so.")
    st.button(
        f"{_verb(enabled)} {_count(len(rule_ids))}",
        type="primary",
        key="rules_bulk_yes",
        on_click=switch,
    )


def switch() -> None:
    """Switch the rules that the dialog is about; pressed twice, the second finds nothing to do."""
    asked = st.session_state.pop(ASKED, None)
    if asked is None:
        return
    (rule_ids, enabled), wiring = asked, wired.current()
    try:
        done = switching.switch_all(
            wiring.db, rule_ids, enabled, by=identity.viewer(), now=wiring.clock()
        )
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Try again.", ":material/block:")
    else:
        said = f"Switched {'on' if enabled else 'off'}: {_count(done.changed)}."
        if done.refused:
            said += f" Left as they are: {len(done.refused)}. {plain(done.refused[0])}"
        parts.flash(said)
    cached_alerts.clear()
    st.rerun()


def _verb(enabled: bool) -> str:
    return "Enable" if enabled else "Disable"


def _count(rules: int) -> str:
    return "1 rule" if rules == 1 else f"{rules} rules"
