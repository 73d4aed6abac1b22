"""LangChain and the client of OpenAI's that it uses, both instrumented by OpenInference.

So each call has two spans, side by side.

Source: https://arize-ai.github.io/openinference/python/instrumentation/openinference-instrumentation-langchain/
"""

import contextlib
from typing import Any

import openai
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

from tests.sdks import facts
from tests.sdks.calls import get_weather
from tests.sdks.sending import addresses, tracer_provider

provider, otlp = addresses()
spans = tracer_provider(otlp)
OpenAIInstrumentor().instrument(tracer_provider=spans)
LangChainInstrumentor().instrument(tracer_provider=spans)
tracer = spans.get_tracer("program")
weather = tool(get_weather)


def chat(model: str = "gpt-4o-mini") -> Any:
    """Return LangChain's client of OpenAI's model."""
    return ChatOpenAI(model=model, base_url=f"{provider}/v1", api_key="none", max_retries=0)


with tracer.start_as_current_span("openai plain"):
    chat().invoke(facts.QUESTION)
with (
    tracer.start_as_current_span("openai request"),
    using_attributes(
        session_id=facts.SESSION,
        user_id=facts.USER,
        prompt_template=facts.TEMPLATE,
        prompt_template_version=f"v{facts.PROMPT_VERSION}",
    ),
):
    chat().invoke(facts.QUESTION)
with tracer.start_as_current_span("openai reasoning"):
    chat("o4-mini").invoke(facts.QUESTION)
with tracer.start_as_current_span("openai streamed"):
    for _ in chat().stream(facts.QUESTION, stream_usage=True):
        pass
with tracer.start_as_current_span("openai tool"):
    chat().bind_tools([weather]).invoke(facts.QUESTION)
    weather.invoke(facts.TOOL_INPUT)
with (
    tracer.start_as_current_span("openai throttled"),
    contextlib.suppress(openai.RateLimitError),
):
    chat().invoke(facts.THROTTLED)
spans.shutdown()
