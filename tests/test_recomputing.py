"""Reported cost against the price list: expected values by hand, from the vendors' prices.

gpt-4o, in US dollars per million tokens: input 2.50, cached 1.25, output 10.
claude-sonnet-4-5: input 3, read from the cache 0.30, written to it 3.75, output 15, and beyond
200,000 tokens of input 6, 0.60, 7.50 and 22.50.
Source: https://openai.com/api/pricing/, https://docs.claude.com/en/docs/about-claude/pricing
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import CostSource
from signals import attributes
from signals.prices import Tokens
from signals.traces.embedded import EmbeddedStore, TailSampling
from signals.traces.recomputing import MAX_MODELS, Recomputed, ReportedUse, recompute, together
from signals.traces.spending import SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, bill, child, opened, root

LATELY = NOON - HOUR
GPT = {"model": "gpt-4o", "provider": "openai"}
CLAUDE = {"model": "claude-sonnet-4-5", "provider": "anthropic"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path) as store:
        yield store


def calls(store: EmbeddedStore, usd: float | None, at: datetime = LATELY, **fields: Any) -> None:
    """Store a request, with its feature if it has one, and its one call."""
    request = root(at, feature=fields.pop("feature", None))
    store.write([request, child(request, **bill(usd), **fields)])


def rows(store: EmbeddedStore, **scope: str) -> list[Recomputed]:
    query = SpendQuery(
        edges=(NOON - 2 * DAY,),
        end=NOON,
        before=(NOON - 4 * DAY, NOON - 2 * DAY),
        scope=tuple(sorted(scope.items())),
    )
    return recompute(store.reported(query).uses)


def only(store: EmbeddedStore, **scope: str) -> Recomputed:
    (row,) = rows(store, **scope)
    return row


def test_each_model_is_compared_with_what_its_tokens_cost(store: EmbeddedStore) -> None:
    calls(store, 0.007, **GPT, input_tokens=1_000, output_tokens=300)
    calls(store, 0.004, **GPT, input_tokens=1_000, output_tokens=200)
    calls(store, 0.012, **CLAUDE, input_tokens=2_000, output_tokens=400)
    claude, gpt = rows(store)
    # 2,000 x 2.50 + 500 x 10 = 10,000 millionths; 2,000 x 3 + 400 x 15 = 12,000.
    assert (gpt.model, gpt.provider) == ("gpt-4o", "openai")
    assert (gpt.usd, gpt.list_usd) == (pytest.approx(0.011), pytest.approx(0.010))
    assert gpt.difference_ratio == pytest.approx(0.10)
    assert (claude.usd, claude.list_usd) == (pytest.approx(0.012), pytest.approx(0.012))
    assert claude.difference_ratio == pytest.approx(0)


@pytest.mark.parametrize(
    "input_tokens",
    [pytest.param(1_000, id="counted within the input"), pytest.param(100, id="beside it")],
)
def test_cached_tokens_cost_the_same_in_both_conventions(
    store: EmbeddedStore, input_tokens: int
) -> None:
    told = attributes.of_span(
        {
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.cache_read.input_tokens": 600,
            "gen_ai.usage.cache_creation.input_tokens": 300,
            "gen_ai.usage.output_tokens": 50,
            "gen_ai.usage.total_tokens": 1_050,
        }
    ).fields
    calls(store, 0.002, **told)
    # 100 x 3 + 600 x 0.30 + 300 x 3.75 + 50 x 15 = 2,355 millionths.
    assert only(store).list_usd == pytest.approx(0.002355)


def test_long_and_short_calls_are_priced_by_their_own_tier(store: EmbeddedStore) -> None:
    calls(store, 1.0, **CLAUDE, input_tokens=300_000, output_tokens=101)
    for _ in range(3):
        calls(store, 1.0, **CLAUDE, input_tokens=100, output_tokens=7)
    # 300,000 x 6 + 101 x 22.50 + 300 x 3 + 21 x 15 = 1,803,487.5 millionths.
    assert only(store).list_usd == pytest.approx(1.8034875)


def test_each_day_has_the_price_of_its_day() -> None:
    # OpenAI cut the price of o3 by 80 % on 2025-06-10: 10, then 2 dollars for a million tokens.
    days = [datetime(2025, 6, day, tzinfo=UTC) for day in (9, 10)]
    uses = [
        ReportedUse(
            model="o3",
            provider="openai",
            at=day,
            usd=10.0,
            tokens=Tokens(input=1_000_000),
            calls=100,
            seen=100,
        )
        for day in days
    ]
    (found,) = recompute(uses)
    assert found.list_usd == pytest.approx(12)


def test_what_cannot_be_compared_is_counted_and_left_out(store: EmbeddedStore) -> None:
    calls(store, 0.005, **GPT, input_tokens=2_000)
    calls(store, 3.0, **GPT)
    found = only(store)
    assert (found.usd, found.compared_usd) == (3.005, 0.005)
    assert (found.compared, found.without_tokens) == (1, 1)
    assert found.difference_ratio == pytest.approx(0)


def test_a_model_that_the_list_lacks_is_not_compared(store: EmbeddedStore) -> None:
    calls(store, 3.0, model="nobody-7b", input_tokens=100)
    found = only(store)
    assert (found.unlisted, found.compared, found.difference_ratio) == (1, 0, None)


def test_a_model_priced_by_the_time_of_day_is_not_compared(store: EmbeddedStore) -> None:
    calls(store, 3.0, model="deepseek-chat", provider="deepseek", input_tokens=100)
    found = only(store)
    assert (found.hourly, found.compared) == (1, 0)


def test_computed_costs_and_those_of_agents_are_not_compared(store: EmbeddedStore) -> None:
    request = root(LATELY, **bill(9.0), **GPT, input_tokens=2_000)
    computed = bill(2.0, CostSource.COMPUTED)
    store.write([request, child(request, **computed, **GPT, input_tokens=2_000)])
    assert rows(store) == []
    assert together([]).difference_ratio is None


def test_a_bill_of_nothing_is_that_much_below_the_list(store: EmbeddedStore) -> None:
    calls(store, 0.0, **GPT, input_tokens=2_000)
    assert only(store).difference_ratio == -1


def test_only_the_period_and_the_scope_are_compared(store: EmbeddedStore) -> None:
    calls(store, 1.0, **GPT, input_tokens=1_000, feature="chat")
    calls(store, 2.0, **GPT, input_tokens=1_000, feature="search")
    calls(store, 4.0, NOON - 2 * DAY - MINUTE, **GPT, input_tokens=1_000, feature="chat")
    assert only(store).usd == 3.0
    assert only(store, feature="chat").usd == 1.0
    assert only(store, feature="chat", model="gpt-4o").usd == 1.0
    assert rows(store, model="gpt-5") == []


def test_a_sample_is_weighed_and_said_to_be_one(tmp_path: Path) -> None:
    rules = TailSampling(one_in=2, wait=MINUTE, slow=HOUR, dear_usd=100)
    with opened(tmp_path, sampling=rules) as store:
        for _ in range(40):
            calls(store, 0.005, NOON - 30 * MINUTE, **GPT, input_tokens=2_000)
        store.sample(now=NOON)
        found = only(store)
    assert found.is_estimate
    assert found.compared == 2 * found.seen
    assert found.difference_ratio == pytest.approx(0)


def test_models_are_bounded_and_counted(store: EmbeddedStore) -> None:
    request = root(LATELY)
    store.write([request, *(child(request, **bill(1.0), model=f"m{n}") for n in range(60))])
    query = SpendQuery(edges=(NOON - DAY,), end=NOON, before=(NOON - DAY, NOON - DAY))
    found = store.reported(query)
    assert (len(recompute(found.uses)), found.models) == (MAX_MODELS, 60)
