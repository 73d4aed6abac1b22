"""OpenTelemetry's own instrumentors of OpenAI's and Anthropic's clients, and its tool spans.

They follow the latest conventions, which know a conversation, no prompt's version and no user.

Source: https://github.com/open-telemetry/opentelemetry-python-genai, the README of
opentelemetry-instrumentation-genai-openai, and TelemetryHandler of opentelemetry-util-genai.
"""

from contextlib import AbstractContextManager, nullcontext

from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.util.genai.handler import TelemetryHandler

from tests.sdks import facts
from tests.sdks.calls import anthropic_calls, get_weather, openai_calls
from tests.sdks.sending import addresses, tracer_provider

provider, otlp = addresses()
spans = tracer_provider(otlp)
OpenAIInstrumentor().instrument(tracer_provider=spans)
AnthropicInstrumentor().instrument(tracer_provider=spans)
tracer = spans.get_tracer("program")
handler = TelemetryHandler(tracer_provider=spans)


def agent(name: str) -> AbstractContextManager[object]:
    """Return the run of an agent in a conversation, where this call is a request of one."""
    if not name.endswith("request"):
        return nullcontext()
    return handler.invoke_local_agent(agent_name="geographer", conversation_id=facts.SESSION)


for name, call in {**openai_calls(provider), **anthropic_calls(provider)}.items():
    with tracer.start_as_current_span(name), agent(name):
        call()
        if name.endswith("tool"):
            with handler.tool(facts.TOOL) as tool:
                tool.arguments = facts.TOOL_INPUT
                tool.tool_result = get_weather(**facts.TOOL_INPUT)
spans.shutdown()
