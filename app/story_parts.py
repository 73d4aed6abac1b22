"""What the pages of an alert and of a group share: timeline, undelivered, what changed, export."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Final

import streamlit as st

from alerts.conditions import AnyCondition
from alerts.entries import Entry, EntryKind
from alerts.lifecycle import ENGINE
from alerts.surroundings import Surroundings
from app import (
    annotation_words,
    channel_words,
    exporting,
    local_time,
    numbers,
    parts,
    watching,
    wired,
)
from app.parts import plain, small
from models.tables import Notification

MOST: Final = 200  # entries that are drawn, the newest; the export has more
_ICONS: Final = {
    EntryKind.STATE: "flag",
    EntryKind.STEP: "campaign",
    EntryKind.DELIVERY: "outbox",
    EntryKind.REMARK: "person",
    EntryKind.NOTE: "edit_note",
}

Naming = Callable[[Entry], tuple[AnyCondition | None, str]]  # of an entry's alert, and its name


def timeline(
    entries: Sequence[Entry],
    naming: Naming,
    *,
    began: datetime,
    now: datetime,
    zone: tzinfo,
) -> None:
    """Draw what happened, newest first; `naming` says which alert an entry is about."""
    st.markdown("**Timeline**, newest first")
    for entry in list(reversed(entries))[:MOST]:
        condition, name = naming(entry)
        at = local_time.clock(entry.at, now=now, zone=zone)
        about = f", {name}" if name else ""
        apart = local_time.offset(entry.at, since=began)
        st.markdown(f"{_entry(entry, condition)}  \n{small(plain(f'{at}, {apart}{about}'))}")
    if len(entries) > MOST:
        st.markdown(small(f"and {len(entries) - MOST} earlier: see the export"))


def untold(waiting: Sequence[Notification], *, now: datetime) -> None:
    """Say which channel does not know yet, and why."""
    for note in waiting:
        whom = plain(channel_words.words(note.channel))
        if note.next_attempt_at is None:
            st.error(f"{whom} could not be told: {plain(note.error)}", icon=":material/block:")
        elif note.error:
            again = local_time.until(note.next_attempt_at, now=now)
            st.warning(
                f"{whom} has not been told: {plain(note.error)}. Next try {again}.",
                icon=":material/sync:",
            )


def changes(around: Surroundings, *, now: datetime, zone: tzinfo) -> None:
    """Draw what is known to have changed around the beginning of an alert."""
    with st.container(border=True, key="alert_changes", gap="xsmall"):
        st.markdown("**What changed around then**")
        known = _changes(around, now=now, zone=zone)
        known = [annotation_words.line(row, now=now, zone=zone) for row in around.annotated] + known
        for line in known or [small("Nothing that Wakeful knows of.")]:
            st.markdown(line)
        for other in around.neighbours:
            at = local_time.clock(other.active_at, now=now, zone=zone)
            label = f"{other.rule}, {other.state}"
            parts.link("alerts", label, icon="notifications", alert=str(other.alert_id))
            st.markdown(small(plain(f"{other.summary}, began {at}")))
        if around.more:
            st.markdown(small(f"and {around.more} more alerts that began then"))


def export(number: int, *, group: bool) -> None:
    """Draw the menu that saves the story as a file."""
    what = "group" if group else "alert"
    with st.popover("Export", icon=":material/download:", key=f"alerts_export_{what}"):
        for label, ending, mime in (
            ("Markdown", "md", "text/markdown"),
            ("JSON", "json", "application/json"),
        ):
            st.download_button(
                label,
                partial(_story, number, group=group, as_json=ending == "json"),
                file_name=f"{what}-{number}.{ending}",
                mime=mime,
                key=f"alerts_export_{what}_{ending}",
                on_click="ignore",
                width="stretch",
            )


def _story(number: int, *, group: bool, as_json: bool) -> str:
    return exporting.exported(wired.current(), number, group=group, as_json=as_json)


def _entry(entry: Entry, condition: AnyCondition | None) -> str:
    icon = f":{'gray' if entry.ok else 'red'}[:material/{_ICONS[entry.kind]}:]"
    if entry.kind is EntryKind.NOTE:
        return f"{icon} **{plain(entry.actor)}** {plain(entry.text)}"
    at = watching.value(condition, entry.value) if condition else ""
    by = f" by {plain(entry.actor)}" if entry.actor not in ("", ENGINE) else ""
    said = entry.text
    for channel in entry.channels:
        said = said.replace(channel, channel_words.words(channel))
    return f"{icon} {plain(said)}{f' at {at}' if at else ''}{by}"


def _changes(around: Surroundings, *, now: datetime, zone: tzinfo) -> list[str]:
    said = []
    if around.edited_at is not None:
        at = local_time.clock(around.edited_at, now=now, zone=zone)
        by = plain(around.edited_by)
        said.append(f":gray[:material/rule:] Its rule was changed at {at} by {by}")
    if around.earlier:
        times = "once" if around.earlier == 1 else f"{around.earlier} times"
        ended = (
            f"; the last ended {numbers.age(around.ended_at, now=now)}" if around.ended_at else ""
        )
        said.append(
            f":gray[:material/history:] The same alert fired {times} in the week before{ended}"
        )
    if around.neighbours:
        said.append(":gray[:material/group_work:] Others began within 15 min of it:")
    return said


def names(conditions: Mapping[int, tuple[AnyCondition, str]]) -> Naming:
    """Return the naming of entries by the ids of their alerts."""
    return lambda entry: conditions.get(entry.alert_id or 0, (None, ""))
