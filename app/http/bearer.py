"""The token that senders show: `Authorization: Bearer …`."""

import hmac

from starlette.requests import Request


def shows(request: Request, token: str) -> bool:
    """Say whether `request` shows `token`; anybody does when that is empty."""
    if not token:
        return True
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(shown.strip().encode(), token.encode())
    return scheme.lower() == "bearer" and known
