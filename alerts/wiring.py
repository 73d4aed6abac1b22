"""What the product is made of: the only file that names concrete classes."""

from dataclasses import dataclass

from sqlalchemy import Engine

from alerts.settings import Settings
from signals import Expressions, Source
from signals.logs import LogStore
from signals.routing import Sources
from signals.traces import TraceStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One process's parts.

    Attributes:
        db: Rules, alerts, deliveries, dashboards.
        signals: Routes a question to the source that answers it.
        expressions: Where raw PromQL goes; None without a Prometheus.
        traces, logs: None when no trace store is configured.
    """

    settings: Settings
    db: Engine
    signals: Sources
    sources: tuple[Source, ...]
    expressions: Expressions | None
    traces: TraceStore | None
    logs: LogStore | None
