"""What our spans must say of the calls in `tests.sdks.calls`, by SDK and call.

`CALLS` follows from what the provider answers and the vendors' public prices, whatever the SDK;
`ALWAYS` and `UNSAID` are what an SDK does not tell or tells otherwise, each with its reason, as its
source says. Nothing here was taken from what Wakeful makes of a span.
"""

from typing import Any, Final

import pytest

from models.vocabulary import CostSource, SpanKind
from tests.sdks import facts

Expected = dict[str, Any]

# US dollars per million tokens: fresh input, read from the cache, written to it, output.
# https://openai.com/api/pricing, https://docs.claude.com/en/docs/about-claude/pricing
PRICES: Final = {
    "gpt-4o-mini": (0.15, 0.075, 0, 0.60),
    "o4-mini": (1.10, 0.275, 0, 4.40),
    "text-embedding-3-small": (0.02, 0, 0, 0),
    "claude-sonnet-4-5": (3.00, 0.30, 3.75, 15.00),
    "claude-haiku-4-5": (1.00, 0.10, 1.25, 5.00),
}


def usage(model: str, used: facts.Used) -> Expected:
    """Return the tokens of a call and what they cost by `PRICES`."""
    fresh, read, written, made = PRICES[model]
    rest = used.input - used.cache_read - used.cache_write
    usd = rest * fresh + used.cache_read * read + used.cache_write * written + used.output * made
    return {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "cache_read_tokens": used.cache_read,
        "cache_write_tokens": used.cache_write,
        "reasoning_tokens": used.reasoning,
        "cost_usd": pytest.approx(usd / 1e6),
        "cost_source": CostSource.COMPUTED,
    }


def answered(model: str, provider: str, **changes: Any) -> Expected:
    """Return what is to be said of a call that was answered."""
    by, used = facts.ANSWERS[model]
    said = {
        "kind": SpanKind.LLM,
        "provider": provider,
        "model": by,
        "ended": "well",
        "asks": facts.QUESTION,
        "answers": facts.ANSWER,
        "streams": False,
        "session_id": None,
        "user_id": None,
        "prompt_name": None,
        "prompt_version": None,
        "tool": None,
    }
    return said | usage(model, used) | changes


def refused(model: str, provider: str, question: str, ended: str) -> Expected:
    """Return what is to be said of a call that was refused: it used nothing."""
    nothing = dict.fromkeys(COUNTS, 0) | {"cost_usd": None, "cost_source": CostSource.NONE}
    said = {"model": model, "ended": ended, "asks": question, "answers": ""}
    return answered(model, provider) | said | nothing


COUNTS: Final = (
    *("input_tokens", "output_tokens", "reasoning_tokens"),
    *("cache_read_tokens", "cache_write_tokens"),
)
_REQUEST: Final = {
    "session_id": facts.SESSION,
    "user_id": facts.USER,
    "prompt_name": facts.PROMPT_NAME,
    "prompt_version": str(facts.PROMPT_VERSION),
}
OPENAI: Final[dict[str, Expected]] = {
    "openai plain": answered("gpt-4o-mini", "openai"),
    "openai request": answered("gpt-4o-mini", "openai", **_REQUEST),
    "openai reasoning": answered("o4-mini", "openai"),
    "openai streamed": answered("gpt-4o-mini", "openai", streams=True),
    "openai tool": answered("gpt-4o-mini", "openai", answers=facts.TOOL),
    "openai throttled": refused("gpt-4o-mini", "openai", facts.THROTTLED, "rate_limited"),
    "openai broken": refused("gpt-4o-mini", "openai", facts.BROKEN, "error"),
    "openai embedding": answered(
        "text-embedding-3-small", "openai", kind=SpanKind.EMBEDDING, answers=""
    ),
    "openai response": answered("o4-mini", "openai"),
}
ANTHROPIC: Final[dict[str, Expected]] = {
    "anthropic plain": answered("claude-sonnet-4-5", "anthropic"),
    "anthropic request": answered("claude-sonnet-4-5", "anthropic", **_REQUEST),
    "anthropic cached": answered("claude-haiku-4-5", "anthropic"),
    "anthropic streamed": answered("claude-sonnet-4-5", "anthropic", streams=True),
    "anthropic tool": answered("claude-sonnet-4-5", "anthropic", answers=facts.TOOL),
    "anthropic throttled": refused(
        "claude-sonnet-4-5", "anthropic", facts.THROTTLED, "rate_limited"
    ),
}
CALLS: Final = OPENAI | ANTHROPIC
# The calls that each program makes.
MADE: Final = {
    "opentelemetry": CALLS,
    "openai_v2": OPENAI,
    "openinference": CALLS,
    "langchain": {
        call: said
        for call, said in OPENAI.items()
        if call.split()[1] in ("plain", "request", "reasoning", "streamed", "tool", "throttled")
    },
    "openllmetry": CALLS,
    "langfuse": CALLS,
    "openlit": CALLS,
}
# What runs a tool in a span of its own, and in which calls. The others have no way to.
TOOLS: Final = [
    (sdk, call)
    for sdk in ("opentelemetry", "openinference", "langchain", "openllmetry", "langfuse")
    for call in MADE[sdk]
    if call.endswith("tool")
]

ALWAYS: Final[dict[str, Expected]] = {
    # By default it keeps texts out of spans; the conventions of 1.30 have no cached tokens (which
    # are charged in full, then), no reasoning, no first token, no user and no prompt.
    "openai_v2": dict.fromkeys(("asks", "answers"), "")
    | dict.fromkeys(("session_id", "user_id", "prompt_name", "prompt_version"))
    | {"streams": False, "cache_read_tokens": 0, "reasoning_tokens": 0},
    # The conventions know a conversation, no user and no prompt.
    "opentelemetry": dict.fromkeys(("user_id", "prompt_name", "prompt_version")),
    # It tells no vendor.
    "langfuse openai": {"provider": None},
    # Anthropic's own spans, with texts kept out of them.
    "langfuse anthropic": {"asks": "", "answers": ""},
    # It knows a prompt's template and version, no name.
    "openinference": {"prompt_name": None},
    "langchain": {"prompt_name": None},
    # It knows prompts of its own server alone.
    "openlit": dict.fromkeys(("prompt_name", "prompt_version")),
}
_UNCACHED: Final = facts.Used(1_200, 300)
_BY_OPENLIT: Final = {  # by facts.OPENLIT_PRICES
    "cost_usd": pytest.approx(80 / 1_000 * 0.01 + 500 / 1_000 * 0.02),
    "cost_source": CostSource.REPORTED,
}
UNSAID: Final[dict[tuple[str, str], Expected | None]] = {
    ("openai_v2", "openai plain"): usage("gpt-4o-mini", _UNCACHED),
    ("openai_v2", "openai request"): usage("gpt-4o-mini", _UNCACHED),
    ("openai_v2", "openai streamed"): usage("gpt-4o-mini", _UNCACHED),
    ("openai_v2", "openai tool"): usage("gpt-4o-mini", _UNCACHED),
    ("openai_v2", "openai response"): None,  # it knows chat completions and embeddings
    # Its versions are text of the application's.
    ("openinference", "openai request"): {"prompt_version": f"v{facts.PROMPT_VERSION}"},
    ("langchain", "openai request"): {"prompt_version": f"v{facts.PROMPT_VERSION}"},
    ("openinference", "anthropic request"): {"prompt_version": f"v{facts.PROMPT_VERSION}"},
    # A vector is no text, but some tell it, or its size.
    ("openinference", "openai embedding"): {"answers": "[0.25,0.5]"},
    ("langfuse", "openai embedding"): {"answers": '"dimensions": 2'},
    # Of a call that failed it tells an answer without text.
    ("langchain", "openai throttled"): {"answers": '"text": ""'},
    # The texts of embeddings are not captured.
    ("opentelemetry", "openai embedding"): {"asks": ""},
    # It adds the one token that the stream begins with to the total that it ends with.
    ("openllmetry", "anthropic streamed"): usage(
        "claude-sonnet-4-5", facts.Used(1_400, 51, 300, 100)
    ),
    # Its price list has this model: what it reports counts. Reasoning it tells of Responses alone.
    ("openlit", "openai reasoning"): {"reasoning_tokens": 0, **_BY_OPENLIT},
    ("openlit", "openai response"): _BY_OPENLIT,
    # Calls that fail are told without their texts.
    ("openlit", "openai throttled"): {"asks": ""},
    ("openlit", "openai broken"): {"asks": ""},
    # Of Anthropic's that fail it tells no attribute at all: not that a model was called.
    ("openlit", "anthropic throttled"): None,
}


def expected(sdk: str, call: str) -> Expected | None:
    """Return what our span of `call`, made with `sdk`, must say; None where there is no span."""
    changes = UNSAID.get((sdk, call), {})
    if changes is None:
        return None
    vendor = call.partition(" ")[0]
    return MADE[sdk][call] | ALWAYS.get(sdk, {}) | ALWAYS.get(f"{sdk} {vendor}", {}) | changes
