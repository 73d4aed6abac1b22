"""What a model call costs, from the public price list, when the application did not say.

The list is the `genai-prices` package: offline, by the time of the request. Asking it takes
about 0.2 ms, too long for every span, so that its answer is kept as rates per token wherever the
price is linear; prices in tiers are asked for each time.

Source: https://github.com/pydantic/genai-prices
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from genai_prices import Usage, calc_price
from genai_prices.types import TieredPrices

from models.vocabulary import CostSource, SpanKind

_MILLION = 1_000_000
_STEP = timedelta(minutes=15)  # off-peak prices start and end on quarters of an hour


class Tokens(NamedTuple):
    """What one call used. `input` includes both kinds of cached tokens."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """US dollars per token, and `call` once per call; `tiered` prices are not linear."""

    call: float
    input: float
    output: float
    cache_read: float
    cache_write: float
    tiered: bool
    model: str
    provider: str | None


def price(model: str, provider: str | None, tokens: Tokens, *, at: datetime) -> float | None:
    """Return the cost in US dollars of a call made `at`, or None if the model has no price.

    Args:
        model: As the provider calls it, without a resource path.
        provider: OpenTelemetry's `gen_ai.provider.name`, if known.
        tokens: What the call used.
        at: When the call was made, aware; prices change.
    """
    quarter = at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    rates = _rates(model, provider, quarter)
    if rates is None:
        return None
    if rates.tiered:
        return _ask(rates.model, rates.provider, tokens, at)
    fresh = max(tokens.input - tokens.cache_read - tokens.cache_write, 0)
    return (
        rates.call
        + fresh * rates.input
        + tokens.cache_read * rates.cache_read
        + tokens.cache_write * rates.cache_write
        + tokens.output * rates.output
    )


def price_together(
    model: str, provider: str | None, tokens: Tokens, *, calls: int, at: datetime
) -> float | None:
    """Return the cost in US dollars of `calls` that used `tokens` between them, or None.

    Exact where the price is linear; where it comes in tiers, as of so many equal calls.
    """
    first = price(model, provider, Tokens(*(count // calls for count in tokens)), at=at)
    if first is None or calls == 1:
        return first
    quarter = at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    rates = _rates(model, provider, quarter)
    if rates is None or rates.tiered:
        return first * calls
    together = price(model, provider, tokens, at=at)
    return None if together is None else together + rates.call * (calls - 1)


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


@lru_cache(maxsize=4_096)
def _rates(model: str, provider: str | None, at: datetime) -> _Rates | None:
    for name, vendor in _spellings(model, provider):
        call = _ask(name, vendor, Tokens(), at)
        if call is not None:
            break
    else:
        return None
    found = calc_price(
        Usage(input_tokens=0, output_tokens=0),
        name,
        provider_id=vendor,
        genai_request_timestamp=at,
    ).model_price
    each = (
        Tokens(input=_MILLION),
        Tokens(output=_MILLION),
        Tokens(input=_MILLION, cache_read=_MILLION),
        Tokens(input=_MILLION, cache_write=_MILLION),
    )
    rates = [((_ask(name, vendor, tokens, at) or 0.0) - call) / _MILLION for tokens in each]
    return _Rates(
        call=call,
        input=rates[0],
        output=rates[1],
        cache_read=rates[2],
        cache_write=rates[3],
        tiered=any(isinstance(value, TieredPrices) for value in vars(found).values()),
        model=name,
        provider=vendor,
    )


def _spellings(model: str, provider: str | None) -> list[tuple[str, str | None]]:
    """Return the ways to ask: gateways write `openai/gpt-4o`, and providers go by many names."""
    ways: list[tuple[str, str | None]] = [(model, provider), (model, None)]
    if "/" in model:
        vendor, _, name = model.rpartition("/")
        ways += [(name, vendor.rpartition("/")[2]), (name, provider), (name, None)]
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
