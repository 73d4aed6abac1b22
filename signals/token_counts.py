"""Tokens of every convention -> ours: input includes the cached ones, output the reasoning. Pure.

OpenTelemetry, OpenInference, OpenLLMetry and OpenAI count cached tokens within the input. Clients
of Anthropic's that send its usage as it is, and the details of Langfuse, count them beside it. What
a span says of its total tells which; without one, more cached tokens than input do. Where neither
speaks the input is taken to include them, as the standard has it. OpenLIT is known to send
Anthropic's as it is, and its total without the cached ones.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/,
https://docs.claude.com/en/docs/build-with-claude/prompt-caching (input_tokens is what follows the
last cache breakpoint), https://langfuse.com/docs/observability/features/token-and-cost-tracking
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from signals.attribute_values import as_count

TOTALS: Final = (
    *("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    *("ai.usage.totalTokens", "total_tokens", "totalTokens"),
)
_DETAILS: Final = {
    "input_cached_tokens": "cache_read_tokens",
    "input_cache_read": "cache_read_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "input_cache_creation": "cache_write_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "output_reasoning": "reasoning_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "prompt_tokens_details.cached_tokens": "cache_read_tokens",
    "input_tokens_details.cached_tokens": "cache_read_tokens",
    "completion_tokens_details.reasoning_tokens": "reasoning_tokens",
    "output_tokens_details.reasoning_tokens": "reasoning_tokens",
}
_SIDES: Final = {"input": ("input", "prompt"), "output": ("output", "completion")}
_BESIDE: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def settle(fields: dict[str, Any], rest: Mapping[str, str]) -> None:
    """Bring the token counts among `fields` to our convention; `rest` may say their total."""
    _details(fields, fields.pop("usage_details", {}))
    cached = fields.get("cache_read_tokens", 0) + fields.get("cache_write_tokens", 0)
    if "input_tokens" in fields and cached and _excludes(fields, rest, cached):
        fields["input_tokens"] += cached
    if fields.get("reasoning_tokens", 0) > fields.get("output_tokens", math.inf):
        fields["output_tokens"] += fields["reasoning_tokens"]


def _excludes(fields: Mapping[str, Any], rest: Mapping[str, str], cached: int) -> bool:
    """Say whether the input was counted without the `cached` tokens."""
    if rest.get("telemetry.sdk.name") == "openlit" and fields.get("provider") == "anthropic":
        return True
    fresh, made = int(fields["input_tokens"]), int(fields.get("output_tokens", 0))
    told = next((total for key in TOTALS if (total := as_count(rest.get(key))) is not None), None)
    return cached > fresh or told == fresh + made + cached


def _details(fields: dict[str, Any], usage: Mapping[str, float]) -> None:
    """Fill in what Langfuse's details say.

    Its own count every kind of token once. Those of OpenAI, which its client of OpenAI's passes on
    as they came, count cached and reasoning tokens within, one level down: `a.b` here.
    """
    sides = {
        side: [
            int(count) for key, count in usage.items() if key.startswith(words) and "." not in key
        ]
        for side, words in _SIDES.items()
    }
    beside = sum(int(usage.get(key, 0)) for key in _BESIDE)
    summed = sum(map(sum, sides.values()))
    if sides["input"] and beside and usage.get("total") != summed:
        sides["input"].append(beside)
    for side, counts in sides.items():
        if counts:
            fields.setdefault(f"{side}_tokens", sum(counts))
    for key, count in usage.items():
        target = _DETAILS.get(key)
        if target is not None:
            fields.setdefault(target, int(count))
