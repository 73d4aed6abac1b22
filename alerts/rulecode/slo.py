"""Objectives as values: what is good, how much of it, and when to alert. Pure.

Source: Google SRE Workbook, ch. 5, https://sre.google/workbook/alerting-on-slos/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from alerts import durations

WINDOW = "{{.window}}"  # stands in a query for the window it is asked over
_WINDOW = re.compile(r"\{\{ *\.window *\}\}")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def has_window(query: str) -> bool:
    """Say whether a query leaves its window open."""
    return _WINDOW.search(query) is not None


def over(query: str, window: timedelta) -> str:
    """Return a query with its window filled in."""
    return _WINDOW.sub(durations.write(window), query)


class Urgency(StrEnum):
    """Whom an SLO's alert is for."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """A burn rate, and the windows that must both be above it.

    Attributes:
        short: None where only the long window counts.
        factor: How many times faster than the budget allows; 1 spends it exactly.
    """

    long: timedelta
    short: timedelta | None
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SloAlert:
    """An alert on an error budget: it fires while any of its burn rates is exceeded.

    Attributes:
        severity: As the spec writes it, such as page or ticket.
        alert_on_no_data: None where the spec does not say.
    """

    name: str
    severity: str
    burns: tuple[Burn, ...]
    hold: timedelta = timedelta()
    alert_on_no_data: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is good and what is not, as PromQL with `{{.window}}`.

    Attributes:
        error_ratio: bad / total; empty where there are `total` and one of `bad` and `good`.
    """

    error_ratio: str = ""
    bad: str = ""
    good: str = ""
    total: str = ""

    def errors(self, window: timedelta) -> str:
        """Return a query for the share of bad events over `window`."""
        if self.error_ratio:
            return f"({over(self.error_ratio, window)})"
        total = over(self.total, window)
        if self.bad:
            return f"({over(self.bad, window)})\n/\n({total})"
        return f"1 - (({over(self.good, window)})\n/\n({total}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A service level objective over PromQL.

    Attributes:
        objective: The share that must be good, in (0, 1).
        period: What the error budget is for.
        calendar: Whether the period begins with the calendar's, instead of rolling.
        line: Where its spec begins.
    """

    name: str
    service: str
    objective: float
    period: timedelta
    calendar: bool = False
    indicator: Indicator
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    alerts: tuple[SloAlert, ...] = ()
    line: int | None = field(default=None, compare=False)

    @property
    def budget(self) -> float:
        """Return the share that may be bad."""
        return round(1 - self.objective, 12)  # 1 - 0.999 is not 0.001 in floats


def expression(slo: Slo, alert: SloAlert) -> str:
    """Return the alert as one PromQL expression that needs no recording rule."""
    return "\nor\n".join(_exceeded(slo, burn) for burn in alert.burns)


def _exceeded(slo: Slo, burn: Burn) -> str:
    windows = [burn.long] if burn.short is None else [burn.short, burn.long]
    bound = f"{burn.factor:.12g} * {slo.budget:.12g}"
    sides = [f"(\n{slo.indicator.errors(window)}\n) > ({bound})" for window in windows]
    return "(" + "\nand\n".join(sides) + ")"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWindow:
    """Windows of one alert, and the share of the period's budget that they may cost."""

    budget_ratio: float
    short: timedelta
    long: timedelta

    def burn(self, period: timedelta) -> Burn:
        """Return the burn rate that spends `budget_ratio` of the period's budget within `long`."""
        factor = round(self.budget_ratio * (period / self.long), 9)
        return Burn(long=self.long, short=self.short, factor=factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWindows:
    """The four alerts of an SLO over `period`: two that page, two that open a ticket."""

    period: timedelta
    page: tuple[AlertWindow, AlertWindow]
    ticket: tuple[AlertWindow, AlertWindow]

    def burns(self, urgency: Urgency) -> tuple[Burn, ...]:
        """Return the burn rates of one urgency, the quick one first."""
        windows = self.page if urgency is Urgency.PAGE else self.ticket
        return tuple(window.burn(self.period) for window in windows)


def workbook(period: timedelta) -> AlertWindows:
    """Return the SRE workbook's windows, for any period.

    Source: SRE Workbook, table 5-8; for the 24 h window its code block.
    """
    half, six, three = timedelta(minutes=30), timedelta(hours=6), timedelta(days=3)
    return AlertWindows(
        period=period,
        page=(
            AlertWindow(budget_ratio=0.02, short=timedelta(minutes=5), long=_HOUR),
            AlertWindow(budget_ratio=0.05, short=half, long=six),
        ),
        ticket=(
            AlertWindow(budget_ratio=0.1, short=timedelta(hours=2), long=_DAY),
            AlertWindow(budget_ratio=0.1, short=six, long=three),
        ),
    )
