"""LangSmith by its v2 queries, or v1 where the deployment says that only those work.

The key is the address's password; `?project=` names the tracing project. A list is of root runs,
whose tokens and cost are sums over their trace. What other runs say is known once a trace is
opened, but for one condition on any run of it, `tree_filter`, by which a list can be narrowed;
feedback is none, for its filter wants a key beside the score. v2 looks back one day unless told
otherwise, and answers ids only unless asked for more.

Source: `langsmith` 0.15.1 (PyPI), types/run_query_v2_params.py, types/run.py,
_internal/_v2_migration_utils.py; https://docs.langchain.com/langsmith/trace-query-syntax
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from models.clock import Clock, utc_now
from signals import UnreachableError
from signals.address import Address
from signals.traces import FILTERS, Abilities, Span, Trace, TraceQuery, TraceSummary
from signals.traces.bounds import MAX_SPANS, check, check_values
from signals.traces.ids import as_uuid
from signals.traces.langsmith_filters import UNTOLD, equals, faster, joined, slower, tells
from signals.traces.langsmith_runs import SELECTS_V1, SELECTS_V2, scores_of, spans
from signals.traces.scanning import scan
from signals.traces.scores import scored
from signals.traces.told import assembled
from signals.wire import PATIENCE, Terms, Wire

PAGE_V1, PAGE_V2 = 100, 1_000  # the most that each gives at once
ROOTS_PER_PAGE = 100
_RUNS = Terms(bucket="runs")
_ABSENT = Terms(answers=frozenset({404, 405, 501}), bucket="runs")
_UNLISTED = {"span_count", "error_count", "model", "provider", "tools", "worst_score"}
ABILITIES = Abilities(
    filters=frozenset(FILTERS) - {"model"},
    narrows=frozenset({"max_duration_ms", "attributes"}),
    untold=UNTOLD,
    most_attributes=1,
    listed=frozenset(TraceSummary.__dataclass_fields__) - _UNLISTED,
    lag=timedelta(seconds=30),
    notes=(
        "LangSmith lists root runs: the model and the number of spans show once a trace is opened.",
        "LangSmith is asked for no golden signals: connect Prometheus for those.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """A tracing project: its id, and the workspace's for links."""

    id: str
    tenant: str
    name: str
    is_v2: bool


class LangSmith:
    """`TraceStore` on one tracing project."""

    abilities = ABILITIES

    def __init__(
        self, address: Address, *, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self.name = address.name
        self._address = address
        self._clock = clock
        headers = {"X-Api-Key": address.password} if address.password else {}
        plain = replace(address, username="", password="")
        self._wire = Wire("LangSmith", plain, headers=headers, patience=patience, clock=clock)
        self._lookback = address.days(30)
        self._found: _Project | None = None
        self._lock = Lock()

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace with its feedback, or None if it is not held; see `TraceStore`."""
        project, now = self._project(), self._clock()
        start, end = now - self._lookback, now + timedelta(hours=1)
        rows: list[Mapping[str, Any]] = []
        for page in self._runs(_of_trace(project, trace_id, start, end), light=False):
            rows += page
            if len(rows) > MAX_SPANS:
                break
        told = spans(rows, service=project.name, summed=not project.is_v2)
        found = assembled(trace_id, told)
        if found is None:
            return None
        shown = scored(found.spans, [score for row in rows for score in scores_of(row)])
        return Trace(trace_id=trace_id, spans=tuple(shown), cut=found.cut)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match, the newest first; see `TraceStore`."""
        check(query, self.abilities, self._wire.who)
        # Which run tells the attribute is not listed: that LangSmith alone can compare.
        roots = replace(query, attributes=())
        lines = scan(self._pages(query), roots, who=self._wire.who)
        return [
            replace(line, span_count=None, error_count=None, model=None, provider=None, tools=())
            for line in lines
        ]

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Refuse: no values are listed; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._wire.who)
        return []

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace on LangSmith's own pages, once the project is known."""
        project = self._found
        default = ""
        if project is not None and self._address.place == "api.smith.langchain.com":
            default = (
                f"https://smith.langchain.com/o/{project.tenant}/projects/p/{project.id}"
                f"/r/{as_uuid(trace_id)}?poll=true"
            )
        return self._address.web_url(trace_id, default)

    def check(self) -> str:
        """Return who answers, with the project; see `TraceStore`."""
        project = self._project()
        way = "v2" if project.is_v2 else "v1"
        return f"{self._wire.who} answers; project {project.name}, read by {way}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _project(self) -> _Project:
        """Return the project and how it is read; asked once."""
        with self._lock:
            if self._found is None:
                self._found = self._asked_project()
            return self._found

    def _asked_project(self) -> _Project:
        name = self._address.params.get("project", "default")
        reply = self._wire.get("/api/v1/sessions", {"name": name, "limit": 1})
        rows = reply.data if isinstance(reply.data, list) else []
        if not rows:
            raise UnreachableError(
                f"{self._wire.who} has no project of that name: set ?project= of its address"
            )
        info = self._wire.get("/api/v1/info", terms=_ABSENT).data
        flags = (info.get("instance_flags") or {}) if isinstance(info, dict) else {}
        try:
            return _Project(
                id=str(rows[0]["id"]),
                tenant=str(rows[0].get("tenant_id", "")),
                name=str(rows[0].get("name", name)),
                # Where both work, v2 is what stays.
                is_v2=bool(flags.get("sdb_query_enabled", False)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise self._wire.malformed() from error

    def _pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of root runs, the newest first, narrowed as far as LangSmith can."""
        project = self._project()
        body = {"is_root": True, **_between(project, query.start, query.end)}
        if query.errors_only:
            body["has_error" if project.is_v2 else "error"] = True
        conditions = [equals(name, value) for name, value in query.scope.items() if value]
        if query.min_duration_ms is not None:
            conditions.append(slower(query.min_duration_ms, is_v2=project.is_v2))
        if query.max_duration_ms is not None:
            conditions.append(faster(query.max_duration_ms, is_v2=project.is_v2))
        conditions = [each for each in conditions if each]
        if conditions:
            body["filter"] = joined("and", conditions)
        for name, value in query.attributes:
            body["tree_filter"] = tells(name, value)
        if project.is_v2:
            body["include_subtree_usage"] = True
        for page in self._runs(body, light=True, size=ROOTS_PER_PAGE):
            yield [[span] for span in spans(page, service=project.name)]

    def _runs(
        self, body: Mapping[str, Any], *, light: bool, size: int | None = None
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield pages of runs; `light` leaves out what went in and came out."""
        project = self._project()
        left_out = {"inputs", "outputs"} if light else set[str]()
        if project.is_v2:
            path, rows, page = "/api/v2/runs/query", "items", {"page_size": size or PAGE_V2}
            selects = {"selects": [s for s in SELECTS_V2 if s.lower() not in left_out]}
        else:
            path, rows, page = "/api/v1/runs/query", "runs", {"limit": size or PAGE_V1}
            selects = {"select": [s for s in SELECTS_V1 if s not in left_out]}
        cursor = None
        while True:
            asked = {**body, **selects, **page}
            reply = self._wire.post(path, {**asked, "cursor": cursor} if cursor else asked, _RUNS)
            try:
                found = [row for row in reply.data[rows] if isinstance(row, dict)]
                following = (
                    reply.data.get("next_cursor")
                    if project.is_v2
                    else (reply.data.get("cursors") or {}).get("next")
                )
            except (KeyError, TypeError, AttributeError) as error:
                raise self._wire.malformed() from error
            yield found
            if not following or following == cursor:
                return
            cursor = following


def _of_trace(project: _Project, trace_id: str, start: datetime, end: datetime) -> dict[str, Any]:
    key = "trace_id" if project.is_v2 else "trace"
    return {key: as_uuid(trace_id), **_between(project, start, end)}


def _between(project: _Project, start: datetime, end: datetime) -> dict[str, Any]:
    if project.is_v2:
        return {
            "project_ids": [project.id],
            "min_start_time": _iso(start),
            "max_start_time": _iso(end),
        }
    return {"session": [project.id], "start_time": _iso(start), "end_time": _iso(end)}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
