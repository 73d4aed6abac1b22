"""What both PagerDuty APIs need on the wire: one attempt, no sleeping, one kind of error.

The vendor's client repeats and sleeps inside the call, on 429 without end, and takes https only.

Source: https://developer.pagerduty.com/docs/rest-api-rate-limits, the client's `ApiClient.request`
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import httpx2
import pagerduty

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import on_loopback, permanent, plain, retry_after

Record = dict[str, Any]
_Client = TypeVar("_Client", bound=pagerduty.ApiClient)

TIMEOUT_SECONDS = 10.0
PAGE = 100
OFFSET_LIMIT = 10_000  # PagerDuty refuses offset + limit beyond it
CONNECT_SECONDS = 5.0  # with three calls, the longest send still ends within the outbox's lease

# Deliveries are minutes apart: a kept connection would be dead by the next one.
_NO_IDLE = httpx2.Limits(max_keepalive_connections=0)


class _RefusedError(Exception):
    """The vendor answered with anything but success; raised before its client can repeat."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Plain(httpx2.BaseTransport):
    """Plain http to a stand-in on loopback, for a client that insists on https."""

    def __init__(self) -> None:
        self._http = httpx2.HTTPTransport(limits=_NO_IDLE, trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        plain_request = httpx2.Request(
            request.method,
            request.url.copy_with(scheme="http"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._http.handle_request(plain_request)

    def close(self) -> None:
        self._http.close()


def client_options(url: str) -> dict[str, Any]:
    """Return the arguments that make a client of the `pagerduty` package ask at `url`."""
    options: dict[str, Any] = {
        "base_url": url.rstrip("/"),
        "event_hooks": {"response": [_refuse]},
    }
    if on_loopback(url):
        secure = httpx2.URL(url.rstrip("/")).copy_with(scheme="https")
        return options | {"base_url": str(secure), "transport": _Plain()}
    return options | {"limits": _NO_IDLE}


def tame(client: _Client, timeout_seconds: float) -> _Client:
    """Return `client`, made to try once; refusals never reach its own repeating: see `_refuse`."""
    patience = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS))
    client.timeout = cast(int, patience)  # handed to httpx2 as it is
    client.max_network_attempts = 0
    client.sleep_timer = 0
    return client


@contextmanager
def asking(what: str, *secrets: str) -> Iterator[None]:
    """Turn every failure of a call into a NotifyError that says `what` was asked."""
    try:
        yield
    except _RefusedError as refused:
        raise _refusal(what, refused.response, secrets) from refused
    except pagerduty.HttpError as error:
        raise NotifyError(
            f"PagerDuty answered {what} with something other than its API would", uncertain=True
        ) from error
    except UnicodeError as error:
        raise NotifyError(
            f"PagerDuty cannot be asked {what}: its token or e-mail address is not plain ASCII",
            permanent=True,
        ) from error
    except (pagerduty.Error, httpx2.HTTPError) as error:
        cause = error.__cause__ if isinstance(error, pagerduty.Error) else error
        said = plain(cause or "", *secrets) or type(cause).__name__
        raise NotifyError(
            f"PagerDuty did not answer {what}: {said}",
            uncertain=not isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout),
        ) from error


class RestApi:
    """PagerDuty's REST API, asked with one token."""

    def __init__(self, token: str, sender: str, url: str, timeout_seconds: float) -> None:
        self._token = token
        options = client_options(url)
        client = pagerduty.RestApiV2Client(token, default_from=sender or None, **options)
        self._client = tame(client, timeout_seconds)

    def get(self, path: str, asked: Record, what: str) -> Record:
        """Return what `path` answers to `asked`; `what` names the question in an error."""
        with asking(what, self._token):
            return _record(self._client.get(path, params=asked), what)

    def put(self, path: str, body: Record, what: str) -> Record:
        """Return what `path` answers to a change."""
        with asking(what, self._token):
            return _record(self._client.put(path, json=body), what)

    def every(self, collection: str, asked: Record, what: str) -> list[Record]:
        """Return all pages of `collection` that match what is `asked`."""
        found: list[Record] = []
        for offset in range(0, OFFSET_LIMIT, PAGE):
            records, more = self.page(collection, asked, what, offset=offset)
            found.extend(records)
            if not more:
                break
        return found

    def page(
        self, collection: str, asked: Record, what: str, *, offset: int
    ) -> tuple[list[Record], bool]:
        """Return the records of `collection` from `offset` on, and whether more follow."""
        page = self.get(f"/{collection}", asked | {"limit": PAGE, "offset": offset}, what)
        records = page.get(collection)
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise NotifyError(f"PagerDuty's answer to {what} lacks {collection}")
        return records, bool(page.get("more"))


def _refuse(response: httpx2.Response) -> None:
    if not response.is_success:
        response.read()
        raise _RefusedError(response)


def _refusal(what: str, response: httpx2.Response, secrets: tuple[str, ...]) -> NotifyError:
    status = response.status_code
    wait = retry_after(response.headers)
    if status == 429:
        said = "" if wait is None else f" for {wait.total_seconds():.0f} s"
        return NotifyError(f"PagerDuty limits {what}{said}", retry_after=wait)
    if status >= 500:
        return NotifyError(
            f"PagerDuty answered HTTP {status} to {what}", uncertain=True, retry_after=wait
        )
    told = plain(_words(response), *secrets)
    sentence = f"PagerDuty refused {what}: HTTP {status}{f', {told}' if told else ''}"
    if status == 401:
        sentence += "; set a valid WAKEFUL_PAGERDUTY_API_TOKEN"
    return NotifyError(sentence, permanent=permanent(status))


def _words(response: httpx2.Response) -> str:
    """Return what a refusal says for people: `message` and `errors`, under `error` in REST."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    told = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return ""
    errors = told.get("errors")
    reasons = [str(reason) for reason in errors] if isinstance(errors, list) else []
    return ": ".join(filter(None, [str(told.get("message") or ""), ", ".join(reasons)]))


def _record(response: Any, what: str) -> Record:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise NotifyError(f"what answered {what} is not PagerDuty's REST API", uncertain=True)
    return body
