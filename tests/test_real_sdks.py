"""Spans that real SDKs send arrive right: seven ways to instrument, fifteen calls, every field.

Each program of `tests.sdks` runs in an environment of its own (`scripts/sdks.in`,
`scripts/sdks_earlier.in`; `make test` makes them), calls `tests.fake_provider` and exports to the
real door of OTLP, over HTTP. What has to come of it is in `tests.told_by_sdks`.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from models.clock import utc_now
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.otlp.retold import NOTE
from signals.traces import Span, Trace, TraceQuery, TraceSummary
from signals.traces.embedded import EmbeddedStore
from tests import fake_provider
from tests.sdks import facts
from tests.serving import serve
from tests.spans import opened, served
from tests.told_by_sdks import COUNTS, MADE, TOOLS, Expected, expected

ROOT: Final = Path(__file__).parent.parent
ENVIRONMENTS: Final = {"openai_v2": "sdks_earlier", "openlit": "sdks_earlier"}  # others: sdks
AT_ONCE: Final = 2  # programs: each takes a core for some seconds
PATIENCE_SECONDS: Final = 120
# OpenTelemetry's instrumentation keeps prompts to itself unless told so.
TEXTS: Final = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"}
# All spans go in one batch when the program ends, however slow the machine is.
ONE_BATCH: Final = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
# Spans that tell a call once more: Anthropic's client's own, and that of the client of LangChain's.
AGAIN: Final = {"langchain": "ChatCompletion"}
OWN: Final = "anthropic.messages.create"
MODELS: Final = (SpanKind.LLM, SpanKind.EMBEDDING)
CASES: Final = [(sdk, call) for sdk, calls in MADE.items() for call in calls]

Told = Mapping[tuple[str, str], tuple[TraceSummary, Trace]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What every program sent: the line of each trace in a list, and the trace, by SDK and call."""
    with ThreadPoolExecutor(AT_ONCE) as pool, serve(fake_provider.app()) as provider:
        folders = [tmp_path_factory.mktemp(sdk) for sdk in MADE]
        runs = pool.map(lambda sdk, folder: sent(sdk, provider, folder), MADE, folders)
        yield {(sdk, call): said for sdk, run in zip(MADE, runs, strict=True) for call, said in run}


def sent(sdk: str, provider: str, folder: Path) -> list[tuple[str, tuple[TraceSummary, Trace]]]:
    """Return what came of the calls that the program of `sdk` made, by call."""
    environment = ENVIRONMENTS.get(sdk, "sdks")
    python = ROOT / ".ready" / environment / "bin" / "python"
    assert python.exists(), f"run `make .ready/{environment}/ready`: `make test` does so by itself"
    plain = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    with opened(folder) as store:
        with served(store, clock=utc_now) as otlp:
            done = subprocess.run(
                [python, "-m", f"tests.sdks.with_{sdk}", provider, otlp],
                env=plain | ONE_BATCH | (TEXTS if sdk == "opentelemetry" else {}),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return [
            (one.name.removesuffix(".workflow"), (one, whole(store, one))) for one in all_of(store)
        ]


def all_of(store: EmbeddedStore) -> list[TraceSummary]:
    hour, now = timedelta(hours=1), utc_now()
    return list(store.search(TraceQuery(start=now - hour, end=now + hour)))


def whole(store: EmbeddedStore, summary: TraceSummary) -> Trace:
    trace = store.trace(summary.trace_id)
    assert trace is not None
    return trace


def calls_of(sdk: str, trace: Trace) -> list[Span]:
    """Return the calls of a model, each once; Anthropic's own span only where no other tells it."""
    calls = [span for span in trace.spans if span.kind in MODELS]
    return [span for span in calls if span.name != AGAIN.get(sdk, OWN)] or calls


def said(span: Span, wanted: Expected) -> dict[str, Any]:
    """Return what `span` says of what is `wanted`. A count that is not told is none."""
    found: dict[str, Any] = {name: getattr(span, name) for name in wanted if hasattr(span, name)}
    found |= {name: found[name] or 0 for name in COUNTS}
    found["ended"] = span.outcome if span.status is SpanStatus.ERROR else "well"
    found["asks"] = within(span.input_text, wanted["asks"])
    found["answers"] = within(span.output_text, wanted["answers"])
    first_ms = fake_provider.FIRST_CHUNK_SECONDS * 1_000
    found["streams"] = span.ttft_ms is not None and first_ms <= span.ttft_ms <= span.duration_ms
    return found


def within(text: str, part: str) -> str:
    """Return `part` where `text` has it, else the whole."""
    return part if part and part in text else text


@pytest.mark.parametrize(("sdk", "call"), CASES)
def test_a_call_says_what_the_provider_answered(told: Told, sdk: str, call: str) -> None:
    wanted = expected(sdk, call)
    calls = calls_of(sdk, told[sdk, call][1])
    assert [said(span, wanted or {}) for span in calls] == ([wanted] if wanted else [])


@pytest.mark.parametrize(("sdk", "call"), CASES)
def test_a_trace_is_listed_with_what_its_call_used(told: Told, sdk: str, call: str) -> None:
    wanted = expected(sdk, call) or {"input_tokens": 0, "output_tokens": 0, "cost_usd": None}
    line = told[sdk, call][0]
    tokens = wanted["input_tokens"] + wanted["output_tokens"]
    assert (line.tokens or 0, line.cost_usd) == (tokens, wanted["cost_usd"])


@pytest.mark.parametrize(("sdk", "call"), TOOLS)
def test_a_tool_says_what_it_was_given_and_gave(told: Told, sdk: str, call: str) -> None:
    (tool,) = [span for span in told[sdk, call][1].spans if span.kind is SpanKind.TOOL]
    assert (tool.tool, tool.status is SpanStatus.ERROR) == (facts.TOOL, False)
    assert facts.TOOL_INPUT["city"] in tool.input_text
    assert "Sunny in Paris." in tool.output_text


@pytest.mark.parametrize(
    ("sdk", "call", "used"),
    [
        ("opentelemetry", "anthropic plain", "1400 input_tokens, 50 output_tokens"),
        ("openinference", "anthropic plain", "1400 input_tokens, 50 output_tokens"),
        ("openllmetry", "anthropic plain", "1400 input_tokens, 50 output_tokens"),
        ("langchain", "openai plain", "1200 input_tokens, 300 output_tokens"),
    ],
)
def test_a_span_that_tells_a_call_again_says_so(told: Told, sdk: str, call: str, used: str) -> None:
    again = AGAIN.get(sdk, OWN)
    (span,) = [span for span in told[sdk, call][1].spans if span.name == again]
    assert (span.input_tokens, span.cost_usd, span.cost_source) == (None, None, CostSource.NONE)
    assert used in span.attributes[NOTE]
