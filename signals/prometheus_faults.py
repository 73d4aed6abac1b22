"""What is wrong with an answer of Prometheus, or with the lack of one, in a sentence.

No message quotes a request: its headers hold credentials.
"""

import io
import json
import logging
import re
from typing import Any

import requests
import urllib3

from signals import QueryError, SignalError, UnreachableError

logger = logging.getLogger(__name__)

LONGEST_SAYING = 300
MAX_WARNINGS = 100  # remembered, so that each is logged once
LARGEST_ANSWER = 64_000_000  # bytes, decompressed: 20,000 series over a chart have a third of it
# Statuses that mean the question is bad, so that asking again cannot help.
# Source: https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
REFUSALS = {400, 413, 414, 422}
_RESULT_TYPE = re.compile(rb'"resultType"\s*:\s*"(\w+)"')
_NOT_A_VECTOR = {
    b"scalar": "a scalar, one number without labels: wrap it in vector(…)",
    b"string": "a string: ask for a number",
    b"matrix": "a range of values per series: apply a function such as rate(…)",
}


class NotThereError(UnreachableError):
    """The server has nothing at this path."""


class SilentError(UnreachableError):
    """The server did not answer at all, or not to the end: another question will not be either."""


class Inspection:
    """Reads each answer before the client does, which drops what it says beside the result.

    Args:
        who: The server, for messages.
        source: The source's name, for the log.
    """

    def __init__(self, who: str, source: str) -> None:
        self._who = who
        self._source = source
        self._warned: set[str] = set()

    def __call__(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Raise what is wrong with an answer."""
        if response.is_redirect:
            return
        bounded(self._who, response)
        if fault := fault_of_answer(self._who, response):
            response.close()  # or its connection is lost to the pool
            raise fault
        for warning in warnings_of(response):
            if warning not in self._warned and len(self._warned) < MAX_WARNINGS:
                self._warned.add(warning)
                logger.warning("answer incomplete source=%s warning=%r", self._source, warning)


def bounded(who: str, response: requests.Response) -> None:
    """Read the answer, as far as it is not too large.

    Raises:
        QueryError: It is larger than `LARGEST_ANSWER`.
        requests.RequestException: It broke off.
    """
    try:
        body = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout from error
    except urllib3.exceptions.DecodeError as error:
        raise requests.exceptions.ContentDecodingError from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError from error
    if len(body) > LARGEST_ANSWER:
        response.close()
        raise QueryError(
            f"{who} answers with more than {LARGEST_ANSWER // 1_000_000} MB: narrow the question, "
            "or split it by fewer labels"
        )
    response.raw = io.BytesIO(body)


def fault_of_answer(who: str, response: requests.Response) -> SignalError | None:
    """Return what is wrong with an answer that arrived, or None if it can be read."""
    status = response.status_code
    if status == 200:
        return _fault_of_result(response)
    if status in REFUSALS:
        return QueryError(f"{who} refused the query: {_said(response) or status}")
    if status in (401, 403):
        return UnreachableError(
            f"{who} does not accept our credentials ({status}): check the bearer token, the user "
            "and password, and the tenant"
        )
    if status in (404, 405, 501):
        return NotThereError(f"{who} has no query API at this path ({status}): check the URL")
    said = _said(response)
    return UnreachableError(f"{who} answered {status}" + (f": {said}" if said else ""))


def fault_of_silence(who: str, error: Exception, *, patience_seconds: float) -> SignalError:
    """Return what `error`, raised by requests instead of an answer, means."""
    match error:
        case requests.exceptions.SSLError():
            trouble = "could not be trusted: its certificate is not signed by an authority we know"
        case requests.exceptions.ConnectTimeout():
            trouble = "could not be reached: nobody took the connection in time"
        case requests.exceptions.ReadTimeout():
            trouble = f"did not answer within {patience_seconds:g} s"
        case (
            requests.exceptions.ChunkedEncodingError() | requests.exceptions.ContentDecodingError()
        ):
            trouble = "broke off its answer"
        case requests.exceptions.ConnectionError() if "timed out" in str(error):
            trouble = f"did not finish its answer within {patience_seconds:g} s"
        case requests.exceptions.ConnectionError():
            trouble = f"could not be reached: {_reason(error)}"
        case requests.exceptions.TooManyRedirects():
            trouble = "redirects in a circle: check the URL"
        case requests.RequestException():
            trouble = f"could not be asked ({type(error).__name__}): check the URL"
        case _:
            # requests looks for the file of the authority itself, and raises a plain OSError.
            trouble = "could not be asked: the file of the certificate authority is not readable"
    return SilentError(f"{who} {trouble}")


def malformed(who: str) -> SignalError:
    """Return the error of an answer in another shape than Prometheus'."""
    return UnreachableError(
        f"{who} answered with something that is not Prometheus' JSON: check the URL"
    )


def warnings_of(response: requests.Response) -> list[str]:
    """Return what the server warned about, such as a store of Thanos that did not take part."""
    # Only parsed when there are any: answers are large, and the client parses them again.
    if b'"warnings"' not in response.content:
        return []
    try:
        warnings = response.json().get("warnings") or []
    except (ValueError, AttributeError):
        return []
    return [str(warning)[:LONGEST_SAYING] for warning in warnings]


def _fault_of_result(response: requests.Response) -> SignalError | None:
    """Return the refusal of a result that is no vector; the client drops its type."""
    if not response.url.partition("?")[0].endswith("/query"):
        return None
    found = _RESULT_TYPE.search(response.content[:LONGEST_SAYING])
    if found and found[1] in _NOT_A_VECTOR:
        return QueryError(f"the expression yields {_NOT_A_VECTOR[found[1]]}")
    return None


def _said(response: requests.Response) -> str:
    """Return the server's own words, or nothing if a proxy answered in its place."""
    try:
        said = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " ".join(str(said).split())[:LONGEST_SAYING]


def _reason(error: Exception) -> str:
    """Return the operating system's reason, such as `Connection refused`, found in the chain."""
    pending: list[object] = [error]
    while pending:
        found = pending.pop()
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        if isinstance(found, BaseException):
            pending += [
                *found.args,
                getattr(found, "reason", None),
                found.__cause__,
                found.__context__,
            ]
    return "the connection failed"
