"""What retrieval did for one request, read from its spans: the RAG facts of the seeds. Pure.

    rewrite -> embed -> search -> chunks returned -> chunks injected -> answer -> citations

The attributes are in the part `_retrieval` of `attribute_aliases.json`. Where an application does
not say which documents it cited, those count whose id stands in its answer.

Source: "Observability in Production", on RAG-specific observability.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from models.vocabulary import CostSource, SpanKind
from signals.attribute_values import as_count, as_truth
from signals.cut_json import mended
from signals.traces import Span
from signals.traces.costs import weakest

MAX_IDS = 100
SHORTEST_ID = 3  # a shorter one stands in any answer by chance
_KEYS: Mapping[str, Sequence[str]] = json.loads(
    files("signals").joinpath("attribute_aliases.json").read_text(encoding="utf-8")
)["_retrieval"]
_DOCUMENT = re.compile(r"retrieval\.documents\.(\d+)\.document\.(?:id|content)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What retrieval did. None means that no span says.

    Attributes:
        question, rewritten: What was asked, and what was searched for instead.
        filters: That the search was narrowed by.
        searches: Retrievals that are not part of another.
        returned: Chunks that these found, all together, before any was dropped.
        injected: The most chunks that stood in one prompt.
        retrieved: Ids of the documents, in order, each once, at most `MAX_IDS`.
        cited: Ids that the answer refers to.
        citations_told: The application said which; otherwise they were found in its answer.
        embeds: Calls of an embedding model; `embed_ms` and `embed_usd` are of all of them.
        low_confidence: The best chunk was not good enough, by the application's own threshold.
        fallback: What was done then.
    """

    question: str | None
    rewritten: str | None
    filters: str | None
    searches: int
    search_ms: float
    returned: int | None
    injected: int | None
    retrieved: tuple[str, ...]
    cited: tuple[str, ...]
    citations_told: bool
    embeds: int
    embed_ms: float
    embed_usd: float | None
    embed_source: CostSource
    low_confidence: bool | None
    fallback: str | None

    @property
    def unfounded(self) -> tuple[str, ...]:
        """Return the ids that were cited without having been retrieved."""
        return tuple(one for one in self.cited if one not in self.retrieved)


def retrieval_of(spans: Sequence[Span]) -> Retrieval | None:
    """Return what retrieval did in `spans`, all of one trace; None if there was none."""
    found = _outermost(spans)
    if not found:
        return None
    searches = list(found.values())
    embeds = [span for span in spans if span.kind is SpanKind.EMBEDDING]
    costs = [span.cost_usd for span in embeds if span.cost_usd is not None]
    retrieved = _ids(spans)
    told = _first(spans, "cited")
    low = _first(spans, "low_confidence")
    return Retrieval(
        question=_first(spans, "question"),
        rewritten=_first(spans, "rewritten"),
        filters=_first(spans, "filters"),
        searches=len(searches),
        search_ms=sum(inside[0].duration_ms for inside in searches),
        returned=_sum([_most(inside) for inside in searches]),
        injected=max(_known(_count(span, "injected") for span in spans), default=None),
        retrieved=retrieved,
        cited=_listed(told) if told is not None else _mentioned(retrieved, _answer(spans)),
        citations_told=told is not None,
        embeds=len(embeds),
        embed_ms=sum(span.duration_ms for span in embeds),
        embed_usd=sum(costs) if costs else None,
        embed_source=weakest(span.cost_source for span in embeds),
        low_confidence=None if low is None else as_truth(low),
        fallback=_first(spans, "fallback"),
    )


def _outermost(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """Return the retrievals by the id of the outermost one, which comes first."""
    by_id = {span.span_id: span for span in spans}
    found: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.started_at, -span.duration_ms)):
        if span.kind is not SpanKind.RETRIEVAL:
            continue
        outer, above, seen = span, span, {span.span_id}
        while above.parent_id in by_id and above.parent_id not in seen:
            above = by_id[above.parent_id]
            seen.add(above.span_id)
            if above.kind is SpanKind.RETRIEVAL:
                outer = above
        found.setdefault(outer.span_id, [outer])
        if span is not outer:
            found[outer.span_id].append(span)
    return found


def _said(span: Span, what: str) -> str | None:
    return next((said for key in _KEYS[what] if (said := span.attributes.get(key))), None)


def _first(spans: Iterable[Span], what: str) -> str | None:
    return next((said for span in spans if (said := _said(span, what)) is not None), None)


def _count(span: Span, what: str) -> int | None:
    return as_count(_said(span, what))


def _most(inside: Sequence[Span]) -> int | None:
    counts = []
    for span in inside:
        numbered = {found[1] for key in span.attributes if (found := _DOCUMENT.fullmatch(key))}
        told = _count(span, "returned")
        counts.append(told if told is not None else len(numbered) or len(_ids([span])) or None)
    return max(_known(counts), default=None)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = _known(counts)
    return sum(known) if known else None


def _known(counts: Iterable[int | None]) -> list[int]:
    return [count for count in counts if count is not None]


def _ids(spans: Sequence[Span]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for span in spans:
        told = _said(span, "retrieved") or _said(span, "documents")
        found |= dict.fromkeys(_listed(told) if told else ())
        numbered = [
            (int(match[1]), value)
            for key, value in span.attributes.items()
            if key.endswith(".id") and (match := _DOCUMENT.fullmatch(key)) and len(match[1]) < 5
        ]
        found |= dict.fromkeys(value for _, value in sorted(numbered))
    return tuple(found)[:MAX_IDS]


def _listed(told: str) -> tuple[str, ...]:
    """Return the ids of a list in JSON, of texts or of objects with an id; or between commas."""
    items: Any = None
    for mend in (str, mended):
        try:
            items = json.loads(mend(told))
            break
        except (ValueError, RecursionError):
            continue
    if not isinstance(items, list):
        items = told.strip("[] ").split(",")
    ids = (one.get("id") if isinstance(one, Mapping) else one for one in items)
    shown = (str(one).strip().strip("\"'") for one in ids if one is not None)
    return tuple(dict.fromkeys(one for one in shown if one))[:MAX_IDS]


def _answer(spans: Sequence[Span]) -> str:
    """Return what the request answered: as its root says, or else its last model call."""
    roots = [span.output_text for span in spans if span.parent_id is None and span.output_text]
    calls = [span.output_text for span in spans if span.kind is SpanKind.LLM and span.output_text]
    return (roots[:1] or calls[-1:] or [""])[0]


def _mentioned(ids: Iterable[str], answer: str) -> tuple[str, ...]:
    return tuple(
        one
        for one in ids
        if len(one) >= SHORTEST_ID and re.search(rf"(?<!\w){re.escape(one)}(?!\w)", answer)
    )
