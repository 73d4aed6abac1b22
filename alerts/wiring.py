"""What the product is made of: this and `wired_*` are the only files that name concrete classes."""

import contextlib
import fcntl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlalchemy import Engine

from alerts import digest, outward, rota_sources, spend_report
from alerts.calendars import apart
from alerts.calendars.fetch import fetch
from alerts.delivery import Channels
from alerts.jobs import Jobs
from alerts.mappings import KnownMappings
from alerts.notifiers import Listener
from alerts.outbox import release_leases
from alerts.presses import Presses
from alerts.reports import Writer
from alerts.rulefolder import RuleFolder
from alerts.selfwatch import SelfWatch
from alerts.settings import Settings, stores
from alerts.settingvalues import SettingsError
from alerts.wired_channels import (
    incident_poll,
    listeners,
    pagerduty_schedules,
    slack_presses,
    usable_channels,
)
from alerts.wired_sources import embedded_store, held_stores, log_store, prometheus_access
from models.clock import Clock, utc_now
from models.database import connect, migrate
from models.vocabulary import ReportKind
from signals import Expressions, SignalError, Source
from signals.logs import LogSink, LogStore
from signals.prometheus import Prometheus
from signals.reading import Readers
from signals.routing import Sources
from signals.traces import SpanSink, TraceStore
from signals.traces.several import Several

if TYPE_CHECKING:
    from signals.traces.embedded import EmbeddedStore


class Role(StrEnum):
    """What a process does."""

    UP = "up"  # pages, doors and engine
    WEB = "web"  # pages and doors
    ENGINE = "engine"  # the jobs
    TOOL = "tool"  # one command, then gone: never opens the embedded trace store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One process's parts.

    Attributes:
        db: Rules, alerts, deliveries, dashboards.
        signals: Routes a question to the source that answers it.
        watched: The sources outside the database, whose freshness is looked after.
        readers: Ask the sources, side by side.
        own: The users' own mappings of signals to PromQL; None without a Prometheus.
        expressions: Where raw PromQL goes; None without a Prometheus.
        store, spans_in, logs_in: None without the embedded store.
        stores: Every trace store, in order of preference.
        several: All of them side by side; None with fewer than two.
        traces: The one store, or all as one; None without any.
        logs: None without a store of log lines.
        usable: Every channel kind that is configured.
        listeners: What hears from vendors over a connection of its own, in engines.
    """

    settings: Settings
    role: Role
    db: Engine
    signals: Sources
    watched: tuple[Source, ...] = ()
    prometheus: Prometheus | None = None
    own: KnownMappings | None = None
    expressions: Expressions | None = None
    store: "EmbeddedStore | None" = None
    stores: tuple[TraceStore, ...] = ()
    several: Several | None = None
    traces: TraceStore | None = None
    logs: LogStore | None = None
    spans_in: SpanSink | None = None
    logs_in: LogSink | None = None
    usable: Channels = field(default_factory=Channels)
    listeners: tuple[Listener, ...] = ()
    readers: Readers = field(default_factory=lambda: Readers(Sources(), None))
    clock: Clock = utc_now
    lock: IO[str] | None = None

    def jobs(self) -> Jobs:
        """Return the engine's jobs; they run once started."""
        folder = self.settings.rules_dir
        return Jobs(
            db=self.db,
            clock=self.clock,
            ask=lambda questions, at: self.readers.read_all(questions, at=at),
            usable=self.usable,
            listeners=self.listeners,
            watched=self.watched,
            sweep=self._sweep,
            sample=self._sample if int(self.settings.tail_sampling_one_in) > 1 else None,
            follow=RuleFolder(self.db, Path(folder)).follow if folder else None,
            heartbeat=partial(outward.call, url) if (url := self.settings.heartbeat_url) else None,
            read_calendar=self._read_calendar,
            poll=incident_poll(self.settings, self.db),
            writers=self.writers,
        )

    @property
    def writers(self) -> Mapping[ReportKind, Writer]:
        """Return what words the weekly reports."""
        url = self.settings.base_url
        return {
            ReportKind.SPEND: partial(spend_report.written, self.store, base_url=url),
            ReportKind.DIGEST: partial(digest.written, self.db, base_url=url),
        }

    @property
    def presses(self) -> Presses:
        """Return what follows presses of Slack's buttons."""
        return slack_presses(self.settings, self.db, self.clock)

    def close(self) -> None:
        """Let go of everything."""
        self.readers.close()
        if self.several is not None:
            self.several.close()
        else:
            for store in self.stores:
                store.close()
        self.db.dispose()
        if self.lock is not None:
            self.lock.close()

    def _read_calendar(self, now: datetime) -> None:
        sources = rota_sources.Sources(
            fetch=lambda url: fetch(url, private=self.settings.private_calendar_hosts),
            read=apart.read,
            pagerduty=pagerduty_schedules(self.settings),
        )
        rota_sources.read_next(self.db, sources, now=now)

    def _sample(self, now: datetime) -> None:
        if self.store is not None:
            self.store.sample(now=now)

    def _sweep(self, now: datetime) -> None:
        if self.store is not None:
            self.store.sweep(
                now=now,
                traces=timedelta(days=int(self.settings.trace_retention_days)),
                logs=timedelta(days=int(self.settings.log_retention_days)),
            )


def wire(settings: Settings, role: Role, *, clock: Clock = utc_now) -> Wiring:
    """Return the parts of a process in that role, opened and ready.

    Raises:
        SettingsError: The settings do not allow the role; one sentence says what to set.
        StoreError: The embedded trace store cannot be opened.
    """
    embedded = "embedded" in stores(settings.trace_store_url)
    if role in (Role.WEB, Role.ENGINE) and embedded:
        raise SettingsError(
            "the embedded trace store belongs to one process: run `wakeful up`, or set "
            "WAKEFUL_TRACE_STORE_URL to another store, or to none, to split the roles"
        )
    data = Path(settings.data_dir)
    data.mkdir(parents=True, exist_ok=True)
    db = connect(settings.database)
    migrate(db)
    lock = _lock(data, db) if role in (Role.UP, Role.ENGINE) else None
    own = KnownMappings(db, clock) if settings.prometheus_url else None
    prometheus = Prometheus(prometheus_access(settings), own=own) if own else None
    if prometheus is not None and role is not Role.TOOL:
        with contextlib.suppress(SignalError):  # the pages say what is wrong with it
            prometheus.stacks.look(at=clock())
    store = embedded_store(settings, data) if embedded and role is Role.UP else None
    held = held_stores(settings, store, clock)
    several = Several(held.stores) if len(held.stores) > 1 else None
    traces = several or next(iter(held.stores), None)
    watched: tuple[Source, ...] = (*((prometheus,) if prometheus else ()), *held.sources)
    signals = Sources((*watched, SelfWatch(db=db)))
    patience = timedelta(seconds=float(settings.prometheus_timeout_seconds))
    return Wiring(
        settings=settings,
        role=role,
        db=db,
        signals=signals,
        watched=watched,
        prometheus=prometheus,
        own=own,
        expressions=prometheus,
        store=store,
        stores=tuple(held.stores),
        several=several,
        traces=traces,
        logs=log_store(settings, store, clock),
        spans_in=store,
        logs_in=store.logs if store else None,
        usable=usable_channels(settings, db, traces=traces),
        listeners=listeners(settings, db, clock),
        readers=Readers(
            signals, prometheus, patience=patience, fed=(prometheus,) if prometheus else ()
        ),
        clock=clock,
        lock=lock,
    )


def _lock(data: Path, db: Engine) -> IO[str] | None:
    """Take the engine's place on SQLite, which carries one; PostgreSQL carries any number.

    Raises:
        SettingsError: Another engine is running on this folder.
    """
    if db.dialect.name != "sqlite":
        return None
    file = (data / "engine.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SettingsError(
            f"another engine is running on {data.resolve()}: stop it, or use PostgreSQL"
        ) from error
    release_leases(db)  # alone now: every lease is a dead engine's
    return file
