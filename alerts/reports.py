r"""Reports that go out once a week: when each is due, and its messages, each written once.

    off <--> waits --due_at--> written: one message a place, and due again in a week
                 \--cannot be written yet--> stays due, and says why

The due time is a column, and the messages of one due time are written in the transaction that
moves it on, where nobody else moved it meanwhile: a restart forgets nothing, and no two engines
write the same report. Of due times that passed while no engine ran, the last one counts.
`alerts.report_delivery` sends.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select, update

from alerts import channels
from alerts.channels import ChannelError
from alerts.conditions.kind import known_zone
from alerts.notifiers import Bulletin
from models.tables import Report, ReportMessage
from models.vocabulary import ReportKind
from models.wallclock import instant, wall
from signals import SignalError

KEPT: Final = timedelta(days=400)
SENDING: Final = (channels.SLACK, channels.SLACK_DM)
WEEK: Final = timedelta(days=7)
LATE_AFTER: Final = timedelta(minutes=5)  # what is due for longer, no engine has taken

logger = logging.getLogger(__name__)


class ReportError(Exception):
    """A report cannot be scheduled so; one sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A message of a report.

    Attributes:
        about: Whom it is for, where a report has one message a person.
    """

    channel: str
    bulletin: Bulletin
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a report goes out, and where to.

    Attributes:
        weekday: 0 is Monday.
        hour: By the clocks of `zone`.
    """

    channel: str
    weekday: int = 0
    hour: int = 8
    zone: str = "UTC"

    def after(self, at: datetime) -> datetime:
        """Return the first time after `at` that it is due, in UTC."""
        zone = ZoneInfo(self.zone)
        today = wall(at, zone).date()
        day = today + timedelta(days=(self.weekday - today.weekday()) % 7)
        due = (instant(datetime.combine(day + n * WEEK, time(self.hour)), zone) for n in range(3))
        return next(one for one in due if one > at)

    def last(self, at: datetime) -> datetime:
        """Return the last time that it was due, up to `at`, in UTC."""
        due = self.after(at - 2 * WEEK)
        while (following := self.after(due)) <= at:
            due = following
        return due


Writer = Callable[[Schedule, datetime], Sequence[Addressed]]


def schedule_of(report: Report) -> Schedule:
    """Return when that report goes out."""
    return Schedule(
        channel=report.channel, weekday=report.weekday, hour=report.hour, zone=report.zone
    )


def checked(schedule: Schedule) -> Schedule:
    """Return `schedule` if it can be kept.

    Raises:
        ReportError: It cannot.
    """
    try:
        kind, target = channels.parse(schedule.channel)
        known_zone(schedule.zone)
    except (ChannelError, ValueError) as error:
        raise ReportError(str(error)) from error
    if kind not in SENDING:
        raise ReportError("A report goes to Slack: write slack:#channel or slack-dm:e-mail.")
    if not (0 <= schedule.weekday < 7 and 0 <= schedule.hour < 24):
        raise ReportError("A report is due on one of seven days, at one of 24 hours.")
    return Schedule(
        channel=channels.name(kind, target),
        weekday=schedule.weekday,
        hour=schedule.hour,
        zone=schedule.zone,
    )


def keep(
    db: Engine, kind: ReportKind, schedule: Schedule, *, on: bool, by: str, now: datetime
) -> Report:
    """Write down when a report goes out; switched on, it is due the next time from `now`.

    Raises:
        ReportError: The schedule makes no sense.
    """
    schedule = checked(schedule)
    with Session(db, expire_on_commit=False) as session:
        report = session.get(Report, kind, with_for_update=True)
        if report is None:
            report = Report(kind=kind, channel="", weekday=0, hour=0, zone="", changed_at=now,
                            changed_by=by)  # fmt: skip
        report.channel, report.zone = schedule.channel, schedule.zone
        report.weekday, report.hour = schedule.weekday, schedule.hour
        report.due_at = schedule.after(now) if on else None
        report.error, report.changed_at, report.changed_by = "", now, by
        session.add(report)
        session.commit()
    logger.info("report_scheduled kind=%s by=%s on=%s", kind, by, on)
    return report


def ask_now(db: Engine, kind: ReportKind, *, by: str, now: datetime) -> None:
    """Have a report written at once, and then again as scheduled.

    Raises:
        ReportError: It is switched off.
    """
    with Session(db) as session:
        on = (col(Report.kind) == kind, col(Report.due_at).is_not(None))
        if not session.exec(update(Report).where(*on).values(due_at=now, error="")).rowcount:
            raise ReportError("Switch the report on first: it has no place to go to.")
        session.commit()
    logger.info("report_asked_for kind=%s by=%s", kind, by)


def write_due(
    db: Engine, writers: Mapping[ReportKind, Writer], *, now: datetime
) -> list[ReportKind]:
    """Write the messages of every report that is due; return which were."""
    with Session(db, expire_on_commit=False) as session:
        due = list(session.exec(select(Report).where(col(Report.due_at) <= now)))
    known = [report for report in due if report.kind in writers]
    return [report.kind for report in known if _write(db, report, writers[report.kind], now=now)]


def messages(
    session: Session, *, kind: ReportKind | None = None, limit: int = 50
) -> list[ReportMessage]:
    """Return the last messages, of one report or of all, newest first."""
    query = select(ReportMessage).order_by(col(ReportMessage.id).desc()).limit(limit)
    return list(session.exec(query.where(ReportMessage.kind == kind) if kind else query))


def forget(session: Session, *, now: datetime) -> None:
    """Remove the messages that are long over."""
    session.exec(delete(ReportMessage).where(col(ReportMessage.scheduled_at) < now - KEPT))


def _write(db: Engine, report: Report, writer: Writer, *, now: datetime) -> bool:
    schedule, due_at = schedule_of(report), cast(datetime, report.due_at)
    # Asked for by hand it is due off schedule; overdue by weeks, only the last one counts.
    scheduled_at = max(due_at, schedule.last(now))
    mine = (col(Report.kind) == report.kind, col(Report.due_at) == due_at)
    try:
        written = writer(schedule, scheduled_at)
    except SignalError as error:
        logger.warning("report_not_written kind=%s error=%s", report.kind, error)
        with Session(db) as session:
            session.exec(update(Report).where(*mine).values(error=str(error)[:500]))
            session.commit()
        return False
    with Session(db) as session:
        moved = update(Report).where(*mine).values(due_at=schedule.after(now), error="")
        if not session.exec(moved).rowcount:
            return False  # another engine wrote it, or somebody changed the schedule
        session.add_all(
            ReportMessage(
                kind=report.kind,
                scheduled_at=scheduled_at,
                channel=one.channel,
                about=one.about,
                title=one.bulletin.title,
                lines=list(one.bulletin.lines),
                url=one.bulletin.url,
                due_at=now,
            )
            for one in written
        )
        session.commit()
    logger.info("report_written kind=%s messages=%d", report.kind, len(written))
    return True
