"""What the buttons on rules do; each keeps one line to say how it went."""

from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts import intake, offers, rulebook
from alerts.offers import Offer
from alerts.rulebook import RuleError
from alerts.rulecode.complaints import RuleCodeError
from app import cached_alerts, cached_watching, identity, opened, parts, rule_form, wired
from app.drafts import Draft
from app.parts import plain
from app.rule_form import FormError
from models.database import read_only

OPENED: Final = ("rule", "template")  # what the address of the form says
DISABLE: Final = "rules_disable"
_REFUSED: Final = ":material/block:"


def save(draft: Draft, rule_id: int | None) -> None:
    """Write the rule that was typed, and go back to the list."""
    fields, wiring = draft.fields, wired.current()
    if not fields:  # the second half of a double click
        return
    try:
        rule = rule_form.read(fields)
        rulebook.save_rule(
            wiring.db, rule, by=identity.viewer(), now=wiring.clock(), rule_id=rule_id
        )
    except (FormError, RuleError) as error:
        parts.flash(f"Not saved: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was saved: try again.", _REFUSED)
    else:
        draft.drop()
        cached_alerts.clear()
        cached_watching.heartbeats.clear()
        parts.flash(f"Saved {plain(rule.name)}. It is evaluated at once.")
        leave()


def leave() -> None:
    """Go back to the list."""
    opened.close(*OPENED)


def ask_to_disable(rule_id: int) -> None:
    """Open the dialog that asks whether a rule is to be switched off."""
    st.session_state[DISABLE] = rule_id


def keep_enabled() -> None:
    """Close that dialog."""
    st.session_state.pop(DISABLE, None)


def disable() -> None:
    """Switch off the rule that the dialog is about."""
    rule_id = st.session_state.pop(DISABLE, None)
    if rule_id is not None:
        _switch(rule_id, enabled=False)
    st.rerun()


def enable(rule_id: int) -> None:
    """Switch a rule on."""
    _switch(rule_id, enabled=True)


def offered(text: str) -> Offer:
    """Return what a rule file would change here, and what may be wrong with its rules."""
    with Session(read_only(wired.current().db)) as session:
        defaults = intake.defaults(session, owner=identity.viewer())
        offer = intake.settle(offers.checked(offers.read(text, defaults)), intake.Book(session))
        return offers.judged(offer, rulebook.drafts(session).values())


def take_file(text: str) -> None:
    """Take a rule file, or say in one sentence why nothing of it was taken."""
    wiring = wired.current()
    try:
        took = intake.load(wiring.db, text, by=identity.viewer(), now=wiring.clock())
    except RuleCodeError as error:
        parts.flash(f"Nothing was taken: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was taken: try again.", _REFUSED)
    else:
        parts.flash(f"Took {len(took.policies)} policies and {len(took.rules)} rules.")
    cached_alerts.clear()


def revert(version_id: int, number: int, draft: Draft) -> None:
    """Make a rule what it was in one of its versions."""
    wiring = wired.current()
    try:
        row = rulebook.revert(wiring.db, version_id, by=identity.viewer(), now=wiring.clock())
    except RuleError as error:
        parts.flash(f"Not changed: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again.", _REFUSED)
    else:
        draft.drop()
        parts.flash(f"{plain(row.name)} is again what it was in version {number}.")
    cached_alerts.clear()


def _switch(rule_id: int, *, enabled: bool) -> None:
    wiring = wired.current()
    try:
        rulebook.set_enabled(wiring.db, rule_id, enabled, by=identity.viewer(), now=wiring.clock())
    except RuleError as error:
        parts.flash(f"Not changed: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again.", _REFUSED)
    else:
        parts.flash("Switched on. It is evaluated at once." if enabled else "Switched off.")
    cached_alerts.clear()
