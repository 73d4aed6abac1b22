"""The outward heartbeat: a call every minute to somebody else's dead man's switch.

Healthchecks.io, Cronitor, PagerDuty's or Alertmanager's own: whoever stops hearing from us wakes
someone, since we no longer can.
"""

import httpx2


class HeartbeatError(Exception):
    """Whoever listens did not answer; one sentence says why, without the address."""


def call(url: str, *, timeout_seconds: float = 10) -> None:
    """Call `url` once.

    Raises:
        HeartbeatError: It did not answer with success. Its address is a secret: it is not named.
    """
    try:
        answer = httpx2.get(url, timeout=timeout_seconds, follow_redirects=False)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise HeartbeatError(f"nobody heard the heartbeat: {type(error).__name__}") from error
    if answer.status_code >= 300:
        raise HeartbeatError(f"the heartbeat was answered with HTTP {answer.status_code}")
