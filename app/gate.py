"""Who may come in: a pure ASGI gate before pages, HTTP doors and websockets alike.

Three ways to be someone: the local user of a loopback installation; a signed cookie, set by
`/login` for the password and a name; a header from a proxy on loopback. The header that tells
pages who is there, `X-Wakeful-User`, is always stripped from what a client sent.
"""

import hmac
import html
import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.settings import Settings
from app.http import oncall

USER_HEADER = "x-wakeful-user"
COOKIE = "wakeful_user"
COOKIE_SECONDS = 14 * 24 * 3600
# Doors that check their callers themselves: by token, by signature, or because they tell nothing.
OPEN_PATHS = (
    *("/api/annotations", "/api/outcomes", "/healthz", "/login", "/metrics"),
    *("/pagerduty/", "/ping/", "/slack/", "/v1/"),
)
POLICY_VIOLATION = 4401


@dataclass(frozen=True, slots=True)
class Visitors:
    """Knows who a request is from.

    Args:
        settings: Which of the three ways is in force.
    """

    settings: Settings

    @property
    def _cookies(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.settings.access_token, salt="wakeful-user")

    def identify(self, connection: HTTPConnection) -> str | None:
        """Return the name of whoever sent this, or None for a stranger."""
        header = self.settings.proxy_user_header
        if header and _on_loopback(connection):
            return connection.headers.get(header) or None
        if not self.settings.access_token:
            return None if header else self.settings.local_user
        try:
            cookie = connection.cookies.get(COOKIE, "")
            return str(self._cookies.loads(cookie, max_age=COOKIE_SECONDS))
        except BadSignature:
            return None

    def admit(self, password: str, name: str) -> str | None:
        """Return the cookie for someone who knows the password, else None."""
        expected = self.settings.access_token
        if not expected or not hmac.compare_digest(password.encode(), expected.encode()):
            return None
        return self._cookies.dumps(name)


class Gate:
    """Lets nobody in whom `Visitors` does not know, by HTTP or by websocket."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its user's name, or turn it away."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        spoofed = USER_HEADER.encode()
        scope = dict(scope, headers=[(k, v) for k, v in scope["headers"] if k != spoofed])
        connection = HTTPConnection(scope)
        user = self._visitors.identify(connection)
        if user is not None:
            scope["headers"].append((spoofed, quote(user).encode()))
        elif not _is_open(scope["path"]):
            await _turn_away(scope, receive, send)
            return
        await self._app(scope, receive, _with_manners(send))


def _is_open(path: str) -> bool:
    calendar = path.startswith(oncall.PREFIX) and path.endswith(oncall.SUFFIX)
    return calendar or path.startswith(OPEN_PATHS)


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    wanted = scope["path"]
    if scope["query_string"]:
        wanted += "?" + scope["query_string"].decode("latin-1")
    response = RedirectResponse(f"/login?next={quote(wanted, safe='')}", 303)
    await response(scope, receive, send)


def _with_manners(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message["headers"],
                (b"x-content-type-options", b"nosniff"),
                (b"x-frame-options", b"SAMEORIGIN"),
                (b"referrer-policy", b"same-origin"),
            ]
        await send(message)

    return sending


def login_routes(visitors: Visitors) -> list[Route]:
    """Return the door where a password and a name become a cookie."""

    async def show(request: Request) -> Response:
        return HTMLResponse(_form(request.query_params.get("next", "/")))

    async def take(request: Request) -> Response:
        form = await request.form()
        name, wanted = str(form.get("name", "")).strip()[:80], _local(str(form.get("next", "/")))
        cookie = visitors.admit(str(form.get("password", "")), name) if name else None
        if cookie is None:
            complaint = "That is not the password." if name else "Please say who you are."
            return HTMLResponse(_form(wanted, complaint), 401)
        response = RedirectResponse(wanted, 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, cookie, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure
        )
        return response

    return [Route("/login", show), Route("/login", take, methods=["POST"])]


def _on_loopback(connection: HTTPConnection) -> bool:
    client = connection.client
    try:
        return client is not None and ipaddress.ip_address(client.host).is_loopback
    except ValueError:
        return False


def _local(address: str) -> str:
    """Return `address` if it leads to one of our own pages, else the start page."""
    parts = urlsplit(address)
    own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if own and not parts.scheme and not parts.netloc else "/"


def _form(wanted: str, complaint: str = "") -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Wakeful</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  form {{ max-width: 20rem; margin: 20vh auto; padding: 0 1rem; display: grid; gap: .75rem }}
  input, button {{ font: inherit; padding: .5rem; width: 100%; box-sizing: border-box }}
  p {{ color: #c0392b; margin: 0 }}
</style>
<form method="post" action="/login">
<h1>Wakeful</h1><p role="alert">{html.escape(complaint)}</p>
<label>Your name <input name="name" autocomplete="username" required maxlength="80"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"
 required></label>
<input type="hidden" name="next" value="{html.escape(_local(wanted), quote=True)}">
<button>Sign in</button></form></html>"""
