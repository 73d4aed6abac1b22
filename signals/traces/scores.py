"""Scores and annotations that a store keeps beside its spans -> our spans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from signals.attribute_values import VERDICTS, Value, as_points, text
from signals.traces import Span
from signals.traces.summaries import root_of

MAX_SCORES = 1_000  # of one trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judgement of a span or of a whole trace.

    Attributes:
        value: A number, a bool or a word.
        label: A word beside the number; empty without one.
        span_id: None for the whole trace.
    """

    name: str
    value: Value
    label: str = ""
    comment: str = ""
    span_id: str | None = None


def scored(spans: Sequence[Span], scores: Iterable[Score]) -> list[Span]:
    """Return `spans` with their scores: the first in the fields of eval, all in the attributes.

    A score of the whole trace, or of a span that is not there, goes to the root.
    """
    if not spans:
        return []
    root = root_of(spans).span_id
    known = {span.span_id for span in spans}
    found: dict[str, list[Score]] = {}
    for score in scores:
        place = score.span_id if score.span_id in known and score.span_id else root
        found.setdefault(place, []).append(score)
    return [_with(span, found[span.span_id]) if span.span_id in found else span for span in spans]


def _with(span: Span, scores: Sequence[Score]) -> Span:
    told = {f"score.{score.name}": _words(score) for score in scores}
    span = replace(span, attributes={**span.attributes, **told})
    for score in scores:
        points = points_of(score)
        if span.eval_score is None and points is not None:
            return replace(span, eval_name=text(score.name), eval_score=points)
    return span


def points_of(score: Score) -> float | None:
    """Return a score in points, [0, 100]; None if it is none."""
    if isinstance(score.value, bool):
        return 100.0 if score.value else 0.0
    if isinstance(score.value, int | float):
        return as_points(score.value)
    return VERDICTS.get(str(score.label or score.value).lower())


def _words(score: Score) -> str:
    value = "" if score.value is None else text(score.value)
    return " ".join(word for word in (value, text(score.label), text(score.comment)) if word)
