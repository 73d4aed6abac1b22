"""What a call costs, from the price list, fast and exactly as the list says."""

import time
from datetime import UTC, datetime

import pytest
from genai_prices import Usage, calc_price

from signals.prices import Tokens, price

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "openai"),
        ("gpt-4o-2024-08-06", None),
        ("claude-sonnet-4-5", "anthropic"),
        ("gemini-2.5-pro", "google"),  # dearer beyond 200,000 tokens
        ("text-embedding-3-small", "openai"),
        ("deepseek-chat", "deepseek"),
    ],
)
@pytest.mark.parametrize(
    "tokens",
    [
        Tokens(input=1),
        Tokens(input=1_000, output=200),
        Tokens(input=300_000, output=200, cache_read=250_000),
    ],
)
def test_a_price_is_what_the_list_says(model: str, provider: str | None, tokens: Tokens) -> None:
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read or None,
    )
    said = calc_price(usage, model, provider_id=provider, genai_request_timestamp=NOON)
    assert price(model, provider, tokens, at=NOON) == pytest.approx(float(said.total_price))


def test_a_price_is_that_of_the_time_of_the_call() -> None:
    # OpenAI cut the price of o3 by 80 % on 2025-06-10.
    before = price("o3", "openai", Tokens(input=1_000_000), at=datetime(2025, 6, 1, tzinfo=UTC))
    after = price("o3", "openai", Tokens(input=1_000_000), at=datetime(2025, 7, 1, tzinfo=UTC))
    assert (before, after) == (pytest.approx(10), pytest.approx(2))


def test_cached_tokens_cost_less() -> None:
    plain = price("gpt-4o", "openai", Tokens(input=1000), at=NOON)
    cached = price("gpt-4o", "openai", Tokens(input=1000, cache_read=1000), at=NOON)
    assert plain is not None
    assert cached == pytest.approx(plain / 2)


@pytest.mark.parametrize("model", ["nobody-7b", "", "x" * 1000])
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert price(model, None, Tokens(input=1000), at=NOON) is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai/gpt-4o", None),
        ("openai/gpt-4o", "litellm"),
        ("openrouter/openai/gpt-4o", None),
        ("gpt-4o", "our gateway"),
        ("gpt-4o", "az.ai.openai"),
        ("GPT-4o", "OpenAI"),
    ],
)
def test_gateways_spell_models_in_their_own_way(model: str, provider: str | None) -> None:
    tokens = Tokens(input=1000, output=200)
    known = price("gpt-4o", "openai", tokens, at=NOON)
    assert price(model, provider, tokens, at=NOON) == pytest.approx(known)


@pytest.mark.parametrize("model", ["text-embedding-3-small", "text-embedding-3-large"])
def test_an_embedding_has_a_price_without_its_provider(model: str) -> None:
    known = price(model, "openai", Tokens(input=1000), at=NOON)
    assert known is not None
    assert price(model, None, Tokens(input=1000), at=NOON) == known


def test_pricing_does_not_hold_up_ingest() -> None:
    price("gpt-4o", "openai", Tokens(input=1), at=NOON)
    begun = time.process_time()
    for count in range(10_000):
        price("gpt-4o", "openai", Tokens(input=count, output=count), at=NOON)
    assert time.process_time() - begun < 1
