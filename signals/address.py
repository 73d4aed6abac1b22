"""Where a store is and how it knows us, from one line: `tempo+http://user:password@host:3200/?…`.

AddressError   the line makes no sense; the message never quotes it, for it may hold a password
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, unquote, urlsplit


class AddressError(ValueError):
    """The line is no address. The message is for the operator, and quotes no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A store's address.

    Attributes:
        kind: The vendor, such as `tempo`.
        url: Where its API begins: http or https, without credentials or a trailing slash.
        place: Host and port, as errors and pages name it.
        path: What follows the host in `url`, without slashes at either end.
        username, password: Empty when there are none.
        params: What stands after the question mark.
    """

    kind: str
    url: str
    place: str
    path: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the store's name among others: `name=`, or the vendor."""
        return self.params.get("name") or self.kind

    def days(self, default: int) -> timedelta:
        """Return how far back to look where no time is known: `days=`, up to ten years.

        Raises:
            AddressError: It is no such number.
        """
        written = self.params.get("days", str(default))
        if not written.isascii() or not written.isdigit() or not 0 < int(written) <= 3650:
            raise AddressError(f"the address of {self.kind} has no days from 1 to 3650")
        return timedelta(days=int(written))

    def web_url(self, trace_id: str, default: str = "") -> str | None:
        """Return the trace's own page: `web=` with `{trace_id}` in it, else `default`, or None."""
        template = self.params.get("web") or default
        return template.replace("{trace_id}", trace_id) if template else None


def parse(line: str, kinds: Collection[str]) -> Address:
    """Return the address that `line` holds, of one of `kinds`.

    Raises:
        AddressError: It is none.
    """
    scheme, separator, rest = line.partition("://")
    kind, plus, transport = scheme.partition("+")
    if not separator or not plus or transport not in ("http", "https") or kind not in kinds:
        shown = " or ".join(f"{kind}+http(s)://…" for kind in sorted(kinds))
        raise AddressError(f"an address must start with {shown}")
    try:
        parts = urlsplit(f"{transport}://{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"the address of {kind} has no valid host and port") from error
    if not host or any(sign.isspace() for sign in rest):
        raise AddressError(f"the address of {kind} has no host")
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port else ""
    path = parts.path.strip("/")
    found = Address(
        kind=kind,
        url=f"{transport}://{place}" + (f"/{path}" if path else ""),
        place=place,
        path=path,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        params=dict(parse_qsl(parts.query)),
    )
    found.days(1)
    return found
