"""APScheduler: what runs when.

The truth is in due columns of the database; the scheduler only ticks, so a restart needs no
recovery. A job's top is the only place that catches everything: it logs, writes its heartbeat
with the error, and the next tick tries again.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter, Histogram
from sqlalchemy import Engine
from sqlmodel import Session, col, delete

from alerts import (
    channels,
    delivery,
    engine,
    report_delivery,
    reports,
    rulefolder,
    running,
    selfwatch,
    trial_delivery,
    trials,
)
from alerts.delivery import Channels
from alerts.engine import Muter
from alerts.evaluation import Ask, Evaluator
from alerts.health import complaints
from alerts.notifiers import Listener
from alerts.reports import Writer
from alerts.selfwatch import SelfWatch
from models.clock import Clock
from models.database import read_only
from models.tables import Heartbeat, Poll, Reply, SourceStatus
from models.vocabulary import ReportKind
from signals import Source

logger = logging.getLogger(__name__)

TICK_SECONDS = 1
EVALUATE_SECONDS = 0.25  # a rule is late by half of it on average; looking costs one short read
BEAT_SECONDS = 2  # a quarter of `outbox.DEAD_AFTER`
HEARTBEAT = timedelta(seconds=5)
REPLIES_KEPT = timedelta(days=7)  # PagerDuty repeats a webhook for two
# One lane a vendor: a vendor that hangs delays nobody else's messages.
LANES = {
    "slack": (channels.SLACK, channels.SLACK_DM),
    "slack_thread": (channels.SLACK_THREAD,),
    "pagerduty": (channels.PAGERDUTY, channels.PAGERDUTY_ASSIGN),
    "others": (channels.APPRISE,),
    "people": channels.PEOPLE,
}
BURST_SECONDS = 10.0  # that one lane delivers before it says that it is alive, and goes on
TESTS = 5  # likewise, of tests, and of the messages of reports

EVALUATED = Counter("wakeful_rule_evaluations_total", "Rules evaluated")
JOB_SECONDS = Histogram(
    "wakeful_job_duration_seconds",
    "Duration of one run of an engine job",
    ["job"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
JOB_FAILURES = Counter("wakeful_job_failures_total", "Runs of an engine job that failed", ["job"])
DELIVERIES = Counter(
    "wakeful_deliveries_total", "Delivery attempts by channel kind and outcome", ["kind", "outcome"]
)


@dataclass(slots=True, kw_only=True)
class Jobs:
    """The engine's jobs over one database.

    Attributes:
        engine_id: Whose leases are taken; another for every process.
        ask: Answers questions; see `alerts.evaluation`.
        watched: Sources whose freshness is looked after.
        listeners: What hears from vendors while the jobs run.
        sweep: Deletes what retention says may go.
        sample: Decides which traces stay; None where all do.
        follow: Takes what changed in the folder of rules; None without one.
        heartbeat: Tells whoever listens that all is well; called every minute while it is.
        read_calendar: Reads the on-call schedule kept elsewhere that is due, if one is.
        poll: Asks what people did to our incidents; None where webhooks tell.
        writers: Word the reports that go out once a week.
    """

    db: Engine
    clock: Clock
    ask: Ask
    usable: Channels
    watched: Sequence[Source] = ()
    listeners: Sequence[Listener] = ()
    sweep: Callable[[datetime], None] = lambda _now: None
    sample: Callable[[datetime], None] | None = None
    follow: Callable[[datetime], None] | None = None
    heartbeat: Callable[[], None] | None = None
    engine_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    read_calendar: Callable[[datetime], None] = lambda _now: None
    poll: Callable[[datetime], object] | None = None
    writers: Mapping[ReportKind, Writer] = field(default_factory=dict)
    _scheduler: BackgroundScheduler | None = None
    _evaluator: Evaluator = field(init=False)
    _muter: Muter = field(init=False)
    _auditor: Evaluator = field(init=False)
    _beats: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _escalating: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._evaluator = Evaluator(
            db=self.db, engine_id=self.engine_id, external_url=self.usable.base_url
        )
        self._muter = Muter(self.db)
        self._auditor = Evaluator(db=self.db, engine_id=self.engine_id, own=True)

    def start(self) -> None:
        """Start ticking, in threads of its own."""
        self._forget_the_past()
        self.beat()  # before anything is leased: a lease of an engine without a beat is void
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick skipped is no news
        scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(16)},
            # A late tick is taken late, never skipped; of several missed, one is enough.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        for name, run, seconds in self._all():
            scheduler.add_job(
                self._top, "interval", (name, run), seconds=seconds, id=name,
                next_run_time=self.clock(),
            )  # fmt: skip
        scheduler.start()
        self._scheduler = scheduler
        for listener in self.listeners:
            listener.start()

    def stop(self) -> None:
        """Stop ticking, once what is being sent is sent and recorded, and what was heard done."""
        if self._scheduler is not None:
            for listener in self.listeners:
                listener.stop()
        with self._lock:  # shutdown holds the scheduler's locks while it waits: see `_hurry`
            self._stopping.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
            running.leave(self.db, self.engine_id)

    def evaluate(self) -> None:
        """Evaluate the rules that are due, and do what became due by it."""
        if evaluated := self._evaluator.tick(self.ask, now=self.clock()):
            EVALUATED.inc(evaluated)
            self.escalate()

    def audit(self) -> None:
        """Evaluate the rules about Wakeful itself, apart from those that need a source."""
        if self._auditor.tick(SelfWatch(db=self.db).ask, now=self.clock()):
            self.escalate()

    def call_out(self) -> None:
        """Tell whoever listens that all is well; nothing, when it is not."""
        with Session(read_only(self.db)) as session:
            reasons = complaints(session, now=self.clock(), engine=False)
        if reasons:
            logger.warning("heartbeat withheld reasons=%s", "; ".join(reasons))
        elif self.heartbeat is not None:
            self.heartbeat()

    def escalate(self) -> None:
        """Let acknowledgements run out, mute, take steps that are due, and hurry messages."""
        with self._escalating:
            now = self.clock()
            changed = engine.expire(self.db, now=now) + self._muter.mute(now=now)
            if engine.escalate(self.db, now=now) or changed:
                self._hurry()

    def deliver(self, lane: str) -> None:
        """Deliver what is due on one lane."""
        ends = time.monotonic() + BURST_SECONDS
        while time.monotonic() < ends:
            entry = delivery.deliver_next(
                self.db, self.usable, LANES[lane], now=self.clock(), by=self.engine_id
            )
            if entry is None:
                return
            kind = channels.parse(entry.channel)[0]
            DELIVERIES.labels(kind=kind, outcome=entry.outcome.value).inc()
            if self._stopping.is_set():
                return

    def test(self) -> None:
        """Deliver what tests of channels ask for, apart from the lanes: they hold up no page."""
        for _ in range(TESTS):
            told = trial_delivery.deliver_next(
                self.db, self.usable, now=self.clock(), by=self.engine_id
            )
            if told is None or self._stopping.is_set():
                return

    def report_weekly(self) -> None:
        """Write the reports that are due, and send some of what they say."""
        reports.write_due(self.db, self.writers, now=self.clock())
        for _ in range(TESTS):
            told = report_delivery.deliver_next(
                self.db, self.usable, now=self.clock(), by=self.engine_id
            )
            if told is None or self._stopping.is_set():
                return

    def beat(self) -> None:
        """Say that this engine is alive; see `outbox.free`."""
        running.beat(self.db, self.engine_id, now=self.clock())

    def look(self) -> None:
        """Ask every source how fresh it is."""
        for source in self.watched:
            selfwatch.look(self.db, source, now=self.clock())

    def report(self) -> None:
        """Write how the connections of the listeners are doing; `/healthz` tells."""
        states = {listener.name: listener.state for listener in self.listeners}
        running.report(self.db, self.engine_id, states, now=self.clock())

    def _hurry(self) -> None:
        """Tick the lanes now, unless stopping: the scheduler would wait for us, and we for it."""
        with self._lock:
            if self._scheduler is None or self._stopping.is_set():
                return
            for lane in LANES:
                self._scheduler.modify_job(f"deliver_{lane}", next_run_time=self.clock())

    def _forget_the_past(self) -> None:
        """Remove what jobs and sources that are no more left behind: it would look stuck."""
        jobs = [name for name, _, _ in self._all()]
        sources = [source.name for source in self.watched]
        if self.follow is None:
            rulefolder.let_go(self.db)
        with Session(self.db) as session:
            session.exec(delete(Heartbeat).where(col(Heartbeat.job).not_in(jobs)))
            session.exec(delete(SourceStatus).where(col(SourceStatus.name).not_in(sources)))
            if self.poll is None:
                session.exec(delete(Poll))
            session.commit()

    def follow_rules(self) -> None:
        """Take what has changed in the folder of rules."""
        if self.follow is not None:
            self.follow(self.clock())

    def _sweep(self) -> None:
        now = self.clock()
        with Session(self.db) as session:
            session.exec(delete(Reply).where(col(Reply.at) < now - REPLIES_KEPT))
            trials.forget(session, now=now)
            reports.forget(session, now=now)
            session.commit()
        self.sweep(now)

    def _sample(self) -> None:
        if self.sample is not None:
            self.sample(self.clock())

    def _poll(self) -> None:
        if self.poll is not None:
            self.poll(self.clock())

    def _all(self) -> list[tuple[str, Callable[[], None], float]]:
        lanes = [
            (f"deliver_{lane}", lambda lane=lane: self.deliver(lane), TICK_SECONDS)
            for lane in LANES
        ]
        return [
            ("evaluate", self.evaluate, EVALUATE_SECONDS),
            ("escalate", self.escalate, TICK_SECONDS),
            *lanes,
            ("test", self.test, TICK_SECONDS),
            ("reports", self.report_weekly, 5),
            ("beat", self.beat, BEAT_SECONDS),
            ("audit", self.audit, 5),
            ("look", self.look, 10),
            ("calendars", lambda: self.read_calendar(self.clock()), 5),
            *([("poll", self._poll, 2)] if self.poll else []),
            ("sweep", self._sweep, 3600),
            *([("sample", self._sample, 10)] if self.sample else []),
            *([("rules", self.follow_rules, 5)] if self.follow else []),
            *([("heartbeat", self.call_out, 60)] if self.heartbeat else []),
            *([("report", self.report, 5)] if self.listeners else []),
        ]

    def _top(self, name: str, run: Callable[[], None]) -> None:
        started, error = time.perf_counter(), ""
        try:
            run()
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
            JOB_FAILURES.labels(job=name).inc()
            logger.exception("job failed name=%s", name)
        seconds = time.perf_counter() - started
        JOB_SECONDS.labels(job=name).observe(seconds)
        self._beat(name, seconds, error)

    def _beat(self, name: str, seconds: float, error: str) -> None:
        """Write the heartbeat, every few seconds or when something changed."""
        now = self.clock()
        with self._lock:
            last_at, last_error = self._beats.get(name, (None, ""))
            if last_at is not None and now - last_at < HEARTBEAT and error == last_error:
                return
            self._beats[name] = (now, error)
        try:
            with Session(self.db) as session:
                beat = Heartbeat(job=name, at=now, duration_ms=seconds * 1000, error=error[:500])
                session.merge(beat)
                session.commit()
        except Exception:
            logger.exception("heartbeat not written job=%s", name)
