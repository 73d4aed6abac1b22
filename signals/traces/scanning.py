"""Lists from stores that cannot narrow as far as asked: looking through a bounded number of traces.

Some labels are known only once a request's spans are put together. Such a store is asked for
traces page by page in the order wanted, and what does not match is left out here. A list that
would be short only because the looking stopped is refused, not shown as if there were no more.
"""

from collections.abc import Iterable, Sequence

from signals import QueryError
from signals.traces import Span, TraceQuery, TraceSummary
from signals.traces.bounds import limit
from signals.traces.summaries import matches, ordered, summary_of

MAX_SCANNED = 2_000


def scan(
    pages: Iterable[Sequence[Sequence[Span]]], query: TraceQuery, *, who: str
) -> list[TraceSummary]:
    """Return the lines of the first traces that match.

    Args:
        pages: Pages of traces, each its spans, in the order asked for; drawn as long as needed.
        query: What to look for.
        who: The store, as the refusal names it.

    Raises:
        QueryError: `MAX_SCANNED` traces were looked through, there are more, and too few match.
    """
    most = limit(query)
    found: list[TraceSummary] = []
    scanned = 0
    for page in pages:
        if scanned >= MAX_SCANNED:
            raise QueryError(
                f"{who} has more than {MAX_SCANNED:,} traces in this time, of which only "
                f"{len(found)} of the first match: choose a shorter time or fewer filters"
            )
        scanned += len(page)
        found += [summary_of(spans) for spans in page if spans and matches(spans, query)]
        if len(found) >= most:
            break
    return ordered(found, query.order)[:most]
