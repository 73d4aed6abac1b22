"""OpenTelemetry's SDK, sending to where a program was told."""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def addresses() -> tuple[str, str]:
    """Return the addresses of the model provider and of the OTLP door, as this program was told."""
    _, provider, otlp = sys.argv
    return provider, otlp


def tracer_provider(otlp: str) -> TracerProvider:
    """Return the tracer provider, made the global one, that sends to `otlp` when shut down."""
    found = TracerProvider(resource=Resource({"service.name": "copilot"}))
    found.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{otlp}/v1/traces")))
    trace.set_tracer_provider(found)
    return found
