"""Trace and span ids, however they are written, as lower hexadecimal.

32 or 16 hex digits, fewer where a vendor strips leading zeros, a UUID, or base64, as protobuf's
JSON writes bytes.

MalformedIdError   the text is no trace id; its message is for whoever pasted it
"""

import base64
import binascii
import hashlib
import re

from signals import shapes

_HEX = re.compile(r"[0-9a-f]{1,32}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# 16 bytes or 8 bytes, in either alphabet, padded or not.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{22}(?:==)?|[A-Za-z0-9+/_-]{11}=?")
_SPAN_DIGITS, _TRACE_DIGITS = 16, 32
_SHORTEST = 12  # a stripped 64-bit id of fewer digits would be one in 65,536


class MalformedIdError(ValueError):
    """The text is no trace id."""


def trace_id(written: str) -> str:
    """Return a trace id as 32 lower hex digits.

    Raises:
        MalformedIdError: It is none, or all zeros, which means that there is no trace.
    """
    digits = _digits(written.strip())
    if digits is None or len(digits.lstrip("0")) > _TRACE_DIGITS:
        raise MalformedIdError(
            "a trace id has 32 hexadecimal digits, or 16 in older systems, or is a UUID or base64"
        )
    if not digits.strip("0"):
        raise MalformedIdError("a trace id of zeros only means that the sender had no trace")
    return digits.zfill(_TRACE_DIGITS)


def span_id(written: object) -> str | None:
    """Return a span id as 16 lower hex digits, or None for an empty one or zeros only.

    A vendor's own id, such as a UUID, becomes the start of its SHA-256: the same wherever it is
    referred to.
    """
    text = shapes.text(written).strip()
    digits = _digits(text)
    if not text or (digits is not None and not digits.strip("0")):
        return None
    if digits is not None and len(digits.lstrip("0")) <= _SPAN_DIGITS:
        return digits.lstrip("0").zfill(_SPAN_DIGITS)
    return hashlib.sha256(text.lower().encode(errors="replace")).hexdigest()[:_SPAN_DIGITS]


def as_uuid(hex_id: str) -> str:
    """Return a trace id of 32 hex digits as a UUID."""
    parts = (hex_id[:8], hex_id[8:12], hex_id[12:16], hex_id[16:20], hex_id[20:])
    return "-".join(parts)


def _digits(text: str) -> str | None:
    """Return the hexadecimal digits that `text` stands for, or None."""
    small = text.lower().removeprefix("0x")
    if _UUID.fullmatch(small):
        return small.replace("-", "")
    if _HEX.fullmatch(small) and (len(small) >= _SHORTEST or not _BASE64.fullmatch(text)):
        return small
    if _BASE64.fullmatch(text):
        padded = text.rstrip("=").translate({43: "-", 47: "_"})
        try:
            return base64.urlsafe_b64decode(padded + "=" * (-len(padded) % 4)).hex()
        except binascii.Error:
            return None
    return None
