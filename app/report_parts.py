"""What pages share of weekly reports: the schedule, what was sent, and whether anything will be."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

import streamlit as st

from alerts.reports import LATE_AFTER, Schedule, schedule_of
from app import delivery_words, numbers, parts, report_actions, report_words, wired
from app.cached_reports import Standing
from app.local_time import zone_name
from app.parts import plain, small
from models.tables import Report, ReportMessage
from models.vocabulary import ReportKind

CHANNEL: Final = {ReportKind.SPEND: "slack:#finance", ReportKind.DIGEST: "slack:#llm-alerts"}


def standing(kind: ReportKind, found: Standing, *, now: datetime) -> None:
    """Draw when a report goes out, what keeps it from it, and the form to change that."""
    report = found.report
    st.markdown(plain(report_words.when(report, now=now, zone=parts.viewer_zone())))
    due = report.due_at if report else None
    if due is not None and not found.engine_runs:
        st.warning(
            "No engine runs, so nothing is sent: start `wakeful up` or `wakeful engine`. What is "
            "due then goes out once.",
            icon=":material/power_off:",
        )
    elif due is not None and now - due > LATE_AFTER:
        why = report.error if report and report.error else "no engine has taken it yet"
        st.warning(
            f"Due {numbers.age(due, now=now)}, and not written: {plain(why)}.",
            icon=":material/schedule:",
        )
    with st.expander("Schedule", icon=":material/event_repeat:", key=f"reports_{kind}_box"):
        _form(kind, found)
        if kind is ReportKind.SPEND:
            _thinness(found.report)


def _thinness(report: Report | None) -> None:
    """Say so where traces are gone before the report goes out."""
    store = wired.current().store
    schedule = schedule_of(report) if report else Schedule(channel="")
    if store and (said := report_words.thinness(schedule, store.abilities.retention)):
        st.warning(said, icon=":material/history:")


def _form(kind: ReportKind, found: Standing) -> None:
    report, key = found.report, report_actions.key
    zones = _zones()
    zone = report.zone if report else zone_name(parts.viewer_zone())
    with st.form(f"reports_{kind}", border=False):
        on = st.toggle("Send every week", value=bool(report and report.due_at), key=key(kind, "on"))
        left, *right = st.columns([2, 1.2, 1, 1.6])
        left.text_input(
            "To",
            value=report.channel if report else CHANNEL[kind],
            key=key(kind, "channel"),
            help="`slack:#channel`, or `slack-dm:e-mail` for one person",
            max_chars=200,
        )
        right[0].selectbox(
            "On",
            report_words.WEEKDAYS,
            index=report.weekday if report else 0,
            key=key(kind, "weekday"),
        )
        hours = [f"{hour:02}:00" for hour in range(24)]
        hour = report.hour if report else 8
        right[1].selectbox("At", hours, index=hour, key=key(kind, "hour"))
        right[2].selectbox(
            "By the clock of",
            zones,
            index=zones.index(zone) if zone in zones else zones.index("UTC"),
            key=key(kind, "zone"),
        )
        st.form_submit_button(
            "Save", icon=":material/save:", on_click=report_actions.save, args=(kind,)
        )
    st.button(
        "Send now",
        icon=":material/send:",
        key=key(kind, "now"),
        disabled=not (report and report.due_at and on),
        on_click=report_actions.send_now,
        args=(kind,),
    )


def sent(messages: Sequence[ReportMessage], *, key: str) -> None:
    """Draw the ledger of reports; nothing where nothing was sent."""
    if not messages:
        st.markdown(small("Nothing has been sent yet."))
        return
    st.dataframe(
        report_words.ledger(messages),
        hide_index=True,
        height="content" if len(messages) <= 10 else 400,
        key=key,
        alt="Messages of weekly reports, newest first",
        column_config={
            **delivery_words.columns(st.context.timezone or "UTC"),
            "Told": st.column_config.TextColumn(width="large"),
        },
    )


@lru_cache(maxsize=1)
def _zones() -> list[str]:
    return sorted(available_timezones())
