"""Langfuse's SDK: its client of OpenAI's, its observations, and what it propagates.

Its exporter speaks to Langfuse alone, so it is given OpenTelemetry's. It has no client of
Anthropic's: that one's own spans (2.0 and later) are what it takes and completes.

Source: https://langfuse.com/integrations/model-providers/openai-py,
https://langfuse.com/docs/observability/sdk/instrumentation; `Langfuse` and `propagate_attributes`.
"""

from contextlib import nullcontext

from langfuse import Langfuse, propagate_attributes
from langfuse.openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from tests.sdks import facts
from tests.sdks.calls import anthropic_calls, get_weather, openai_calls
from tests.sdks.sending import addresses

provider, otlp = addresses()
langfuse = Langfuse(
    public_key="pk-lf-none",
    secret_key="sk-lf-none",
    base_url=otlp,
    environment="production",
    span_exporter=OTLPSpanExporter(f"{otlp}/v1/traces"),
)

for name, call in {**openai_calls(provider, OpenAI), **anthropic_calls(provider)}.items():
    told = (
        propagate_attributes(
            session_id=facts.SESSION,
            user_id=facts.USER,
            trace_name="geography",
            prompt={"name": facts.PROMPT_NAME, "version": facts.PROMPT_VERSION},
        )
        if name.endswith("request")
        else nullcontext()
    )
    with langfuse.start_as_current_observation(name=name), told:
        call()
        if name.endswith("tool"):
            with langfuse.start_as_current_observation(
                name=facts.TOOL, as_type="tool", input=facts.TOOL_INPUT
            ) as tool:
                tool.update(output=get_weather(**facts.TOOL_INPUT))
langfuse.shutdown()
