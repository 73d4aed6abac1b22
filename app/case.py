"""One request with all that is known about it, gathered for the seven steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.inbox import Item
from alerts.involved import Request
from app import cached_around, cached_case, cached_traces, case_evidence
from app.cached import Answer
from app.cached_case import Alike, Bad
from app.cached_traces import Drawing
from app.case_evidence import Evidence, Step
from signals.logs import LogRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was gathered.

    Attributes:
        request: None for a trace without a time; then nothing round it is known either.
    """

    trace_id: str
    drawing: Drawing
    source: str
    request: Request | None
    lines: Answer[tuple[LogRecord, ...]]
    alerts: Answer[tuple[Item, ...]]
    alike: Answer[Alike]

    @property
    def evidence(self) -> Mapping[Step, Evidence]:
        """Return what each step found."""
        drawn = self.drawing.waterfall
        return {
            Step.REQUEST: case_evidence.of_request(drawn),
            Step.TIME: case_evidence.of_time(drawn, self.drawing.hints),
            Step.PROMPT: case_evidence.of_prompt(drawn),
            Step.CONTEXT: case_evidence.of_context(drawn),
            Step.LOGS: case_evidence.of_logs(self.lines.data or (), self.lines.error),
            Step.AROUND: case_evidence.of_alerts(self.alerts.data or (), self.alerts.error),
            Step.SHARED: self._shared(),
        }

    def _shared(self) -> Evidence:
        found = self.alike.data
        if found is None:
            return Evidence(said=(self.alike.error or "The trace tells no time.",))
        return case_evidence.of_shares(
            found.shares, which=found.which, selected=found.selected, rest=found.rest
        )


def gather(trace_id: str) -> Case | None:
    """Return all that is known about a trace, or None when no store has it."""
    answer = cached_traces.drawing(trace_id)
    if answer.data is None:
        return None
    drawn = answer.data.waterfall
    request = cached_around.request_of(drawn)
    if request is None:
        return Case(
            trace_id=trace_id,
            drawing=answer.data,
            source=answer.source,
            request=None,
            lines=cached_traces.lines(trace_id),
            alerts=Answer(),
            alike=Answer(),
        )
    bad = Bad(
        failed=drawn.root.failed,
        score=case_evidence.worst_score(drawn),
        duration_ms=drawn.duration_ms,
    )
    return Case(
        trace_id=trace_id,
        drawing=answer.data,
        source=answer.source,
        request=request,
        lines=cached_traces.lines(trace_id, request.started_at, request.ended_at),
        alerts=cached_around.alerts(request),
        alike=cached_case.alike(bad, request.started_at),
    )
