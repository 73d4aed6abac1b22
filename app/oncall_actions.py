"""What the buttons on on-call schedules do; each keeps one line to say how it went."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import rota_changes
from alerts.rota import RotaError
from alerts.rota_drafts import Stint
from app import cached, cached_oncall, identity, oncall_form, opened, parts, wired
from app.drafts import Draft
from app.parts import plain
from app.rule_form import FormError

SHOWN: Final = ("schedule",)  # what the address of one schedule says
EDITED: Final = ("schedule", "edit")
_REFUSED: Final = ":material/block:"


def save(draft: Draft, schedule_id: int | None) -> None:
    """Write the schedule that was typed, and show it."""
    fields, wiring = draft.fields, wired.current()
    if not fields:  # the second half of a double click
        return

    def act(by: str, now: datetime) -> str:
        written = oncall_form.read(fields)
        saved = rota_changes.save_schedule(
            wiring.db, written, by=by, now=now, schedule_id=schedule_id
        )
        draft.drop()
        st.query_params["schedule"] = str(saved)
        st.query_params.pop("edit", None)
        return f"Saved {plain(written.name)}. Who is on call goes by it from now on."

    _do(act, "Not saved")


def delete(schedule_id: int, name: str) -> None:
    """Delete a schedule, and go back to the list."""

    def act(by: str, _now: datetime) -> str:
        rota_changes.delete_schedule(wired.current().db, schedule_id, by=by)
        for parameter in EDITED:
            st.query_params.pop(parameter, None)
        return f"Deleted {plain(name)}."

    _do(act, "Not deleted")


def override(draft: Draft, schedule_id: int, zone: tzinfo) -> None:
    """Put somebody else on call for a while."""
    fields = draft.fields
    if not fields:
        return

    def act(by: str, now: datetime) -> str:
        written = oncall_form.read_override(fields, zone)
        rota_changes.add_override(wired.current().db, schedule_id, written, by=by, now=now)
        draft.drop()
        return f"{plain(written.person.partition(' <')[0])} takes over then."

    _do(act, "No override made")


def swap(draft: Draft, schedule_id: int, first: Stint | None, second: Stint | None) -> None:
    """Let two people take each other's shift."""
    fields = draft.fields
    if not fields:
        return

    def act(by: str, now: datetime) -> str:
        written = oncall_form.read_swap(first, second, fields.get("reason") or "")
        rota_changes.swap(wired.current().db, schedule_id, written, by=by, now=now)
        draft.drop()
        return "Swapped: each has the other's shift."

    _do(act, "Not swapped")


def take_back(override_id: int) -> None:
    """Take an override back, with the other half of its swap."""

    def act(by: str, now: datetime) -> str:
        rota_changes.remove_override(wired.current().db, override_id, by=by, now=now)
        return "Taken back. What is past of it stays."

    _do(act, "Not taken back")


def new_address(schedule_id: int) -> None:
    """Give the schedule's feed a new secret address."""

    def act(by: str, _now: datetime) -> str:
        rota_changes.new_feed_token(wired.current().db, schedule_id, by=by)
        return "The feed has a new address. Whoever subscribed to the old one sees nothing more."

    _do(act, "Not changed")


def cancel(draft: Draft) -> None:
    """Forget what was typed, and go back to the schedule, or to the list from a new one."""
    new = st.query_params.get("schedule") == "new"
    draft.drop()
    opened.close(*(EDITED if new else ("edit",)))


def add_layer(draft: Draft, zone: tzinfo) -> None:
    """Add a layer on top."""
    number = draft.get("made")
    draft.put("made", number + 1)
    draft.put("order", [*draft.get("order"), number])
    fresh = oncall_form.new_layer(zone, now=wired.current().clock())
    draft.seed(oncall_form.layer_fields(number, fresh) | oncall_form.hours_fields(number, ()))


def choose_hours(draft: Draft, number: int) -> None:
    """Fill in the hours of the preset that was chosen for a layer."""
    chosen = draft.get(oncall_form.field("hours", number))
    if chosen in oncall_form.HOURS:
        made = draft.get(oncall_form.field("windows_made", number)) or 0
        _, windows = oncall_form.HOURS[chosen]
        _put(draft, oncall_form.hours_fields(number, windows, made=made))
    elif not draft.get(oncall_form.field("windows", number)):
        add_window(draft, number)


def add_window(draft: Draft, number: int) -> None:
    """Add hours to a layer."""
    made_field, field = (oncall_form.field(n, number) for n in ("windows_made", "windows"))
    made = draft.get(made_field) or 0
    _, (nights,) = oncall_form.HOURS["nights"]
    draft.put(field, [*(draft.get(field) or ()), made])
    draft.put(made_field, made + 1)
    _put(draft, oncall_form.window_fields(number, made, nights))


def remove_window(draft: Draft, number: int, place: int) -> None:
    """Take hours out of a layer."""
    field = oncall_form.field("windows", number)
    draft.put(field, [one for one in draft.get(field) or () if one != place])


def _put(draft: Draft, fields: oncall_form.Fields) -> None:
    for name, value in fields.items():
        draft.put(name, value)


def _do(act: Callable[[str, datetime], str], failed: str) -> None:
    """Do what was asked for, and say in one line how it went."""
    try:
        said = act(identity.viewer(), wired.current().clock())
    except (FormError, RotaError) as error:
        parts.flash(f"{failed}: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} {failed}: try again.", _REFUSED)
    else:
        parts.flash(said)
    cached_oncall.clear()
