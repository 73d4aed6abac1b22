"""Asking a vendor's HTTP API: bounded in time and size, one attempt, and every failure a sentence.

It never sleeps: a vendor that asks to wait is not asked again
before (see `Wire._heed`), and whoever asks meanwhile is told until when.

Answers are JSON. One that is larger than it may be is refused, or cut after its last whole item
where a part is of use, as of a trace of 200,000 spans. Bytes that are no UTF-8, and halves of
surrogate pairs, become replacement characters, so that no page stumbles over them later.
"""

import json
import logging
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

import httpx2

from models.clock import Clock, utc_now
from signals import QueryError, SignalError, UnreachableError, redact
from signals.address import Address, AddressError
from signals.cut_json import mended
from signals.wire_words import LONGEST_WAIT, asked_wait, trouble, words_of

logger = logging.getLogger(__name__)

MB = 1024 * 1024
LARGEST = 32 * MB
PATIENCE = timedelta(seconds=10)
CONNECT_SECONDS = 2.0
DEFAULT_WAIT = timedelta(seconds=30)  # after a 429 that does not say
REFUSALS = frozenset({400, 413, 414, 416, 422})  # the question is bad: asking again cannot help
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u....)\\u[dD][c-fC-F]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a vendor answered.

    Attributes:
        data: The JSON.
        headers: Their names in lower case.
        status: 2xx, or one of those that the caller takes as an answer.
        cut: The answer was larger; these are its first items.
    """

    data: Any
    headers: Mapping[str, str]
    status: int
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one question takes for an answer.

    Attributes:
        answers: Statuses beside 2xx that are an answer, such as 404 for a trace that is not there;
            `Reply.data` is None then if the body is no JSON.
        largest: How many bytes an answer may have, unpacked.
        cut: Take the first part of a larger answer, instead of refusing it.
        bucket: What the vendor counts together when it limits calls.
    """

    answers: frozenset[int] = frozenset()
    largest: int = LARGEST
    cut: bool = False
    bucket: str = ""


PLAIN = Terms()
ABSENT = Terms(answers=frozenset({404}))


class Wire:
    """One vendor's API, for any number of threads.

    Args:
        who: The vendor's name, as errors say it.
        address: Where it is; its user and password are sent as basic authentication, unless
            `headers` has an Authorization.
        headers: Sent with every request.
        patience: How long one call may take in all, however slowly the answer drips.
        clock: For how long a vendor asks to be left alone is a matter of time.
    """

    def __init__(
        self,
        who: str,
        address: Address,
        *,
        headers: Mapping[str, str] | None = None,
        patience: timedelta = PATIENCE,
        clock: Clock = utc_now,
    ) -> None:
        self.who = f"{who} at {address.place}"
        self.patience = patience
        self._url = address.url
        self._clock = clock
        self._waits: dict[str, datetime] = {}
        self._lock = Lock()
        sent = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        if "Authorization" not in sent and (address.username or address.password):
            pair = f"{address.username}:{address.password}".encode()
            sent["Authorization"] = f"Basic {b64encode(pair).decode()}"
        credentials = sent.get("Authorization", "").rpartition(" ")[2]
        keys = (address.password, credentials, *(headers or {}).values())
        self._secrets = tuple(key for key in keys if key)
        seconds = patience.total_seconds()
        try:
            self._client = httpx2.Client(
                headers=sent,
                # Neither proxies nor credentials from the environment or ~/.netrc.
                trust_env=False,
                # A redirect would carry the credentials elsewhere.
                follow_redirects=False,
                timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            )
        except (UnicodeError, ValueError):
            # Without the cause, which quotes the header.
            raise AddressError(
                f"the address of {who} has credentials with characters that no header may carry"
            ) from None

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, terms: Terms = PLAIN
    ) -> Reply:
        """Return the answer to a GET; see `ask`."""
        return self.ask("GET", path, params=params, terms=terms)

    def post(self, path: str, body: Any, terms: Terms = PLAIN) -> Reply:
        """Return the answer to a POST of JSON; see `ask`."""
        return self.ask("POST", path, content=json.dumps(body).encode(), terms=terms)

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        terms: Terms = PLAIN,
    ) -> Reply:
        """Return the answer to one request.

        Args:
            method: GET or POST.
            path: Below the address, with its leading slash.
            params: Those that are None are not sent.
            content: The body; JSON unless the wire's headers say otherwise.
            terms: What is an answer.

        Raises:
            UnreachableError: No answer, no answer in time, or one that is not the vendor's; or the
                vendor asked to wait, and that time is not over.
            QueryError: The vendor refused the question, or its answer is too large.
        """
        self._check_wait(terms.bucket)
        sent = {key: value for key, value in (params or {}).items() if value is not None}
        with self._failures():
            request = self._client.build_request(
                method, f"{self._url}{path}", params=sent, content=content
            )
            deadline = monotonic() + self.patience.total_seconds()
            response = self._client.send(request, stream=True)
            try:
                body, too_large = self._body(response, terms.largest, deadline)
            finally:
                response.close()
        status = response.status_code
        heard = {key.lower(): value for key, value in response.headers.items()}
        self._heed(terms.bucket, status, heard)
        if not (200 <= status < 300 or status in terms.answers):
            raise self._fault(status, self._said(body), terms.bucket)
        if too_large and not terms.cut:
            raise QueryError(
                f"{self.who} has more to say than {terms.largest // MB} MB: ask for less time, or "
                "for fewer traces"
            )
        data = self._parsed(body, too_large, optional=status in terms.answers)
        return Reply(data=data, headers=heard, status=status, cut=too_large)

    def malformed(self) -> SignalError:
        """Return the error of JSON in another shape than the vendor's."""
        return UnreachableError(
            f"{self.who} answered with something that is not its JSON: check the URL"
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _body(self, response: httpx2.Response, largest: int, deadline: float) -> tuple[bytes, bool]:
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > largest:
                return b"".join(pieces)[:largest], True
            if monotonic() > deadline:
                raise httpx2.ReadTimeout("the answer drips", request=response.request)
        return b"".join(pieces), False

    def _parsed(self, body: bytes, is_cut: bool, *, optional: bool) -> Any:
        text = body.decode("utf-8", errors="replace")
        try:
            data = json.loads(mended(text) if is_cut else text) if text.strip() else None
            if "\\ud" in text or "\\uD" in text:
                data = _without_surrogates(text, data)
        except (ValueError, RecursionError) as error:
            if optional:
                return None
            raise self.malformed() from error
        return data

    def _check_wait(self, bucket: str) -> None:
        """Raise while the vendor wants to be left alone."""
        with self._lock:
            until = self._waits.get(bucket)
        if until is not None and self._clock() < until:
            raise self._limited(until)

    def _limited(self, until: datetime) -> SignalError:
        return UnreachableError(
            f"{self.who} allows no more calls until {until:%H:%M:%S} UTC (rate limit)"
        )

    def _heed(self, bucket: str, status: int, headers: Mapping[str, str]) -> None:
        """Remember how long the vendor wants to be left alone."""
        spent = headers.get("x-ratelimit-remaining") == "0"
        if status != 429 and not spent:
            return
        now = self._clock()
        told = headers.get("retry-after") or headers.get("x-ratelimit-reset")
        wait = asked_wait(told, now)
        if status != 429 and wait is None:
            return
        wait = min(wait if wait is not None else DEFAULT_WAIT, LONGEST_WAIT)
        with self._lock:
            self._waits[bucket] = now + wait
        logger.warning("rate_limited who=%r bucket=%s wait=%s", self.who, bucket or "-", wait)

    def _fault(self, status: int, said: str, bucket: str) -> SignalError:
        if status == 429:
            return self._limited(self._waits[bucket])
        if status in REFUSALS:
            return QueryError(f"{self.who} refused the question: {said or status}")
        if status in (401, 403):
            return UnreachableError(
                f"{self.who} does not accept our credentials ({status}): check the key, the user "
                "and the password of its address"
            )
        if status == 404:
            return UnreachableError(f"{self.who} has no such API at this path (404): check the URL")
        if 300 <= status < 400:
            return UnreachableError(f"{self.who} redirects elsewhere ({status}): check the URL")
        return UnreachableError(f"{self.who} answered {status}" + (f": {said}" if said else ""))

    def _said(self, body: bytes) -> str:
        """Return the vendor's own words, without what it may quote of our credentials."""
        said = words_of(body)
        for secret in self._secrets:
            said = said.replace(secret, redact.REDACTED)
        return redact.redact(said)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Make every way a request can fail a SignalError, without its cause's headers."""
        try:
            yield
        except (UnicodeError, httpx2.LocalProtocolError, httpx2.InvalidURL):
            raise UnreachableError(
                f"{self.who} cannot be asked: its address or credentials hold characters that no "
                "request may carry"
            ) from None
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{self.who} {trouble(error, self.patience)}") from error
        except RuntimeError as error:  # httpx2's, when the client is closed meanwhile
            raise UnreachableError(f"{self.who} is not asked any more: we are stopping") from error


def _without_surrogates(text: str, data: Any) -> Any:
    """Return `data`, parsed from `text`, with halves of surrogate pairs replaced."""
    if not _LONE_SURROGATE.search(text):
        return data
    whole = json.dumps(data, ensure_ascii=False).encode("utf-8", errors="replace")
    return json.loads(whole)
