"""The sources by their settings; for `alerts.wiring`, which names every other concrete class.

Vendors' modules are imported when they are named: price lists, DuckDB and Arrow take 60 MB that
engines and commands need not.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.settings import LOG_STORES, TRACE_STORES, Settings, stores
from alerts.settingvalues import SettingsError
from models.clock import Clock
from signals import Source
from signals.address import AddressError, parse
from signals.logs import LogStore
from signals.prometheus import PrometheusAccess
from signals.traces import TraceStore

if TYPE_CHECKING:
    from signals.traces.embedded import EmbeddedStore


@dataclass(slots=True)
class Held:
    """The trace stores there are, and those among them that answer for signals."""

    stores: list[TraceStore] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def add(self, store: TraceStore, source: Source | None = None) -> None:
        """Take a store, and as a source if it is one."""
        self.stores.append(store)
        if source is not None:
            self.sources.append(source)


def held_stores(settings: Settings, store: "EmbeddedStore | None", clock: Clock) -> Held:
    """Return the trace stores that are set, in order of preference; `store` is the embedded one.

    Raises:
        SettingsError: The address of one cannot be read.
    """
    held = Held()
    try:
        for line in stores(settings.trace_store_url):
            if line != "embedded":
                _connect(held, line, clock)
            elif store is not None:
                held.add(store, store)
    except AddressError as error:
        raise SettingsError(str(error)) from error
    return held


def _connect(held: Held, line: str, clock: Clock) -> None:
    """Add the store that `line` of a setting names; nothing for `none`. Asks nobody."""
    if line == "none":
        return
    from signals.traces.clickhouse import ClickHouse
    from signals.traces.jaeger import Jaeger
    from signals.traces.langfuse import Langfuse
    from signals.traces.langsmith import LangSmith
    from signals.traces.phoenix import Phoenix
    from signals.traces.tempo import Tempo

    address = parse(line, TRACE_STORES)
    match address.kind:
        case "clickhouse":
            clickhouse = ClickHouse(address, clock=clock)
            held.add(clickhouse, clickhouse)
        case "langfuse":
            langfuse = Langfuse(address, clock=clock)
            held.add(langfuse, langfuse)
        case "tempo":
            tempo = Tempo(address, clock=clock)
            held.add(tempo, tempo)
        case "phoenix":
            held.add(Phoenix(address, clock=clock))
        case "jaeger":
            held.add(Jaeger(address, clock=clock))
        case "langsmith":
            held.add(LangSmith(address, clock=clock))
        case kind:
            raise SettingsError(f"there is no trace store {kind}")


def log_store(settings: Settings, store: "EmbeddedStore | None", clock: Clock) -> LogStore | None:
    """Return where log lines are read; None if nowhere. Asks nobody."""
    if settings.log_store_url == "embedded":
        return store.logs if store else None
    if settings.log_store_url == "none":
        return None
    from signals.logs.loki import Loki

    try:
        return Loki(parse(settings.log_store_url, LOG_STORES), clock=clock)
    except AddressError as error:
        raise SettingsError(str(error)) from error


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


def embedded_store(settings: Settings, data: Path) -> "EmbeddedStore":
    """Return the store in the data folder, opened."""
    from signals.traces.embedded import EmbeddedStore, TailSampling

    one_in = int(settings.tail_sampling_one_in)
    sampling = TailSampling(
        one_in=one_in,
        wait=timedelta(seconds=int(settings.tail_sampling_wait_seconds)),
        slow=timedelta(seconds=float(settings.tail_sampling_slow_seconds)),
        dear_usd=float(settings.tail_sampling_cost_usd),
    )
    return EmbeddedStore.open(
        data / "traces.duckdb",
        memory_mb=int(settings.trace_memory_mb),
        retention=timedelta(days=int(settings.trace_retention_days)),
        sampling=sampling if one_in > 1 else None,
    )
