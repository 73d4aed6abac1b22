"""Where a Prometheus-compatible server is, and how it knows us."""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import SplitResult, unquote


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusAccess:
    """Where a server is and how it knows us.

    Attributes:
        url: Base URL, without `/api/v1`; a user and password in it count as basic authentication.
        bearer_token, username, password, ca_cert: Empty when not needed; the last is a file.
        tenant: Sent as `X-Scope-OrgID` (Mimir, Thanos).
        timeout: Patience with one query.
    """

    url: str
    bearer_token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    tenant: str = ""
    ca_cert: str = ""
    timeout: timedelta = timedelta(seconds=10)


def headers_for(access: PrometheusAccess, parts: SplitResult) -> dict[str, str]:
    """Return the headers that every request to the server carries."""
    headers: dict[str, str] = {}
    username = access.username or unquote(parts.username or "")
    password = access.password or unquote(parts.password or "")
    if access.bearer_token:
        headers["Authorization"] = f"Bearer {access.bearer_token}"
    elif username or password:
        # Not requests' own: it encodes as Latin-1, which not every password fits.
        pair = b64encode(f"{username}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    if access.tenant:
        headers["X-Scope-OrgID"] = access.tenant
    if _is_loopback(parts.hostname or ""):
        # Prometheus gzips every answer otherwise, which doubles its work to save no network.
        headers["Accept-Encoding"] = "identity"
    return headers


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
