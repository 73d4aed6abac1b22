"""Traceloop's OpenLLMetry, by its SDK: workflows, tools, association properties, prompts.

Source: https://www.traceloop.com/docs/openllmetry/tracing/annotations, /tracing/association and
/prompts/registry; `Traceloop` of traceloop-sdk.
"""

import os
from collections.abc import Callable

from traceloop.sdk import Instruments, Traceloop
from traceloop.sdk.decorators import tool, workflow
from traceloop.sdk.tracing.tracing import TracerWrapper, set_managed_prompt_tracing_context

from tests.sdks import facts
from tests.sdks.calls import anthropic_calls, get_weather, openai_calls
from tests.sdks.sending import addresses

provider, otlp = addresses()
os.environ["TRACELOOP_METRICS_ENABLED"] = "false"
Traceloop.init(
    app_name="copilot",
    api_endpoint=otlp,
    api_key="none",
    telemetry_enabled=False,
    instruments={Instruments.OPENAI, Instruments.ANTHROPIC},
)
weather = tool(name=facts.TOOL)(get_weather)


def run(name: str, call: Callable[[], object]) -> None:
    """Make a call as a workflow of its name."""

    @workflow(name=name)
    def named() -> None:
        if name.endswith("request"):
            Traceloop.set_association_properties(
                {"session_id": facts.SESSION, "user_id": facts.USER}
            )
            # What `get_prompt` of its registry does with a prompt of Traceloop's server.
            set_managed_prompt_tracing_context(
                facts.PROMPT_NAME, facts.PROMPT_VERSION, "live", "hash", {"country": "France"}
            )
        call()
        if name.endswith("tool"):
            weather(**facts.TOOL_INPUT)

    named()


for each, its_call in {**openai_calls(provider), **anthropic_calls(provider)}.items():
    run(each, its_call)
TracerWrapper().flush()
