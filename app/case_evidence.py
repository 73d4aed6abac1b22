"""What is known of one request at each of the seven steps from a complaint to its cause. Pure.

Sentences without markup: the page and the report say the same.

Source: the seeds, "Observability in Production", exercise 1: seven steps from "the answer looks
wrong" to the root cause, with nothing but a trace id.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.inbox import Item
from app import numbers, trace_facts
from app.waterfall.hints import Hint
from app.waterfall.layout import Row, Waterfall
from models.vocabulary import SpanKind, Unit
from signals.logs import LogRecord
from signals.traces import Span
from signals.traces.sharing import Share

MOST: Final = 5  # sentences of one sort
_FOUND_BY: Final = (SpanKind.EMBEDDING, SpanKind.RETRIEVAL, SpanKind.RERANK)
_RETRIEVED = re.compile(r"retriev|document|chunk|doc_?ids|citation", re.IGNORECASE)
_BAD_LINES: Final = ("WARN", "ERROR", "FATAL", "CRITICAL")


class Step(StrEnum):
    """A step, as notes are kept by it."""

    REQUEST = "request"
    TIME = "time"
    PROMPT = "prompt"
    CONTEXT = "context"
    LOGS = "logs"
    AROUND = "around"
    SHARED = "shared"


QUESTIONS: Final = {
    Step.REQUEST: "Is this the request, and how did it end?",
    Step.TIME: "Where did the time and the money go?",
    Step.PROMPT: "What was the model asked, by which prompt?",
    Step.CONTEXT: "What was it given: documents and tools?",
    Step.LOGS: "What did the application log?",
    Step.AROUND: "Was it this one alone, or the time?",
    Step.SHARED: "What do the bad ones share?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a step found.

    Attributes:
        said: Sentences, the most telling first; at least one.
        suspect: Whether something here is not as it should be.
    """

    said: tuple[str, ...]
    suspect: bool = False


def of_request(drawn: Waterfall) -> Evidence:
    """Return what the request was and how it ended."""
    root, outcome = drawn.root.span, trace_facts.first(drawn, "outcome")
    ended = f"It ended {root.status.value}, with the outcome {outcome}." if outcome else ""
    failed = [row for row in drawn.rows if row.failed]
    scores = _scores(row.span for row in drawn.rows)
    whose = ", ".join(f"{name} {value}" for name, value in trace_facts.origin(drawn))
    said = [
        f"{root.name} took {trace_facts.milliseconds(drawn.duration_ms)} and cost "
        f"{trace_facts.cost(drawn.cost.usd, drawn.cost.source)}.",
        ended or f"It ended {root.status.value}, and does not say with what outcome.",
        *(
            f"{row.span.name} failed: {row.span.status_message or 'it does not say why'}."
            for row in failed[:MOST]
        ),
        *(scores or ["Nobody scored it, no person and no evaluator."]),
        f"Whose: {whose}." if whose else "It does not say whose it was.",
    ]
    poor = any((row.span.eval_score or 100) < 50 for row in drawn.rows)
    return Evidence(said=tuple(said), suspect=bool(failed) or poor)


def of_time(drawn: Waterfall, hints: Sequence[Hint]) -> Evidence:
    """Return where time and money went, and what of the spans is odd."""
    odd = [f"{row.span.name}: {said}" for row in drawn.rows for said in trace_facts.oddities(row)]
    said = [f"{hint.sentence}." for hint in hints[:MOST]] or ["Nothing stands out."]
    return Evidence(said=(*said, *odd[:MOST]), suspect=bool(odd))


def main_call(drawn: Waterfall) -> Row | None:
    """Return the model call that took longest, or None without any."""
    calls = [row for row in drawn.rows if row.span.kind is SpanKind.LLM]
    return max(calls, key=lambda row: row.span.duration_ms, default=None)


def of_prompt(drawn: Waterfall) -> Evidence:
    """Return by which prompt and model the answer was made."""
    call = main_call(drawn)
    if call is None:
        return Evidence(said=("No model was called: the answer came from elsewhere.",))
    span, count = call.span, sum(row.span.kind is SpanKind.LLM for row in drawn.rows)
    version = span.prompt_version or trace_facts.first(drawn, "prompt_version")
    name = span.prompt_name or trace_facts.first(drawn, "prompt_name") or "The prompt"
    said = [
        f"{name} has the version {version}."
        if version
        else "No prompt version was told: nobody can say which one it was.",
        f"{span.model or 'An unnamed model'} answered"
        f"{f' in the longest of {count} calls' if count > 1 else ''}, from "
        f"{_count(span.input_tokens)} tokens to {_count(span.output_tokens)}.",
        *(
            f"{name} = {value}."
            for name, value in sorted(span.attributes.items())
            if name.startswith("gen_ai.request.") and value
        ),
    ]
    if not span.input_text:
        said.append("The text of the prompt was not sent here.")
    cached = [row.span.name for row in drawn.rows if row.span.cache_hit]
    said += [f"{name} answered from the cache." for name in cached[:MOST]]
    return Evidence(said=tuple(said), suspect=version is None)


def of_context(drawn: Waterfall) -> Evidence:
    """Return what was retrieved, and which tools were called with what result."""
    spans = [row.span for row in drawn.rows]
    found = [span for span in spans if span.kind in _FOUND_BY]
    tools = [span for span in spans if span.kind is SpanKind.TOOL or span.tool]
    guards = [span for span in spans if span.guardrail_triggered]
    said = [_retrieved(span) for span in found[:MOST]] or ["Nothing was retrieved."]
    said += [_called(span) for span in tools[:MOST]] or ["No tool was called."]
    said += [f"The guardrail {span.guardrail or span.name} was triggered." for span in guards]
    denied = [span for span in tools if span.permission not in (None, "", "allowed")]
    failed = [span for span in (*found, *tools) if span.status.value == "error"]
    return Evidence(said=tuple(said), suspect=bool(denied or failed or guards))


def of_logs(lines: Sequence[LogRecord], error: str = "") -> Evidence:
    """Return what the application logged, the worst lines first."""
    if error:
        return Evidence(said=(f"Its log lines could not be read: {error}",))
    if not lines:
        return Evidence(said=("No log line came with this trace id.",))
    bad = [line for line in lines if line.severity.upper().startswith(_BAD_LINES)]
    said = [f"{line.severity}: {line.body}" for line in bad[:MOST]]
    return Evidence(
        said=(*said, f"{len(lines)} log lines, {len(bad)} of them bad."), suspect=bool(bad)
    )


def of_alerts(items: Sequence[Item], error: str = "") -> Evidence:
    """Return which alerts the request falls into."""
    if error:
        return Evidence(said=(error,))
    said = [
        f"{item.rule.name} was {item.alert.state.value}: {item.summary}" for item in items[:MOST]
    ]
    if not said:
        said = ["No alert was open in its time and its part of the traffic."]
    return Evidence(said=tuple(said), suspect=bool(items))


def of_shares(found: Sequence[Share], *, which: str, selected: int, rest: int) -> Evidence:
    """Return what the bad traces have more often than the rest of that time.

    Args:
        found: The shares, the greatest difference first.
        which: What makes a trace bad here, in words.
        selected: How many traces are bad so.
        rest: How many are not.
    """
    if not selected or not rest:
        return Evidence(said=(f"There are too few to tell: {selected} {which}, {rest} others.",))
    said = [
        f"{share.field.replace('_', ' ')} {share.value or 'not told'}: "
        f"{numbers.number(share.selected_ratio, Unit.RATIO)} of the {selected} {which}, "
        f"{numbers.number(share.rest_ratio, Unit.RATIO)} of the {rest} others."
        for share in found[:MOST]
    ]
    nothing = f"No value is more frequent among the {selected} {which} than among {rest} others."
    return Evidence(said=tuple(said) or (nothing,), suspect=any(s.difference > 0.3 for s in found))


def worst_score(drawn: Waterfall) -> float | None:
    """Return the lowest evaluation of any span, in points; None without any."""
    scores = (row.span.eval_score for row in drawn.rows)
    return min((score for score in scores if score is not None), default=None)


def _scores(spans: Iterable[Span]) -> list[str]:
    told = [span for span in spans if span.eval_score is not None]
    told.sort(key=lambda span: span.eval_score or 0.0)
    return [f"{s.eval_name or s.name} gave it {s.eval_score:g} of 100 points." for s in told[:MOST]]


def _retrieved(span: Span) -> str:
    told = [
        f"{name} {value}"
        for name, value in sorted(span.attributes.items())
        if _RETRIEVED.search(name) and len(value) <= 200
    ]
    took = trace_facts.milliseconds(span.duration_ms)
    failed = ", and failed" if span.status.value == "error" else ""
    return f"{span.name} took {took}{failed}{': ' if told else ''}{'; '.join(told[:MOST])}."


def _called(span: Span) -> str:
    permission = f", {span.permission}" if span.permission else ""
    took = trace_facts.milliseconds(span.duration_ms)
    failed = f" and failed: {span.status_message}" if span.status.value == "error" else ""
    return f"Tool {span.tool or span.name}{permission}: took {took}{failed}."


def _count(tokens: int | None) -> str:
    return "an unknown number of" if tokens is None else numbers.number(tokens, Unit.COUNT)
