"""`wakeful check`: does every configured source and channel answer?"""

from collections.abc import Callable, Iterator

import requests

from alerts.notifiers import NotifyError
from alerts.settings import stores
from alerts.wiring import Wiring
from signals import SignalError

Check = tuple[str, Callable[[], str]]


def check_table(wiring: Wiring) -> tuple[list[str], bool]:
    """Return one line per source and channel, and whether all of them answered."""
    rows = [_run(name, ask) for name, ask in _checks(wiring)]
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{width}}  {'ok  ' if ok else 'FAIL'}  {said}" for name, ok, said in rows]
    return lines, all(ok for _, ok, _ in rows)


def _checks(wiring: Wiring) -> Iterator[Check]:
    yield "database", lambda: wiring.db.dialect.name
    if wiring.prometheus is not None:
        yield "prometheus", wiring.prometheus.check
        yield "stacks", lambda: _stacks(wiring)
    if "embedded" in stores(wiring.settings.trace_store_url):
        yield "traces", lambda: _embedded(wiring)
    for store in wiring.stores:
        if store is not wiring.store:
            yield store.name, store.check
    if wiring.logs is not None and wiring.settings.log_store_url != "embedded":
        yield wiring.logs.name, wiring.logs.check
    for kind, notifier in wiring.usable.notifiers.items():
        yield kind, notifier.check
    if not wiring.usable.notifiers:
        yield "channels", _nobody


def _run(name: str, ask: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, True, ask()
    except (SignalError, NotifyError) as error:
        return name, False, str(error)


def _nobody() -> str:
    raise NotifyError(
        "none is configured, so nobody is told: set WAKEFUL_SLACK_BOT_TOKEN or "
        "WAKEFUL_PAGERDUTY_ROUTING_KEY"
    )


def _stacks(wiring: Wiring) -> str:
    """Say whose metrics the server has."""
    if wiring.prometheus is None:
        return "none"
    stacks = wiring.prometheus.stacks
    stacks.look(at=wiring.clock())
    if stacks.findings.error:
        raise SignalError(f"it does not tell its names: {stacks.findings.error}")
    found = ", ".join(pack.title for pack in stacks.findings.stacks)
    return found or "none that Wakeful knows: map signals on the page Sources, or send traces"


def _embedded(wiring: Wiring) -> str:
    """Ask the running process, which alone may open the embedded store."""
    settings = wiring.settings
    url = f"http://{settings.host}:{settings.port}/healthz"
    try:
        sources = requests.get(url, timeout=5).json()["sources"]
    except (requests.RequestException, ValueError, KeyError):
        return f"embedded; opened by `wakeful up`, which is not running on port {settings.port}"
    traces = sources.get("traces", {})
    if traces.get("state") not in (None, "ok"):
        raise SignalError(str(traces.get("error")))
    return f"embedded; newest data {traces.get('newest_data_at') or 'none yet'}"
