"""Arize's OpenInference: its instrumentors of OpenAI's and Anthropic's clients, its own tracer.

Source: https://arize-ai.github.io/openinference/python/instrumentation/openinference-instrumentation-openai/,
`using_attributes` and `OITracer.tool` in openinference-instrumentation's README.
"""

from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

from tests.sdks import facts
from tests.sdks.calls import anthropic_calls, get_weather, openai_calls
from tests.sdks.sending import addresses, tracer_provider

provider, otlp = addresses()
spans = tracer_provider(otlp)
OpenAIInstrumentor().instrument(tracer_provider=spans)
AnthropicInstrumentor().instrument(tracer_provider=spans)
tracer = OITracer(spans.get_tracer("program"), config=TraceConfig())
tool = tracer.tool(get_weather)


def told(name: str) -> using_attributes:
    """Return what the application tells about its request, where this call is one."""
    if not name.endswith("request"):
        return using_attributes()
    return using_attributes(
        session_id=facts.SESSION,
        user_id=facts.USER,
        metadata={"feature": "geography"},
        prompt_template=facts.TEMPLATE,
        prompt_template_version=f"v{facts.PROMPT_VERSION}",
        prompt_template_variables={"country": "France"},
    )


for name, call in {**openai_calls(provider), **anthropic_calls(provider)}.items():
    with told(name), tracer.start_as_current_span(name, openinference_span_kind="chain"):
        call()
        if name.endswith("tool"):
            tool(**facts.TOOL_INPUT)
spans.shutdown()
