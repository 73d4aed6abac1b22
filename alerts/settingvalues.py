"""Reading the values of settings, each a text: what is wrong with one is said in a sentence."""

import ipaddress
import math
from typing import Any
from urllib.parse import urlsplit

PREFIX = "WAKEFUL_"


class SettingsError(Exception):
    """A setting is missing or malformed; the message names the variable."""


def variable(name: str) -> str:
    """Return the name of the variable that sets `name`."""
    return f"{PREFIX}{name.upper()}"


def whole_number(name: str, value: str) -> int:
    """Return a port."""
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65536:
        raise SettingsError(f"{variable(name)} must be a whole number from 1 to 65535")
    return int(value)


def seconds(name: str, value: str) -> float:
    """Return a number of seconds, at most five minutes."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 300:
        raise SettingsError(f"{variable(name)} must be a number of seconds from 0 to 300")
    return seconds


def dollars(name: str, value: str) -> float:
    """Return an amount above zero."""
    try:
        dollars = float(value)
    except ValueError:
        dollars = 0.0
    if not 0 < dollars < math.inf:
        raise SettingsError(f"{variable(name)} must be a number of dollars above 0")
    return dollars


def url(name: str, value: str) -> Any:
    """Return the parts of an http or https address."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{variable(name)} must be an http or https URL")
    return parts


def loopback(host: str) -> bool:
    """Say whether nobody but this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
