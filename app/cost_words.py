"""Spend as periods, tables, sentences and CSV. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

import pandas as pd

from app import money
from signals.traces.spend_words import change, name, provenance
from signals.traces.spending import Bar, Bill, Spend, SpendQuery

HOURS: Final = "24h"
RANGES: Final = {HOURS: 1, "7d": 7, "30d": 30, "90d": 90}  # days
AMOUNTS: Final = ("Spend", "Per request", "Per success", "Before")  # columns of money
OTHERS: Final = "all others"
HOUR: Final = timedelta(hours=1)
# What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Everything that the page shows of one question.

    Attributes:
        query: What was asked.
        whole: All of it together; None when nothing happened, now or before.
        bill: By value.
        bars: By time and value.
        shown: The values that the bars name, the dearest first.
        held_since: When the oldest span ended; None without any.
    """

    query: SpendQuery
    whole: Spend | None
    bill: Bill
    bars: tuple[Bar, ...]
    shown: tuple[str | None, ...]
    held_since: datetime | None

    @property
    def comparable(self) -> bool:
        """Say whether the store goes back to the beginning of the period before."""
        return self.held_since is not None and self.held_since <= self.query.before[0]


def asked(
    span: str, by: str, scope: tuple[tuple[str, str], ...], *, zone: tzinfo, now: datetime
) -> SpendQuery:
    """Return the question about the last 24 hours, or so many days of `zone`'s calendar.

    Days are whole but for today, and are compared with as many days before them up to the same
    time of day: half a day is not less than a whole one for being over sooner.
    """
    minute = now.replace(second=0, microsecond=0)
    end = minute + timedelta(minutes=1)  # the present minute counts, at midnight as well
    if span == HOURS:
        top = minute.replace(minute=0)
        edges = tuple(top - n * HOUR for n in reversed(range(24)))
        # By as much as the period lasts, which is up to an hour less than a day.
        before = (edges[0] - timedelta(days=1), end - timedelta(days=1))
    else:
        days = RANGES[span]
        today = minute.astimezone(zone).date()
        edges = tuple(_midnight(today - timedelta(days=n), zone) for n in reversed(range(days)))
        before = (
            _midnight(today - timedelta(days=2 * days - 1), zone),
            _shifted(minute, zone, days) + timedelta(minutes=1),
        )
    return SpendQuery(edges=edges, end=end, before=before, by=by, scope=scope)


def before_words(span: str) -> str:
    """Return what the period before is called."""
    return "the 24 hours before" if span == HOURS else f"the {RANGES[span]} days before"


def table(cost: Cost, what: str) -> pd.DataFrame:
    """Return the table as shown: a row per value, money in dollars, shares in percent.

    Args:
        cost: What is known.
        what: The title of the first column.
    """
    rows = cost.bill.rows
    total = cost.whole.usd if cost.whole else None
    before = [row.before_usd if cost.comparable else None for row in rows]
    moved = [change(row) if cost.comparable else None for row in rows]
    return pd.DataFrame(
        {
            what: [name(row.value) for row in rows],
            "Spend": _floats([row.usd for row in rows]),
            "Share": _floats(
                [100 * row.usd / total if row.usd and total else None for row in rows]
            ),
            "Requests": pd.Series([row.requests for row in rows], dtype="Int64"),
            "Per request": _floats([row.per_request for row in rows]),
            "Successes": pd.Series(
                [row.successes if row.concluded else None for row in rows], dtype="Int64"
            ),
            "Per success": _floats([row.per_success for row in rows]),
            "Before": _floats(before),
            "Change": _floats(moved),
            "Cost is": [provenance(row) for row in rows],
            "No price": _floats(
                [100 * ratio if (ratio := row.unpriced_ratio) else None for row in rows]
            ),
        }
    )


def drawn(cost: Cost, *, zone: tzinfo) -> pd.DataFrame:
    """Return a row for each part of each bar: `when`, `value`, `usd`, and that `said` in words.

    `usd` is NaN where nothing is known.

    The first bar has every value and every bar has a row, so that colours and times keep their
    order whatever is missing.
    """
    pattern = "%b %-d" if _daily(cost.query) else "%b %-d, %H:00"
    when = [f"{edge.astimezone(zone):{pattern}}" for edge in cost.query.edges]
    found = {(bar.edge, _bar_name(bar)): bar.usd for bar in cost.bars}
    names = [name(value) for value in cost.shown]
    names += [OTHERS] if any(bar.rest for bar in cost.bars) else []
    rows = [
        (when[edge], one, found.get((edge, one)))
        for edge in range(len(when))
        for one in names
        if edge == 0 or one == names[0] or (edge, one) in found
    ]
    return pd.DataFrame(
        {
            "when": pd.Series([row[0] for row in rows], dtype="str"),
            "value": pd.Series([row[1] for row in rows], dtype="str"),
            "usd": _floats([row[2] for row in rows]),
            "said": pd.Series([money.usd(row[2]) for row in rows], dtype="str"),
        }
    )


def as_csv(cost: Cost, what: str) -> str:
    """Return the table as CSV, times in UTC, an empty cell where nothing is known."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = ("spend_usd", "reported_usd", "before_usd", "requests", "successes")
    more = ("usd_per_request", "usd_per_success", "priced_calls", "unpriced_calls", "from", "to")
    writer.writerow([what, *columns, *more])
    period = [
        f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (cost.query.start, cost.query.end)
    ]
    for row in cost.bill.rows:
        writer.writerow(
            [
                cell(row.value or ""),
                exact(row.usd),
                exact(row.reported_usd if row.usd is not None else None),
                exact(row.before_usd if cost.comparable else None),
                row.requests,
                row.successes if row.concluded else None,
                exact(row.per_request),
                exact(row.per_success),
                row.priced,
                row.unpriced,
                *period,
            ]
        )
    return out.getvalue()


def cell(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def exact(usd: float | None) -> float | None:
    """Return dollars without the dust that adding up binary fractions leaves."""
    return None if usd is None else round(usd, 9)


def _floats(values: Sequence[float | None]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype="float64")


def _bar_name(bar: Bar) -> str:
    return OTHERS if bar.rest else name(bar.value)


def _daily(query: SpendQuery) -> bool:
    return len(query.edges) < 2 or query.edges[1] - query.edges[0] > HOUR


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _shifted(at: datetime, zone: tzinfo, days: int) -> datetime:
    """Return the same time of day in `zone` so many days earlier."""
    local = at.astimezone(zone)
    return datetime.combine(local.date() - timedelta(days=days), local.time(), zone).astimezone(UTC)
