"""A Plan: everything that happens in one request, with times relative to its start.

Live, a plan becomes SDK spans, metrics and log lines; in history, stored spans. Both read the same
plan, so they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from examples.copilot.people import Request

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something at one instant of a step: an exception, an evaluation."""

    name: str
    at_ms: float
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One span of the request.

    Attributes:
        parent: Index of the step it belongs to; None for the request itself.
        start_ms: After the start of the request.
        error: `error.type` if it failed, else empty.
        cost_usd: Its own cost, without its children's.
    """

    name: str
    parent: int | None
    start_ms: float
    duration_ms: float
    attributes: Mapping[str, Value]
    error: str = ""
    cost_usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    happenings: tuple[Happening, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One request from gateway to last token; `steps[0]` is the request itself.

    Attributes:
        outcome: success, error, timeout, rate_limited or user_rejected.
        stopped_by: The guardrail that stopped it, or empty.
        cache_hit: None when it never came to the cache.
        eval_score: In points, [0, 100]; None if this answer was not judged.
    """

    request: Request
    steps: tuple[Step, ...]
    outcome: str
    status_code: int
    answer: str
    stopped_by: str = ""
    cache_hit: bool | None = None
    eval_score: float | None = None

    @property
    def duration_ms(self) -> float:
        """Return how long the whole request takes."""
        return self.steps[0].duration_ms

    @property
    def cost_usd(self) -> float:
        """Return what the whole request costs."""
        return sum(step.cost_usd for step in self.steps)

    @property
    def input_tokens(self) -> int:
        """Return the prompt tokens of all steps."""
        return sum(step.input_tokens for step in self.steps)

    @property
    def output_tokens(self) -> int:
        """Return the completion tokens of all steps."""
        return sum(step.output_tokens for step in self.steps)


@dataclass(slots=True, kw_only=True)
class _Open:
    index: int
    name: str
    parent: int | None
    start_ms: float
    attributes: dict[str, Value]


@dataclass(slots=True)
class Draft:
    """A plan while it is made: one step after the other, each inside the one that is open."""

    request: Request
    now_ms: float = 0.0
    _steps: dict[int, Step] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _count: int = 0

    def open(self, name: str, **attributes: Value) -> None:
        """Begin a step that will hold those that follow, until `close`."""
        parent = self._open[-1].index if self._open else None
        self._open.append(
            _Open(
                index=self._count,
                name=name,
                parent=parent,
                start_ms=self.now_ms,
                attributes=_dotted(attributes),
            )
        )
        self._count += 1

    def note(self, **attributes: Value) -> None:
        """Add attributes to the open step."""
        self._open[-1].attributes.update(_dotted(attributes))

    def spend(self, duration_ms: float) -> None:
        """Let time pass in the open step."""
        self.now_ms += duration_ms

    def side_by_side(self, steps: Sequence[tuple[str, float, Mapping[str, Value]]]) -> None:
        """Add steps (name, milliseconds, attributes) that begin at once; go on when all ended."""
        begun_ms = self.now_ms
        ends = []
        for name, duration_ms, attributes in steps:
            self.now_ms = begun_ms
            self.open(name, **attributes)
            self.spend(duration_ms)
            ends.append(self.now_ms)
            self.close()
        self.now_ms = max(ends, default=begun_ms)

    def close(
        self,
        *,
        error: str = "",
        cost_usd: float = 0.0,
        tokens: tuple[int, int] = (0, 0),
        happenings: tuple[Happening, ...] = (),
    ) -> None:
        """End the open step now; `tokens` are input and output."""
        ended = self._open.pop()
        if error:
            ended.attributes["error.type"] = error
        self._steps[ended.index] = Step(
            name=ended.name,
            parent=ended.parent,
            start_ms=ended.start_ms,
            duration_ms=self.now_ms - ended.start_ms,
            attributes=shared(self.request) | ended.attributes,
            error=error,
            cost_usd=cost_usd,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            happenings=happenings,
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps that ended, in the order they began."""
        return tuple(self._steps[index] for index in sorted(self._steps))


def shared(request: Request) -> dict[str, Value]:
    """Return the dimensions that every span and log line of a request carries."""
    return {
        "feature": request.feature.name,
        "tenant.id": request.tenant,
        "session.id": request.session_id,
        "user.id": request.user_id,
        "request.id": request.request_id,
        "promptVersion": request.prompt.version,
    }


def _dotted(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Spell keyword arguments as attribute names: `gen_ai__tool__name` is `gen_ai.tool.name`."""
    return {key.replace("__", "."): value for key, value in attributes.items()}
