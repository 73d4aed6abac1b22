"""`/healthz` for whoever restarts us, `/metrics` for whoever watches us."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts import inbox, rulefolder, running
from alerts.health import complaints, warnings
from models.clock import Clock
from models.database import read_only
from models.tables import Notification, Poll, Rule

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(db: Engine, clock: Clock, *, engine: bool) -> list[Route]:
    """Return the two doors; `engine` says whether an engine ought to be ticking."""
    registry = CollectorRegistry()
    registry.register(_Standing(db, clock))

    async def healthz(_request: Request) -> Response:
        answer = await run_in_threadpool(health, db, now=clock(), engine=engine)
        return JSONResponse(answer, 200 if answer["status"] == "ok" else 503)

    async def metrics(_request: Request) -> Response:
        def collect() -> bytes:
            return generate_latest(REGISTRY) + generate_latest(registry)

        return Response(await run_in_threadpool(collect), media_type=CONTENT_TYPE)

    return [Route("/healthz", healthz), Route("/metrics", metrics)]


def health(db: Engine, *, now: datetime, engine: bool) -> dict[str, Any]:
    """Return the engine's last ticks and each source's state.

    `status` is `ok`, or `red` with `reasons` when alerts may not go out: a restart, or a human,
    is needed. A source that is down does not make it red; it has an alert of its own. Nor does a
    rule file that is broken: the rules stay as they were. Nor do `warnings`, such as that no press
    of a button in Slack arrives, or a vendor that cannot be asked what people did there: pages go
    out all the same.
    """
    try:
        with Session(read_only(db)) as session:
            beats, sources = inbox.heartbeats(session), inbox.sources(session)
            files = rulefolder.files(session)
            polls = session.exec(select(Poll)).all()
            reasons = complaints(session, now=now, engine=engine)
            warned, links = warnings(session, now=now), running.links(session, now=now)
    except SQLAlchemyError as error:
        return {"status": "red", "reasons": [f"the database does not answer: {_short(error)}"]}
    return {
        "status": "red" if reasons else "ok",
        "reasons": reasons,
        "warnings": warned,
        "engine": {
            beat.job: {
                "last_tick": beat.at.isoformat(),
                "age_seconds": round((now - beat.at).total_seconds(), 1),
                "duration_ms": round(beat.duration_ms, 1),
                "error": beat.error,
            }
            for beat in beats
        },
        "sources": {
            row.name: {
                "state": row.state.value,
                "answered_at": _time(row.answered_at),
                "newest_data_at": _time(row.newest_at),
                "error": row.error,
            }
            for row in sources
        },
        "links": [
            {
                "to": link.name,
                "host": link.host,
                "connected_since": _time(link.since) if link.connected else None,
                "last_error": link.error,
                "last_error_at": _time(link.error_at),
            }
            for link in links
        ],
        "rules": {
            row.path: {
                "rules": row.rules,
                "read_at": row.read_at.isoformat(),
                "error": row.complaint,
            }
            for row in files
        },
        "polls": {
            row.name: {
                "answered_at": row.answered_at.isoformat() if row.answered_at else None,
                "error": row.error,
            }
            for row in polls
        },
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _short(error: SQLAlchemyError) -> str:
    return type(error).__name__


class _Standing(Collector):
    """Gauges that are read from the database when asked for."""

    def __init__(self, db: Engine, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what stands in the database now."""
        with Session(read_only(self._db)) as session:
            counts = inbox.counts(session)
            enabled = session.exec(
                select(func.count()).select_from(Rule).where(col(Rule.enabled).is_(True))
            ).one()
            failing = session.exec(
                select(func.count())
                .select_from(Rule)
                .where(col(Rule.enabled).is_(True), Rule.error != "")
            ).one()
            waiting = col(Notification.next_attempt_at).is_not(None)
            queued, oldest = session.exec(
                select(func.count(), func.min(Notification.wanted_at)).where(waiting)
            ).one()
            beats = inbox.heartbeats(session)
        now = self._clock()
        alerts = GaugeMetricFamily("wakeful_alerts", "Open alerts", labels=["state"])
        for state, count in counts.items():
            alerts.add_metric([state.value], count)
        yield alerts
        yield GaugeMetricFamily("wakeful_rules", "Enabled rules", value=enabled)
        yield GaugeMetricFamily(
            "wakeful_rules_failing", "Enabled rules whose last query failed", value=failing
        )
        yield GaugeMetricFamily("wakeful_outbox_messages", "Messages still to send", value=queued)
        age = (now - oldest).total_seconds() if queued else 0.0
        yield GaugeMetricFamily(
            "wakeful_outbox_oldest_seconds", "Age of the oldest message still to send", value=age
        )
        ticks = GaugeMetricFamily(
            "wakeful_job_last_tick_timestamp_seconds", "When a job last finished", labels=["job"]
        )
        for beat in beats:
            ticks.add_metric([beat.job], beat.at.timestamp())
        yield ticks
