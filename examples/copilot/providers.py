"""The language models behind the copilot, as fast and as dear as they are."""

from dataclasses import dataclass
from functools import cache

from genai_prices import Usage, calc_price


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """One model.

    Attributes:
        name: As `gen_ai.request.model` has it, and as the price list knows it.
        snapshot: As `gen_ai.response.model` has it.
        median_ms: Half of its healthy answers take at most this long.
        reports_cost: Whether its client library says what a call cost.
    """

    name: str
    provider: str
    snapshot: str
    median_ms: float
    reports_cost: bool = True


OPUS = LanguageModel(
    name="claude-opus-4-7", provider="anthropic", snapshot="claude-opus-4-7", median_ms=2000
)
SONNET = LanguageModel(
    name="claude-sonnet-4-6", provider="anthropic", snapshot="claude-sonnet-4-6", median_ms=1750
)
# Its cost is left to whoever reads the trace: the price list does it as well.
MINI = LanguageModel(
    name="gpt-4o-mini",
    provider="openai",
    snapshot="gpt-4o-mini-2024-07-18",
    median_ms=1100,
    reports_cost=False,
)


@cache
def token_prices(model: LanguageModel) -> tuple[float, float]:
    """Return what one input and one output token cost, in US dollars."""

    def price(usage: Usage) -> float:
        found = calc_price(usage, model.name, provider_id=model.provider)
        return float(found.total_price) / 1000

    return price(Usage(input_tokens=1000)), price(Usage(output_tokens=1000))


def cost_usd(model: LanguageModel, input_tokens: int, output_tokens: int) -> float:
    """Return what a call costs by the price list, in US dollars."""
    per_input, per_output = token_prices(model)
    return input_tokens * per_input + output_tokens * per_output
