"""OpenLIT, in the environment of earlier clients: it wants OpenAI's before 3, Anthropic's before 1.

Its price list, from the web unless told otherwise, knows one model here. It knows the version
of prompts of its own server alone, and no tool's run.

Source: https://docs.openlit.io/latest/sdk/overview; `init`, `start_trace` and
`inject_additional_attributes` of openlit.
"""

import json
import tempfile

import openlit
from opentelemetry import trace

from tests.sdks import facts
from tests.sdks.calls import anthropic_calls, openai_calls
from tests.sdks.sending import addresses

provider, otlp = addresses()
with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
    json.dump({"chat": facts.OPENLIT_PRICES, "embeddings": {}}, prices)
    prices.flush()
    openlit.init(
        application_name="copilot",
        otlp_endpoint=otlp,
        disable_metrics=True,
        pricing_json=prices.name,
    )
TOLD = {"session.id": facts.SESSION, "user.id": facts.USER}

for name, call in {**openai_calls(provider), **anthropic_calls(provider)}.items():
    with openlit.start_trace(name):
        if name.endswith("request"):
            openlit.inject_additional_attributes(call, TOLD)
        else:
            call()
trace.get_tracer_provider().shutdown()
