"""What the product is made of: the only file that names concrete classes."""

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlalchemy import Engine

from alerts import channels, outward
from alerts.delivery import Channels
from alerts.jobs import Jobs
from alerts.notifiers import Directory, Notifier
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.pagerduty_rest import PagerDutyAssignment, PagerDutyOnCall
from alerts.notifiers.people import NamedPeople
from alerts.notifiers.slack import Slack, SlackDirect
from alerts.outbox import release_leases
from alerts.rulefolder import RuleFolder
from alerts.selfwatch import SelfWatch
from alerts.settings import Settings, SettingsError
from models.clock import Clock, utc_now
from models.database import connect, migrate
from signals import Expressions, Source
from signals.logs import LogSink, LogStore
from signals.prometheus import Prometheus, PrometheusAccess
from signals.reading import Readers
from signals.routing import Sources
from signals.traces import SpanSink, TraceStore

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
        expressions: Where raw PromQL goes; None without a Prometheus.
        traces, logs, spans_in, logs_in: None without the embedded store.
        usable: Every channel kind that is configured.
    """

    settings: Settings
    role: Role
    db: Engine
    signals: Sources
    watched: tuple[Source, ...] = ()
    prometheus: Prometheus | None = None
    expressions: Expressions | None = None
    store: "EmbeddedStore | None" = None
    traces: TraceStore | None = None
    logs: LogStore | None = None
    spans_in: SpanSink | None = None
    logs_in: LogSink | None = None
    usable: Channels = field(default_factory=Channels)
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
            watched=self.watched,
            sweep=self._sweep,
            follow=RuleFolder(self.db, Path(folder)).follow if folder else None,
            heartbeat=partial(outward.call, url) if (url := self.settings.heartbeat_url) else None,
        )

    def close(self) -> None:
        """Let go of everything."""
        self.readers.close()
        if self.store is not None:
            self.store.close()
        self.db.dispose()
        if self.lock is not None:
            self.lock.close()

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
    embedded = settings.trace_store_url == "embedded"
    if role in (Role.WEB, Role.ENGINE) and embedded:
        raise SettingsError(
            "the embedded trace store belongs to one process: run `wakeful up`, or set "
            "WAKEFUL_TRACE_STORE_URL=none (and WAKEFUL_PROMETHEUS_URL) to split the roles"
        )
    data = Path(settings.data_dir)
    data.mkdir(parents=True, exist_ok=True)
    db = connect(settings.database)
    migrate(db)
    lock = _lock(data, db) if role in (Role.UP, Role.ENGINE) else None
    prometheus = Prometheus(prometheus_access(settings)) if settings.prometheus_url else None
    store = _store(settings, data) if embedded and role is Role.UP else None
    watched: tuple[Source, ...] = tuple(source for source in (prometheus, store) if source)
    signals = Sources((*watched, SelfWatch(db=db)))
    patience = timedelta(seconds=float(settings.prometheus_timeout_seconds))
    return Wiring(
        settings=settings,
        role=role,
        db=db,
        signals=signals,
        watched=watched,
        prometheus=prometheus,
        expressions=prometheus,
        store=store,
        traces=store,
        logs=store.logs if store else None,
        spans_in=store,
        logs_in=store.logs if store else None,
        usable=usable_channels(settings),
        readers=Readers(signals, prometheus, patience=patience),
        clock=clock,
        lock=lock,
    )


def _store(settings: Settings, data: Path) -> "EmbeddedStore":
    # Here, since DuckDB and Arrow take 60 MB that engines and commands need not.
    from signals.traces.embedded import EmbeddedStore

    return EmbeddedStore.open(data / "traces.duckdb", memory_mb=int(settings.trace_memory_mb))


def prometheus_access(settings: Settings) -> PrometheusAccess:
    """Return where Prometheus is and how it knows us."""
    return PrometheusAccess(
        url=settings.prometheus_url,
        bearer_token=settings.prometheus_bearer_token,
        username=settings.prometheus_username,
        password=settings.prometheus_password,
        tenant=settings.prometheus_tenant,
        ca_cert=settings.prometheus_ca_cert,
        timeout=timedelta(seconds=float(settings.prometheus_timeout_seconds)),
    )


def usable_channels(settings: Settings) -> Channels:
    """Return the channel kinds for which there are credentials."""
    notifiers: dict[str, Notifier] = {}
    directories: Mapping[str, Directory] = {channels.PERSON: NamedPeople()}
    if settings.slack_bot_token:
        token, url = settings.slack_bot_token, settings.slack_url
        notifiers[channels.SLACK] = Slack(token, url=url)
        notifiers[channels.SLACK_DM] = SlackDirect(token, url=url)
    if settings.pagerduty_routing_key:
        notifiers[channels.PAGERDUTY] = PagerDutyEvents(
            {"default": settings.pagerduty_routing_key}, url=settings.pagerduty_events_url
        )
    if settings.pagerduty_api_token:
        token, url = settings.pagerduty_api_token, settings.pagerduty_api_url
        directories = {**directories, channels.ONCALL: PagerDutyOnCall(token, url=url)}
        notifiers[channels.PAGERDUTY_ASSIGN] = PagerDutyAssignment(
            token, sender=settings.pagerduty_from, url=url
        )
    direct = (channels.SLACK_DM, channels.PAGERDUTY_ASSIGN)
    assignable = {channels.PAGERDUTY, channels.PAGERDUTY_ASSIGN} <= notifiers.keys()
    return Channels(
        notifiers=notifiers,
        directories=directories,
        reach=tuple(kind for kind in direct if kind in notifiers),
        page=(channels.name(channels.PAGERDUTY, "default"),) if assignable else (),
        base_url=settings.base_url,
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
