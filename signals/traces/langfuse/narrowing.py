"""Which traces some observation of which says something, or was scored so, by their ids.

Langfuse compares attributes of single observations, and keeps scores beside them: a list that is
narrowed so takes two steps. First the ids, a bounded number of them; then their roots.

Source: langfuse/langfuse, fern/apis/server/definition/observations.yml, and
packages/shared/src/server/otel/utils.ts (flattenJsonToPathArrays: a path of names joined by dots);
`langfuse` 5.0.4 (PyPI), api/scores/client.py (`get_many`); read 2026-11
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from signals import QueryError
from signals.traces import TraceQuery
from signals.traces.langfuse.filters import Condition, iso, metadata
from signals.traces.langfuse.rows import score_of
from signals.traces.narrowing import FIELDS, score_ranges, verdicts
from signals.traces.scores import points_of
from signals.wire import ABSENT, Wire

MOST_OBSERVATIONS: Final = 1_000  # that say so, and are read
MOST_SCORES: Final = 1_000
MOST_TRACES: Final = 1_000
PAGE: Final = 100  # of scores; more is refused

Rows = Callable[[Sequence[Condition]], list[Mapping[str, Any]] | None]


def told(name: str, value: str, ask: Rows) -> set[str] | None:
    """Return the traces that tell `name`; None where there are too many, or it cannot be asked.

    Args:
        name: Whatever the application called it.
        value: As text.
        ask: Returns the observations that meet a condition, one more than are read if there are.
    """
    if name in FIELDS:
        return None
    # What came by OpenTelemetry, what a resource said, and what Langfuse's own SDKs were given.
    paths = [f"attributes.{name}", f"resourceAttributes.{name}"]
    if name.startswith("metadata."):
        paths.append(name.removeprefix("metadata."))
    found: set[str] = set()
    for path in paths:
        rows = ask([metadata(path, value)])
        if rows is None or len(rows) > MOST_OBSERVATIONS:
            return None
        found |= {str(row.get("traceId")) for row in rows}
    return found


def scored(query: TraceQuery, most_points: float, wire: Wire) -> set[str]:
    """Return the traces that were scored at most so, since the time asked for began.

    Raises:
        QueryError: There are too many scores, or the server keeps them to itself.
    """
    found: set[str] = set()
    for asked in _questions(most_points):
        for row in _scores({**asked, "fromTimestamp": iso(query.start)}, wire):
            points = points_of(score_of(row))
            subject = row.get("subject") or {}
            trace = subject.get("traceId") or (
                subject.get("id") if subject.get("kind") == "trace" else None
            )
            if trace and points is not None and points <= most_points:
                found.add(str(trace))
    return found


def _questions(most_points: float) -> Iterator[dict[str, object]]:
    """Yield what to ask for: each type of score has its own rules of comparison."""
    for least, most in score_ranges(most_points):
        yield {"dataType": "NUMERIC", "valueMin": least, "valueMax": most}
    words = verdicts(most_points)
    if words:
        yield {"dataType": "BOOLEAN", "value": "false"}
        spelled = [each for word in words for each in (word, word.capitalize(), word.upper())]
        yield {"dataType": "CATEGORICAL", "value": ",".join(spelled)}
    if len(words) > len(verdicts(0)):
        yield {"dataType": "BOOLEAN", "value": "true"}


def _scores(asked: Mapping[str, object], wire: Wire) -> Iterator[Mapping[str, Any]]:
    cursor, seen = None, 0
    while True:
        params = {**asked, "fields": "subject", "limit": PAGE, "cursor": cursor}
        reply = wire.get("/api/public/v3/scores", params, ABSENT)
        if reply.status == 404:
            raise QueryError(f"{wire.who} cannot filter traces by their score: it has no v3 scores")
        try:
            rows = [row for row in reply.data["data"] if isinstance(row, dict)]
            cursor = (reply.data.get("meta") or {}).get("cursor")
        except (KeyError, TypeError, AttributeError) as error:
            raise wire.malformed() from error
        yield from rows
        seen += len(rows)
        if not cursor:
            return
        if seen >= MOST_SCORES:
            raise QueryError(
                f"{wire.who} has more than {MOST_SCORES:,} such scores since this time began: "
                "choose a shorter time"
            )
