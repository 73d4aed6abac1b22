"""What calls cost as reported, against what the price list would have charged for them. Pure.

A vendor's bill and the list may differ for good reasons (a contract, a discount for batches, a
dearer priority tier); a difference that grows tells of prices or tokens that are not what they
were thought to be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from signals import prices
from signals.prices import Tokens

MAX_MODELS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUse:
    """What calls of one model used between them on one day, and what was reported for them.

    No two of them are on different sides of a threshold of `signals.prices.thresholds`.

    Attributes:
        model: None where the spans do not say; so is `provider`.
        at: The beginning of the day, in UTC.
        usd: The sum of what was reported.
        tokens: None for calls that do not say what they used.
        calls: Each as often as its trace stands for.
        seen: The spans that say so; fewer than `calls` where traces are sampled.
    """

    model: str | None
    provider: str | None
    at: datetime
    usd: float
    tokens: Tokens | None
    calls: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUses:
    """The dearest `MAX_MODELS` models' calls with a reported cost; `models` is of how many."""

    uses: tuple[ReportedUse, ...]
    models: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """What the calls of one model cost, reported and recomputed.

    Attributes:
        model: None where the spans do not say, and for the whole; so is `provider`.
        usd: All that was reported.
        compared_usd: The part of it that could be compared.
        list_usd: What the list would have charged for that part.
        compared: Calls that could be compared, and those that could not: `without_tokens`,
            `unlisted`, their model has no known price, and `hourly`, the list prices it by the
            time of day, which sums by the day cannot tell.
        seen: The spans that were compared.
        is_estimate: Some of them stand for more calls than themselves.
    """

    model: str | None = None
    provider: str | None = None
    usd: float = 0.0
    compared_usd: float = 0.0
    list_usd: float = 0.0
    compared: int = 0
    without_tokens: int = 0
    unlisted: int = 0
    hourly: int = 0
    seen: int = 0
    is_estimate: bool = False

    @property
    def difference_usd(self) -> float | None:
        """Return by how much more was reported than the list has; None without a comparison."""
        return self.compared_usd - self.list_usd if self.compared else None

    @property
    def difference_ratio(self) -> float | None:
        """Return `difference_usd` over what the list has; None where that is nothing."""
        by = self.difference_usd
        return None if by is None or not self.list_usd else by / self.list_usd


def recompute(uses: Iterable[ReportedUse]) -> list[Recomputed]:
    """Return a row for each model and provider, the one with the most reported first."""
    rows: dict[tuple[str | None, str | None], Recomputed] = {}
    for use in uses:
        key = (use.model, use.provider)
        row = rows.get(key, Recomputed(model=use.model, provider=use.provider))
        rows[key] = together([row, _recomputed(use)])
    return sorted(rows.values(), key=lambda row: -row.usd)


def together(rows: Iterable[Recomputed]) -> Recomputed:
    """Return the sum of `rows`, under the name of the first; nothing without any."""
    total: Recomputed | None = None
    for row in rows:
        total = row if total is None else _added(total, row)
    return total or Recomputed()


def _recomputed(use: ReportedUse) -> Recomputed:
    row = Recomputed(model=use.model, provider=use.provider, usd=use.usd)
    if use.tokens is None:
        return replace(row, without_tokens=use.calls)
    model = use.model or ""
    if prices.changes_by_the_hour(model, use.provider, at=use.at):
        return replace(row, hourly=use.calls)
    usd = prices.price_together(model, use.provider, use.tokens, calls=use.calls, at=use.at)
    if usd is None:
        return replace(row, unlisted=use.calls)
    return replace(
        row,
        compared_usd=use.usd,
        list_usd=usd,
        compared=use.calls,
        seen=use.seen,
        is_estimate=use.calls > use.seen,
    )


def _added(one: Recomputed, other: Recomputed) -> Recomputed:
    return replace(
        one,
        usd=one.usd + other.usd,
        compared_usd=one.compared_usd + other.compared_usd,
        list_usd=one.list_usd + other.list_usd,
        compared=one.compared + other.compared,
        without_tokens=one.without_tokens + other.without_tokens,
        unlisted=one.unlisted + other.unlisted,
        hourly=one.hourly + other.hourly,
        seen=one.seen + other.seen,
        is_estimate=one.is_estimate or other.is_estimate,
    )
