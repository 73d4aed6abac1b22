"""What to look at first: where the time and the money of one trace went, in sentences. Pure.

Time here is time waited (the critical path), so the shares of all spans add up to the whole
even where spans run side by side.

Source: the seeds' waterfall, "LLM call: 78% time, 99% cost", and what they say to do about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.waterfall.layout import Row, Waterfall
from models.vocabulary import SpanKind

# A part below this share of both is no place to start.
WORTH_SAYING = 0.05
MOST = 5

_ADVICE = {
    SpanKind.LLM: "Cache answers, route easy requests to a smaller model, shorten the prompt.",
    SpanKind.EMBEDDING: "Cache embeddings of repeated queries, embed in batches.",
    SpanKind.RETRIEVAL: "Cache chunks, fetch fewer of them, check the index.",
    SpanKind.RERANK: "Rerank fewer candidates, or with a smaller model.",
    SpanKind.TOOL: "Call independent tools side by side, cache results, bound them in time.",
    SpanKind.GUARDRAIL: "Run guardrails beside the call, or with a smaller classifier.",
    SpanKind.EVALUATOR: "Evaluate after the answer was sent, or a sample only.",
}
_OWN_TIME = "Time in no child span: a span around what it does there would say more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One part of a trace: all spans of one kind and name.

    Attributes:
        key: Row of the one that was waited for longest.
        count: How many spans there are.
        time_share: Time waited for them, in the trace's, [0, 1].
        cost_share: In the trace's cost, [0, 1]; None when none has a part in it.
        advice: What is usually done about it.
    """

    key: str
    name: str
    count: int
    time_share: float
    cost_share: float | None
    advice: str

    @property
    def sentence(self) -> str:
        """Return the shares in words, such as `LLM call: 78 % of the time, 99 % of the cost`."""
        number = f" ({self.count:,} spans)" if self.count > 1 else ""
        parts = [f"{_percent(self.time_share)} of the time"]
        if self.cost_share is not None:
            parts.append(f"{_percent(self.cost_share)} of the cost")
        return f"{self.name}{number}: {', '.join(parts)}"


def hints(drawn: Waterfall) -> list[Hint]:
    """Return the parts of `drawn` that matter, by their larger share, at most `MOST`.

    None for a trace that was cut: what is missing would be blamed on its parents.
    """
    if drawn.note:
        return []
    groups: dict[tuple[SpanKind, str], list[Row]] = {}
    for row in drawn.rows:
        groups.setdefault((row.span.kind, row.span.name), []).append(row)
    made = [_hint(rows, drawn.duration_ms) for rows in groups.values()]
    made.sort(key=_weight, reverse=True)
    return [hint for hint in made if _weight(hint) >= WORTH_SAYING][:MOST]


def _hint(rows: Sequence[Row], duration_ms: float) -> Hint:
    longest = max(rows, key=lambda row: row.critical_ms)
    shares = [row.cost_share for row in rows if row.cost_share is not None]
    waited = sum(row.critical_ms for row in rows)
    return Hint(
        key=longest.key,
        name=longest.span.name,
        count=len(rows),
        time_share=waited / duration_ms if duration_ms > 0 else 0.0,
        cost_share=sum(shares) if shares else None,
        advice=_ADVICE.get(longest.span.kind, _OWN_TIME),
    )


def _weight(hint: Hint) -> float:
    return max(hint.time_share, hint.cost_share or 0.0)


def _percent(ratio: float) -> str:
    return "under 1 %" if 0 < ratio < 0.01 else f"{ratio * 100:.0f} %"
