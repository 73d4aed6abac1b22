"""The agent that drafts replies: rounds of looking things up, and a second agent that reviews.

model -> read_ticket and search_orders at once -> model -> … -> model -> update_ticket
"""

from random import Random

from examples.copilot.plan import Draft, Value

THINKS = 0.14  # of the usual time and tokens of a model call: it only says what to look up
REVIEWED = 0.3
DENIED = 0.04
THOUGHT = "I need the ticket and the order before I can answer."
CHANGE = '{"ticket": "T-1042", "status": "waiting for customer"}'
_READS = (
    ("read_ticket", 55.0, '{"ticket": "T-1042"}'),
    ("search_orders", 80.0, '{"customer": "C-77", "last": 3}'),
)
_REVIEWER = "claude-haiku-4-5"
_REVIEW_MS, _REVIEW_USD, _REVIEW_TOKENS = 260.0, 0.0006, (420, 36)


def named(name: str) -> dict[str, Value]:
    """Return the attributes of a run of the agent `name`."""
    return {
        "openinference__span__kind": "AGENT",
        "gen_ai__operation__name": "invoke_agent",
        "gen_ai__agent__name": name,
    }


def look_ups(rng: Random) -> list[tuple[str, float, dict[str, Value]]]:
    """Return what a round reads, side by side."""
    reads = _READS if rng.random() < 0.7 else _READS[: rng.choice((1, 2))]
    return [
        (
            f"execute_tool {tool}",
            typical_ms * rng.lognormvariate(0, 0.3),
            {
                "openinference__span__kind": "TOOL",
                "gen_ai__operation__name": "execute_tool",
                "gen_ai__tool__name": tool,
                "gen_ai__tool__call__arguments": arguments,
                "permission__outcome": "allowed",
            },
        )
        for tool, typical_ms, arguments in reads
    ]


def review(draft: Draft, pace: float) -> None:
    """Let the reviewer's model look at the draft; `pace` is a factor on its time."""
    draft.open(
        f"chat {_REVIEWER}",
        openinference__span__kind="LLM",
        gen_ai__operation__name="chat",
        gen_ai__provider__name="anthropic",
        gen_ai__request__model=_REVIEWER,
        gen_ai__usage__input_tokens=_REVIEW_TOKENS[0],
        gen_ai__usage__output_tokens=_REVIEW_TOKENS[1],
        gen_ai__usage__cost=_REVIEW_USD,
    )
    draft.spend(_REVIEW_MS * pace)
    draft.close(cost_usd=_REVIEW_USD, tokens=_REVIEW_TOKENS)
