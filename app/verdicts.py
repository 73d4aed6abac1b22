"""What the server makes of a PromQL expression that is being typed, asked beside the page.

One question tells whether it parses, how many series it yields and what it costs. A page waits a
moment for it and never longer: a slow server must not hold up whoever types.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st

from alerts import promtool
from alerts.promtool import PromtoolError
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.wiring import Wiring
from app import cached, wired
from signals import QueryError, SignalError
from signals.prometheus_cost import Cost

FRESH: Final = timedelta(minutes=1)
INSTANT: Final = timedelta(seconds=10)  # instants that are asked for
PATIENCE: Final = 0.5  # seconds, before the page goes on without it
PROMTOOL_SECONDS: Final = 5.0
MOST: Final = 64  # expressions that are remembered
_SIDE_BY_SIDE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of an expression.

    Attributes:
        complaint: Why it is refused; empty where it is not.
        cost: What it yields and costs now; None where it is refused, or nobody told.
        silence: Why nobody told; empty where somebody did.
    """

    complaint: str = ""
    cost: Cost | None = None
    silence: str = ""


def of(expression: str) -> Verdict | None:
    """Return what is known, after a moment's patience; None while the server thinks."""
    asked = _asked(expression)
    wait([asked], timeout=PATIENCE)
    return asked.result() if asked.done() else None


def is_there(expression: str) -> bool:
    """Say, without waiting, whether `of` would not be None."""
    return _asked(expression).done()


@st.cache_resource(ttl=FRESH, max_entries=MOST, show_spinner=False)
def _asked(expression: str) -> Future[Verdict]:
    return _threads.submit(_judged, wired.current(), expression)


def _judged(wiring: Wiring, expression: str) -> Verdict:
    """Return what the server says, whose dialect counts; without one, promtool if it is here."""
    if wiring.prometheus is None:
        return Verdict(complaint=_promtools_complaint(expression), silence="No Prometheus is set.")
    try:
        at = cached.floor(wiring.clock(), INSTANT)
        return Verdict(cost=wiring.prometheus.cost(expression, at=at))
    except QueryError as error:
        return Verdict(complaint=str(error))
    except SignalError as error:
        return Verdict(complaint=_promtools_complaint(expression), silence=str(error))


def _promtools_complaint(expression: str) -> str:
    one = PromGroup(name="g", rules=(PromRule(alert="a", expr=expression),))
    try:
        said = promtool.check(PromFile(groups=(one,)), timeout_seconds=PROMTOOL_SECONDS)
    except (PromtoolError, RuleCodeError):
        return ""
    return said[0].reason if said else ""


_threads = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="verdict")
