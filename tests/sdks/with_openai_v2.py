"""OpenTelemetry's earlier instrumentor of OpenAI's client, as it is installed by default.

It follows version 1.30 of the conventions and keeps prompts out of spans; there is no way of its
own to tell a session, a user, a prompt or a tool's run.

Source: https://github.com/open-telemetry/opentelemetry-python-contrib, the README of
opentelemetry-instrumentation-openai-v2.
"""

from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

from tests.sdks.calls import openai_calls
from tests.sdks.sending import addresses, tracer_provider

provider, otlp = addresses()
spans = tracer_provider(otlp)
OpenAIInstrumentor().instrument(tracer_provider=spans)
tracer = spans.get_tracer("program")

for name, call in openai_calls(provider).items():
    with tracer.start_as_current_span(name):
        call()
spans.shutdown()
