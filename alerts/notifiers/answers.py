"""Reading what any vendor answers. Pure."""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

PATIENCE_LIMIT = timedelta(hours=1)  # a page that waits longer is better refused once more
_TRANSIENT = (408, 425, 429)


def permanent(status: int) -> bool:
    """Say whether trying again cannot help after an unsuccessful HTTP status.

    A 5xx, a time-out and a rate limit pass by themselves. Every other answer, redirects
    included, means that the address, the credentials or the request are wrong.
    """
    return status < 500 and status not in _TRANSIENT


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long the vendor asks to wait; None if it does not say in whole seconds.

    Slack sends `Retry-After`, PagerDuty's REST API `ratelimit-reset`; both count seconds.
    """
    known = {name.lower(): value.strip() for name, value in headers.items()}
    seconds = known.get("retry-after") or known.get("ratelimit-reset") or ""
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 9:
        return None
    return min(timedelta(seconds=int(seconds)), PATIENCE_LIMIT)


def plain(text: object, *secrets: str, limit: int = 200) -> str:
    """Return a vendor's words on one line, cut to `limit`, with every secret blotted out."""
    line = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "[secret]")
    return cut(line, limit)


def cut(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def on_loopback(url: str) -> bool:
    """Say whether `url` is plain http to this machine, as a stand-in for a vendor is."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def linkable(url: str) -> bool:
    """Say whether vendors take `url` for a link: one bad link loses the whole message."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    whole = url.isprintable() and " " not in url
    return parts.scheme in ("http", "https") and bool(parts.hostname) and whole
