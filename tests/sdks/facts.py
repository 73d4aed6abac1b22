"""What the programs, the provider and the expectations share."""

from typing import Final, NamedTuple

QUESTION: Final = "What is the capital of France?"
ANSWER: Final = "Paris, since 987."
TOOL: Final = "get_weather"
TOOL_INPUT: Final = {"city": "Paris"}
THROTTLED: Final = "throttled"  # as the question: refused with 429
BROKEN: Final = "broken"  # as the question: refused with 500
FIRST_CHUNK_SECONDS: Final = 0.05  # until a stream begins to answer

SESSION: Final = "session-7"
USER: Final = "user-7"
PROMPT_NAME: Final = "capitals"
PROMPT_VERSION: Final = 3
OPENLIT_PRICES: Final = {"o4-mini": {"promptPrice": 0.01, "completionPrice": 0.02}}  # per 1,000
TEMPLATE: Final = "What is the capital of {country}?"


class Used(NamedTuple):
    """What a call uses, as the standard counts: `input` has cached tokens, `output` reasoning."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


ANSWERS: Final = {  # the model asked for -> the model that answers, and what it uses
    "gpt-4o-mini": ("gpt-4o-mini-2024-07-18", Used(1_200, 300, cache_read=1_024)),
    "o4-mini": ("o4-mini-2025-04-16", Used(80, 500, reasoning=448)),
    "text-embedding-3-small": ("text-embedding-3-small", Used(8, 0)),
    # The API tells 1,000 of these 1,400 as `input_tokens`, and 100 of those 2,600.
    "claude-sonnet-4-5": (
        "claude-sonnet-4-5-20250929",
        Used(1_400, 50, cache_read=300, cache_write=100),
    ),
    "claude-haiku-4-5": (
        "claude-haiku-4-5-20251001",
        Used(2_600, 50, cache_read=2_000, cache_write=500),
    ),
}
