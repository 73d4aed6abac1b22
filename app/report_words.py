"""Weekly reports as tables, sentences and CSV. Pure."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import pandas as pd

from alerts.reports import Schedule, schedule_of
from alerts.spend_report import SpendReport
from app import channel_words, delivery_words, local_time
from app.cost_words import cell, exact
from models.tables import Report, ReportMessage
from models.vocabulary import ReportKind
from signals.traces import spend_words
from signals.traces.spending import Bill, Spend
from signals.units import span

WEEKDAYS: Final = (*("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),)
KINDS: Final = {ReportKind.SPEND: "Spend", ReportKind.DIGEST: "Digest"}
WEEKS: Final = 6  # to choose from, the present one among them
PRINTED: Final = 15  # rows of one table; the CSV has all


def mondays(now: datetime, zone: tzinfo) -> list[date]:
    """Return the Mondays of the last weeks, the one that is over first, the present one last."""
    today = now.astimezone(zone).date()
    this = today - timedelta(days=today.weekday())
    return [*(this - timedelta(days=7 * n) for n in range(1, WEEKS)), this]


def when(report: Report | None, *, now: datetime, zone: tzinfo) -> str:
    """Return when a report goes out next, and where to."""
    if report is None or report.due_at is None:
        return "Not sent: switched off."
    schedule = schedule_of(report)
    weekly = f"{WEEKDAYS[schedule.weekday]}s at {schedule.hour:02}:00 ({schedule.zone})"
    next_at = local_time.short(report.due_at, now=now, zone=zone)
    return f"Sent {weekly} to {channel_words.words(schedule.channel)}; next {next_at}."


def thinness(schedule: Schedule, retention: timedelta | None) -> str:
    """Return what a report of spend lacks because traces are not kept so long, or nothing.

    Args:
        schedule: When it goes out: after the end of the calendar week that it is about.
        retention: How long traces are kept; None for ever.
    """
    age = timedelta(days=7 + schedule.weekday, hours=schedule.hour)  # of the week's first trace
    if retention is None or retention >= age:
        return ""
    days = -(-age // timedelta(days=1))
    return (
        f"Traces are kept for {span(retention)}, but this report goes out {span(age)} after its "
        f"week begins, and lacks the first {span(age - retention)}: set "
        f"`WAKEFUL_TRACE_RETENTION_DAYS` to {days} or more, or to {days + 7} to compare with the "
        "week before."
    )


def spend_table(report: SpendReport, bill: Bill, what: str) -> pd.DataFrame:
    """Return one split of the report, the dearest first, as text that prints."""
    total = report.whole.usd if report.whole else None
    rows = [_row(row, total, what, comparable=report.comparable) for row in bill.rows[:PRINTED]]
    return pd.DataFrame(rows)


def _row(row: Spend, total: float | None, what: str, *, comparable: bool) -> dict[str, str]:
    shown = {
        what: spend_words.name(row.value),
        "Spend": spend_words.known_usd(row),
        "Share": f"{100 * row.usd / total:.1f} %" if row.usd and total else spend_words.NO_VALUE,
        "Requests": f"{row.requests:,}",
        "Per success": spend_words.usd(row.per_success),
        "Cost is": spend_words.provenance(row) or spend_words.NO_VALUE,
    }
    if comparable:
        shown["Against the week before"] = spend_words.change_words(row) or spend_words.NO_VALUE
    return shown


def as_csv(report: SpendReport) -> str:
    """Return every split of the report as one CSV, times in UTC, an empty cell where unknown."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            *("from", "to", "split", "value", "spend_usd", "reported_usd", "before_usd"),
            *("requests", "concluded", "successes", "priced_calls", "unpriced_calls", "complete"),
        ]
    )
    period = [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (report.query.start,
              report.query.end)]  # fmt: skip
    whole = [("total", report.whole)] if report.whole else []
    parts = [(split, row) for split, bill in report.bills.items() for row in bill.rows]
    for split, row in (*whole, *parts):
        writer.writerow(
            [
                *period,
                split,
                cell(row.value or ""),
                exact(row.usd),
                exact(row.reported_usd if row.usd is not None else None),
                exact(row.before_usd if report.comparable else None),
                row.requests,
                row.concluded,
                row.successes if row.concluded else None,
                row.priced,
                row.unpriced,
                "yes" if report.complete else "no",
            ]
        )
    return out.getvalue()


def ledger(messages: Sequence[ReportMessage]) -> pd.DataFrame:
    """Return the messages of reports, one a row."""
    return pd.DataFrame([_message(one) for one in messages])


def _message(one: ReportMessage) -> dict[str, Any]:
    outcome = f"{delivery_words.SIGNS[one.outcome]} {one.outcome}" if one.outcome else "… waiting"
    return {
        "Time": one.told_at or one.scheduled_at,
        "Outcome": outcome,
        "Channel": channel_words.words(one.channel),
        "Told": one.title,
        "Attempt": one.attempts,
        "Took (ms)": one.duration_ms,
        "Answer": one.answer,
    }
