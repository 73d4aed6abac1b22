"""What a model call costs, from the public price list, when the application did not say.

The list is the `genai-prices` package: offline, by the time of the request. Asking it takes
about 0.1 ms, too long for every span, so that its answer is kept as rates per token. Where prices
come in tiers, all tokens of a call are charged at that of its whole input, so that rates hold
between two thresholds.

Source: https://github.com/pydantic/genai-prices
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import ModelPrice, TieredPrices, TimeOfDateConstraint

from models.vocabulary import CostSource, SpanKind

LIST: Final = f"genai-prices {version('genai-prices')}"
_MILLION = 1_000_000


class Tokens(NamedTuple):
    """What one call used. `input` includes both kinds of cached tokens."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """US dollars per token, and `call` once per call; `hourly` prices change within a day."""

    call: float
    input: float
    output: float
    cache_read: float
    cache_write: float
    hourly: bool


def price(model: str, provider: str | None, tokens: Tokens, *, at: datetime) -> float | None:
    """Return the cost in US dollars of a call made `at`, or None if the model has no price.

    Args:
        model: As the provider calls it, without a resource path.
        provider: OpenTelemetry's `gen_ai.provider.name`, if known.
        tokens: What the call used.
        at: When the call was made, aware; prices change.
    """
    return price_together(model, provider, tokens, calls=1, at=at)


def price_together(
    model: str, provider: str | None, tokens: Tokens, *, calls: int, at: datetime
) -> float | None:
    """Return the cost in US dollars of `calls` that used `tokens` between them, or None.

    Exact where the price is linear, or no two of the calls are on different sides of one of the
    `thresholds`; else as of so many equal calls.
    """
    rates = _rates(model, provider, _quarter(at), _size(tokens.input / calls))
    if rates is None:
        return None
    fresh = max(tokens.input - tokens.cache_read - tokens.cache_write, 0)
    return (
        calls * rates.call
        + fresh * rates.input
        + tokens.cache_read * rates.cache_read
        + tokens.cache_write * rates.cache_write
        + tokens.output * rates.output
    )


def changes_by_the_hour(model: str, provider: str | None, *, at: datetime) -> bool:
    """Say whether the list has prices of the model by the time of day, such as off-peak ones."""
    rates = _rates(model, provider, _quarter(at), _MILLION)
    return rates is not None and rates.hourly


@lru_cache(maxsize=1)
def thresholds() -> tuple[int, ...]:
    """Return every number of input tokens above which some model of the list is dearer."""
    starts: set[int] = set()
    for model in (model for provider in providers for model in provider.models):
        held = model.prices
        for one in [held] if isinstance(held, ModelPrice) else [each.prices for each in held]:
            tiered = [value for value in vars(one).values() if isinstance(value, TieredPrices)]
            starts |= {tier.start for value in tiered for tier in value.tiers}
    return tuple(sorted(starts))


def fill(fields: dict[str, Any], kind: SpanKind, *, at: datetime) -> None:
    """Fill `cost_usd` and `cost_source`: what was reported counts, else tokens times the list.

    Args:
        fields: Of a span, by name, as `signals.attributes` found them.
        kind: What the span did. Agents, chains and requests repeat the sum of their children's
            tokens, of models of different prices: those are not priced.
        at: When the span started.
    """
    if fields.get("cost_usd") is not None:
        fields["cost_source"] = CostSource.REPORTED
        return
    used = fields.get("input_tokens", 0) + fields.get("output_tokens", 0)
    if not used or kind in (SpanKind.AGENT, SpanKind.CHAIN, SpanKind.HTTP):
        fields["cost_source"] = CostSource.NONE
        return
    tokens = Tokens(
        input=fields.get("input_tokens", 0),
        output=fields.get("output_tokens", 0),
        cache_read=fields.get("cache_read_tokens", 0),
        cache_write=fields.get("cache_write_tokens", 0),
    )
    model = fields.get("model")
    cost = price(model, fields.get("provider"), tokens, at=at) if model else None
    fields["cost_usd"] = cost
    fields["cost_source"] = CostSource.UNPRICED if cost is None else CostSource.COMPUTED


def _quarter(at: datetime) -> datetime:
    """Return the beginning of the quarter: off-peak prices start and end there."""
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)


def _size(tokens: float) -> int:
    """Return the most input tokens that a call is charged for at the same rates as for these."""
    place = bisect_left(thresholds(), tokens)
    return thresholds()[place] if place < len(thresholds()) else thresholds()[-1] + _MILLION


@lru_cache(maxsize=4_096)
def _rates(model: str, provider: str | None, at: datetime, size: int) -> _Rates | None:
    for name, vendor in _spellings(model, provider):
        call = _ask(name, vendor, Tokens(), at)
        if call is not None:
            break
    else:
        return None

    def asked(tokens: Tokens) -> float:
        return _ask(name, vendor, tokens, at) or 0.0

    read = asked(Tokens(input=size))
    held = calc_price(
        Usage(input_tokens=0, output_tokens=0),
        name,
        provider_id=vendor,
        genai_request_timestamp=at,
    ).model.prices
    conditions = [] if isinstance(held, ModelPrice) else [each.constraint for each in held]
    return _Rates(
        call=call,
        input=(read - call) / size,
        output=(asked(Tokens(input=size, output=_MILLION)) - read) / _MILLION,
        cache_read=(asked(Tokens(input=size, cache_read=size)) - call) / size,
        cache_write=(asked(Tokens(input=size, cache_write=size)) - call) / size,
        hourly=any(isinstance(one, TimeOfDateConstraint) for one in conditions),
    )


def _spellings(model: str, provider: str | None) -> list[tuple[str, str | None]]:
    """Return the ways to ask: gateways write `openai/gpt-4o`, and providers go by many names."""
    ways: list[tuple[str, str | None]] = [(model, provider), (model, None)]
    if "/" in model:
        vendor, _, name = model.rpartition("/")
        ways += [(name, vendor.rpartition("/")[2]), (name, provider), (name, None)]
    if provider is None and model.startswith("text-embedding-"):
        ways += [(model, "openai"), (model, "google")]  # the list finds these by provider alone
    return ways


def _ask(model: str, provider: str | None, tokens: Tokens, at: datetime) -> float | None:
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read or None,
        cache_write_tokens=tokens.cache_write or None,
    )
    try:
        answer = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError):  # unknown model, or counts that contradict each other
        return None
    return float(answer.total_price)
