"""The calls that every program makes, by name."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import anthropic
import openai

from tests.sdks import facts

Calls = Mapping[str, Callable[[], object]]


def openai_calls(provider: str, client_of: Callable[..., Any] = openai.OpenAI) -> Calls:
    """Return the calls of OpenAI's client.

    Args:
        provider: Address of the provider.
        client_of: The class of the client; Langfuse has one of its own.
    """
    client = client_of(base_url=f"{provider}/v1", api_key="none", max_retries=0)

    def chat(question: str = facts.QUESTION, model: str = "gpt-4o-mini", **options: Any) -> Any:
        messages = [{"role": "user", "content": question}]
        return client.chat.completions.create(model=model, messages=messages, **options)

    def refused(question: str) -> None:
        with contextlib.suppress(openai.APIStatusError):
            chat(question)

    return {
        "openai plain": chat,
        "openai request": chat,
        "openai reasoning": lambda: chat(model="o4-mini"),
        "openai streamed": lambda: _drain(
            chat(stream=True, stream_options={"include_usage": True})
        ),
        "openai tool": lambda: chat(tools=[{"type": "function", "function": _FUNCTION}]),
        "openai throttled": lambda: refused(facts.THROTTLED),
        "openai broken": lambda: refused(facts.BROKEN),
        "openai embedding": lambda: client.embeddings.create(
            model="text-embedding-3-small", input=facts.QUESTION
        ),
        "openai response": lambda: client.responses.create(model="o4-mini", input=facts.QUESTION),
    }


def anthropic_calls(provider: str) -> Calls:
    """Return the calls of Anthropic's client."""
    client = anthropic.Anthropic(base_url=provider, api_key="none", max_retries=0)

    def message(
        question: str = facts.QUESTION, model: str = "claude-sonnet-4-5", **options: Any
    ) -> Any:
        messages = [{"role": "user", "content": question}]
        return client.messages.create(model=model, max_tokens=99, messages=messages, **options)

    def refused(question: str) -> None:
        with contextlib.suppress(anthropic.APIStatusError):
            message(question)

    return {
        "anthropic plain": message,
        "anthropic request": message,
        "anthropic cached": lambda: message(model="claude-haiku-4-5"),
        "anthropic streamed": lambda: _drain(message(stream=True)),
        "anthropic tool": lambda: message(tools=[_TOOL]),
        "anthropic throttled": lambda: refused(facts.THROTTLED),
    }


def get_weather(city: str) -> str:
    """Return the weather: the tool that the model asks for."""
    return f"Sunny in {city}."


def _drain(stream: Iterable[object]) -> None:
    for _ in stream:
        pass


_PARAMETERS: Final = {"type": "object", "properties": {"city": {"type": "string"}}}
_FUNCTION: Final = {"name": facts.TOOL, "parameters": _PARAMETERS}
_TOOL: Final = {"name": facts.TOOL, "input_schema": _PARAMETERS}
