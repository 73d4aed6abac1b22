"""What the server makes of a PromQL expression that is being typed, asked beside the page.

One question tells whether it parses, how many series it yields and what it costs. A page waits a
moment for it and never longer: a slow server must not hold up whoever types.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import streamlit as st

from alerts import promtool
from alerts.promtool import PromtoolError
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from app import cached, wired
from app.asking import ASKERS
from signals import QueryError, SignalError
from signals.prometheus_cost import Cost

FRESH: Final = timedelta(minutes=1)
INSTANT: Final = timedelta(seconds=10)  # instants that are asked for
PATIENCE: Final = timedelta(seconds=0.5)  # before the page goes on without it
PROMTOOL_SECONDS: Final = 5.0
MOST: Final = 64  # expressions that are remembered


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
    late = ASKERS.late({("verdict", expression): partial(_judged, expression)}, PATIENCE)
    return None if late else _judged(expression)


@st.cache_resource(ttl=FRESH, max_entries=MOST, show_spinner=False)
def _judged(expression: str) -> Verdict:
    """Return what the server says, whose dialect counts; without one, promtool if it is here."""
    wiring = wired.current()
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
