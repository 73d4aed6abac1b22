"""Asking Prometheus many small questions at once.

A thousand rules are a thousand small questions a round. requests does again for each what is the
same for all: it prepares a request, merges settings, looks for proxies and cookies. That is two
thirds of what such a question costs us. Here its adapter says once how the server is reached, trust
included; after that its pool is asked directly. What goes wrong is raised as requests would.
"""

from collections.abc import Mapping

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)


class Road:
    """The way to one server. One object serves all threads.

    Args:
        url: The server's, without credentials.
        headers: That every request carries.
        timeout: For connecting, and for each read, in seconds.
        verify: The file of an authority, or True for those that are known.
        connections: That are kept.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout: tuple[float, float],
        verify: str | bool,
        connections: int,
    ) -> None:
        self._url = url
        self._headers = dict(headers)
        self._timeout = urllib3.Timeout(connect=timeout[0], read=timeout[1])
        self._verify = verify
        self._adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
        self._pool: HTTPConnectionPool | None = None

    def get(self, path_and_query: str) -> requests.Response:
        """Return the answer, its body unread; redirects are not followed.

        Raises:
            requests.RequestException, OSError: As requests.
        """
        pool = self._pool or self._reach()
        try:
            raw = pool.urlopen(
                "GET",
                path_and_query,
                headers=self._headers,
                retries=False,
                redirect=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError) as error:
            raise _as_requests(error) from error
        answer = requests.Response()
        answer.status_code = raw.status
        answer.headers.update(raw.headers)
        answer.url = path_and_query
        answer.raw = raw
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def _reach(self) -> HTTPConnectionPool:
        request = requests.Request("GET", self._url, headers=self._headers).prepare()
        pool = self._adapter.get_connection_with_tls_context(request, verify=self._verify)
        self._adapter.cert_verify(pool, self._url, self._verify, None)  # type: ignore[no-untyped-call]
        assert isinstance(pool, HTTPConnectionPool)  # noqa: S101 - what urllib3 calls every pool
        self._pool = pool
        return pool


def _as_requests(error: Exception) -> Exception:
    """Return the error that requests makes of one of urllib3.

    Source: `requests.adapters.HTTPAdapter.send`.
    """
    match error:
        case SSLError():
            return requests.exceptions.SSLError(error)
        case ConnectTimeoutError():
            # urllib3 takes a refused connection for one of these as well.
            if isinstance(error, urllib3.exceptions.NewConnectionError):
                return requests.exceptions.ConnectionError(error)
            return requests.exceptions.ConnectTimeout(error)
        case ReadTimeoutError():
            return requests.exceptions.ReadTimeout(error)
        case ProtocolError() | OSError() | HTTPError():
            return requests.exceptions.ConnectionError(error)
        case _:
            return error
