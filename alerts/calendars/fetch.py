"""Fetching a calendar by its address, which anybody who may edit a schedule can name.

So the address must not become a way into the network that this process stands in: names are
looked up once, every address behind them must be a public one, and the connection goes to the
very address that was checked. What the operator names in WAKEFUL_CALENDAR_HOSTS may be private.
Redirects are followed by the same rules, and never from https to anything else. Proxies are not
used: behind one, nothing could be checked.
"""

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import httpx2

from alerts.calendars import CalendarError

SIZE_LIMIT = 2_000_000  # some 15,000 events
PATIENCE = timedelta(seconds=15)  # for everything, from the first look-up to the last byte
HOPS = 3
MOST_ADDRESSES = 3
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "wakeful"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def fetch(url: str, *, private: Collection[str] = (), patience: timedelta = PATIENCE) -> bytes:
    """Return what is at `url`, at most `SIZE_LIMIT` bytes.

    Args:
        url: Of a calendar, http or https.
        private: Host names, in lower case, that may be inside the private network.
        patience: For all of it.

    Raises:
        CalendarError: Nothing can be had there, or nothing may be asked.
    """
    host = urlsplit(url).hostname or "the calendar"
    try:
        return asyncio.run(_within(url, private, patience.total_seconds()))
    except TimeoutError as error:
        raise CalendarError(
            f"{host} did not answer within {patience.total_seconds():.0f} s"
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, zlib.error) as error:
        said = str(error) or type(error).__name__
        raise CalendarError(f"{host} could not be asked: {said}") from error


async def _within(url: str, private: Collection[str], seconds: float) -> bytes:
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient(trust_env=False, timeout=seconds, headers=_HEADERS) as client,
    ):
        for _ in range(HOPS + 1):
            answer = await _ask(client, url, private)
            if isinstance(answer, bytes):
                return answer
            url = onwards(url, answer)
    raise CalendarError(f"{urlsplit(url).hostname} leads from one address to the next without end")


async def _ask(client: httpx2.AsyncClient, url: str, private: Collection[str]) -> bytes | str:
    """Return the body at `url`, or where it leads instead."""
    asked = httpx2.URL(url)
    refused: httpx2.HTTPError | None = None
    for address in await _addresses(asked, private):
        request = client.build_request(
            "GET",
            asked.copy_with(host=address),
            headers={"Host": asked.netloc.decode("ascii")},
            extensions={"sni_hostname": asked.host},
        )
        try:
            response = await client.send(request, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            refused = error
            continue
        try:
            return await _body(response, asked.host)
        finally:
            await response.aclose()
    raise refused or CalendarError(f"{asked.host} has no address")


async def _body(response: httpx2.Response, host: str) -> bytes | str:
    if response.has_redirect_location:
        return str(response.headers["location"])
    if response.status_code != 200:
        raise CalendarError(f"{host} answered HTTP {response.status_code}")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > SIZE_LIMIT:
            break
    if response.headers.get("content-encoding", "identity") != "identity":
        body = _unpacked(body, host)
    if len(body) > SIZE_LIMIT:
        raise CalendarError(f"{host} sent more than {SIZE_LIMIT // 1_000_000} MB")
    return bytes(body)


def _unpacked(body: bytearray, host: str) -> bytearray:
    """Return what was sent packed all the same, up to a little more than may be."""
    parcel = zlib.decompressobj(zlib.MAX_WBITS + 32)
    found = bytearray(parcel.decompress(body, SIZE_LIMIT + 1))
    if not parcel.eof and len(found) <= SIZE_LIMIT:
        raise CalendarError(f"{host} sent a part of it")
    return found


async def _addresses(asked: httpx2.URL, private: Collection[str]) -> list[str]:
    """Return the addresses behind a name, IPv4 first, once all of them may be asked."""
    host = asked.host
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, asked.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CalendarError(f"{host} is not the name of any host") from error
    addresses = [ipaddress.ip_address(str(at[0]).partition("%")[0]) for *_, at in found]
    if host.casefold() not in private and not all(map(public, addresses)):
        raise CalendarError(
            f"{host} is inside a private network: the operator may allow it in "
            "WAKEFUL_CALENDAR_HOSTS"
        )
    return [str(address) for address in sorted(set(addresses), key=_order)][:MOST_ADDRESSES]


def _order(address: Address) -> tuple[int, int]:
    return address.version, int(address)


def public(address: Address) -> bool:
    """Say whether `address` is out in the Internet, whichever way it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        if hidden is not None:
            return public(hidden)
        if address in _NAT64:
            return False
    return address.is_global and not address.is_multicast


def onwards(url: str, location: str) -> str:
    """Return where a redirect leads, if it may lead there."""
    onwards = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(onwards)
    downgraded = here.scheme == "https" and there.scheme != "https"
    if downgraded or there.scheme not in ("http", "https") or not there.hostname:
        raise CalendarError(f"{here.hostname} leads to an address that is not followed")
    return onwards
