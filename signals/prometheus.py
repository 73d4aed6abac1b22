"""Prometheus, and whatever speaks its HTTP API: Mimir, Thanos, VictoriaMetrics.

The one file that knows prometheus_api_client. Its client throws away what an answer says besides
the result, so a response hook reads status, error and warnings first and makes them ours.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter

from signals import Query, QueryError, Reading, Series, SignalError, UnreachableError, examining
from signals.births import Births
from signals.discovery import Answerer, Discovery
from signals.naming import Names
from signals.packs import PACKS, Pack
from signals.prometheus_access import PrometheusAccess, headers_for
from signals.prometheus_cost import ALL_STATS, Cost, cost_of
from signals.prometheus_faults import (
    Inspection,
    fault_of_silence,
    malformed,
)
from signals.prometheus_road import Road
from signals.promql import (
    Asked,
    Item,
    MalformedError,
    is_long,
    largest,
    matrix_series,
    quote,
    ranges,
    selector,
    vector_reading,
)
from signals.recipes import Recipe
from signals.trust import Bucket, Trust

__all__ = ["Prometheus", "PrometheusAccess"]

POOL_SIZE = 16
CONNECT_TIMEOUT_SECONDS = 1.0
T = TypeVar("T")


class Prometheus:
    """A server that answers golden signals by the metric names that it has, and any PromQL.

    One object serves all threads. It never retries: the next evaluation does.

    Args:
        access: Where it is.
        name: How pages and errors call it.
        packs: The stacks whose names are looked for, the preferred first.
        own: Returns the user's own mappings by signal, which come before any pack.
    """

    def __init__(
        self,
        access: PrometheusAccess,
        *,
        name: str = "prometheus",
        packs: Sequence[Pack] = PACKS,
        own: Callable[[], Mapping[str, Answerer]] = dict,
    ) -> None:
        parts = urlsplit(access.url)
        place = parts.netloc.rpartition("@")[2]
        self._url = f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
        self._who = f"Prometheus at {place}"
        self._name = name
        self.names = Names(get=self._get, evaluate=self.evaluate)
        self.stacks = Discovery(self.names, packs, own)
        seconds = access.timeout.total_seconds()
        self._timeout = (min(CONNECT_TIMEOUT_SECONDS, seconds), seconds)
        # The server gives up when we do, instead of computing for nobody.
        self._patience = {"timeout": f"{max(1, round(seconds * 1000))}ms"}
        self._headers = headers_for(access, parts)
        self._births = Births(self._last_birth)
        self._inspect = Inspection(self._who, name)
        self._session = requests.Session()
        # Neither proxies nor credentials from the environment or ~/.netrc.
        self._session.trust_env = False
        self._session.verify = access.ca_cert or True
        self._session.hooks["response"].append(self._inspect)
        self._path = parts.path.rstrip("/")
        self._road = Road(
            self._url,
            self._headers,
            timeout=self._timeout,
            verify=self._session.verify,
            connections=POOL_SIZE,
        )
        self._client = PrometheusConnect(
            self._url,
            headers=self._headers,
            session=self._session,
            timeout=self._timeout,  # requests takes (connect, read)
        )
        # The client mounts an adapter of its own, with retries that sleep inside the call.
        self._session.mount(self._url, HTTPAdapter(pool_maxsize=POOL_SIZE, max_retries=0))

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        return self._name

    def answers(self, query: Query) -> bool:
        """Say whether a stack that is there has the signal with these labels.

        See `Source.answers`. While the server never told what it has, the first pack is taken to
        be there.
        """
        try:
            self._answerer(query)
        except QueryError:
            return False
        return True

    def asked(self, query: Query) -> tuple[Answerer, Asked]:
        """Return who answers `query`, and what is asked for it.

        Raises:
            QueryError: Nobody has the signal with these labels.
        """
        answerer = self._answerer(query)
        return answerer, answerer.ask(query, grown=True)

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`; see `Source.read`."""
        self.stacks.look(at=at)
        asked = self._asked(query, at)
        vector = self._query(asked.promql, at)
        return self._understood(
            lambda: vector_reading(vector, at=at, scope=dict(query.scope), renamed=asked.renamed)
        )

    def trust(self, query: Query, *, at: datetime) -> Trust:
        """Return how far the value of `query`, without its split, may be trusted; two questions.

        Raises:
            SignalError: As `read`.
        """
        self.stacks.look(at=at)
        return examining.trust(self, self._answerer(query), query, at=at)

    def buckets(self, query: Query, *, at: datetime) -> list[Bucket]:
        """Return the buckets of the histogram behind `query`; none where there is no histogram.

        Raises:
            SignalError: As `read`.
        """
        self.stacks.look(at=at)
        return examining.buckets(self, self._answerer(query), query, at=at)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values over time; see `Source.read_range`."""
        self.stacks.look(at=end)
        asked = self._answerer(query).ask(query)
        chunks = self._chunks(asked.promql, start=start, end=end, step=step)
        return self._understood(
            lambda: matrix_series(chunks, scope=dict(query.scope), renamed=asked.renamed)
        )

    def evaluate(self, expression: str, *, at: datetime) -> Reading:
        """Return the vector that PromQL yields at `at`; an infinity is a value.

        Raises:
            QueryError: It does not parse, fails, or yields something else than a vector.
            UnreachableError: The server did not answer.
        """
        vector = self._query(expression, at)
        return self._understood(lambda: vector_reading(vector, at=at, infinite=True))

    def evaluate_range(
        self, expression: str, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return PromQL over time; raises as `evaluate`."""
        chunks = self._chunks(expression, start=start, end=end, step=step)
        return self._understood(lambda: matrix_series(chunks))

    def cost(self, expression: str, *, at: datetime) -> Cost:
        """Return what evaluating PromQL at `at` yields and costs; raises as `evaluate`."""
        form = {"query": expression, **self._instant_of(at), **ALL_STATS}
        body = self._ask(lambda: self._posted("query", form))
        return self._understood(lambda: cost_of(body, at=at))

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest sample was scraped, or None if there is none within a day."""
        self.stacks.look(at=at)
        # An instant query sees five minutes back; older samples take a scan by the minute.
        for newest in ("max(timestamp({}))", "max(max_over_time(timestamp({})[1d:1m]))"):
            each = [newest.format(selector(beat)) for beat in self.stacks.heartbeats]
            samples = self.evaluate(largest(each), at=at).samples if each else ()
            if samples:
                return datetime.fromtimestamp(samples[0].value, tz=UTC)
        return None

    def dates(self, query: Query) -> bool:
        """Say whether `newest` is about what answers `query`: not about a user's own PromQL."""
        return isinstance(self._answerer(query), Recipe)

    def check(self) -> str:
        """Return one line that shows who answers, with its version.

        Raises:
            SignalError: It does not answer queries.
        """
        self._ask(lambda: self._client.custom_query("vector(1)", params=self._patience))
        try:
            data = self._get("status/buildinfo")
            version = data["version"]
        except (SignalError, KeyError, TypeError):
            return f"{self._who} answers queries; it does not tell its version"
        return f"{self._who} answers queries; version {version}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        self._road.close()

    def _answerer(self, query: Query) -> Answerer:
        labels = tuple(dict.fromkeys([*(name for name, _ in query.scope), *query.by]))
        return self.stacks.answerer(query.signal, labels)

    def _asked(self, query: Query, at: datetime) -> Asked:
        answerer = self._answerer(query)
        for_all, for_grown = (answerer.ask(query, grown=grown) for grown in (False, True))
        if for_all == for_grown or self._births.since(at - query.window, at=at):
            return for_all
        return for_grown

    def _last_birth(self, at: datetime) -> float | None:
        created = "|".join(self.stacks.created)
        samples = self.evaluate(f"max({{__name__=~{quote(created)}}})", at=at).samples
        return samples[0].value if samples else None

    def _query(self, expression: str, at: datetime) -> Sequence[Item]:
        params = self._instant_of(at)
        vector: Sequence[Item]
        if is_long(expression):
            vector = self._ask(lambda: self._post("query", {"query": expression, **params}))
        else:
            vector = self._ask(lambda: self._instant(expression, params))
        return vector

    def _instant_of(self, at: datetime) -> dict[str, str]:
        return {"time": f"{at.timestamp():.3f}", **self._patience}

    def _instant(self, expression: str, params: Mapping[str, str]) -> Any:
        asked = urlencode({"query": expression, **params})
        answer = self._road.get(f"{self._path}/api/v1/query?{asked}")
        if answer.is_redirect:
            answer.close()
            return self._client.custom_query(expression, params=params)
        self._inspect(answer)
        return json.loads(answer.content.decode(errors="replace"))["data"]["result"]

    def _chunks(
        self, expression: str, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Sequence[Item]]:
        parts = ranges(start, end, step)
        return [self._query_range(expression, *part, step) for part in parts]

    def _query_range(
        self, expression: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Item]:
        # Given as params, because the client rounds its own to whole seconds.
        params = {
            "start": f"{start.timestamp():.3f}",
            "end": f"{end.timestamp():.3f}",
            "step": f"{step.total_seconds():.3f}",
            **self._patience,
        }
        matrix: Sequence[Item]
        if is_long(expression):
            matrix = self._ask(lambda: self._post("query_range", {"query": expression, **params}))
        else:
            matrix = self._ask(
                lambda: self._client.custom_query_range(
                    expression, start, end, params["step"], params=params
                )
            )
        return matrix

    def _post(self, path: str, form: Mapping[str, str]) -> Any:
        return self._posted(path, form)["data"]["result"]

    def _posted(self, path: str, form: Mapping[str, str]) -> Any:
        # The client's own POST leaves the query in the URL.
        response = self._session.post(
            f"{self._url}/api/v1/{path}",
            data=form,
            headers=self._headers,
            timeout=self._timeout,
        )
        return response.json()

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self._ask(lambda: self._got(path, params or {}))

    def _got(self, path: str, params: Mapping[str, str]) -> Any:
        response = self._session.get(
            f"{self._url}/api/v1/{path}",
            params=params,
            headers=self._headers,
            timeout=self._timeout,
        )
        return response.json()["data"]

    def _ask(self, request: Callable[[], Any]) -> Any:
        """Return what `request` returns; every way it can fail becomes a SignalError."""
        try:
            return request()
        except (requests.exceptions.InvalidHeader, UnicodeError):
            # Without the cause, which quotes the header.
            raise UnreachableError(
                f"{self._who} cannot be asked: the bearer token or the tenant holds characters "
                "that no header may carry"
            ) from None
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise malformed(self._who) from error
        except (PrometheusApiClientException, OSError) as error:
            # Every exception of requests is an OSError.
            raise fault_of_silence(self._who, error, patience_seconds=self._timeout[1]) from error

    def _understood(self, parse: Callable[[], T]) -> T:
        try:
            return parse()
        except MalformedError as error:
            raise malformed(self._who) from error
