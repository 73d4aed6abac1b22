"""Schedules as calendars to subscribe to: GET /oncall/<name>.ics?token=<secret>.

Calendar programs cannot sign in, so the address is the password: whoever has it sees who is on
call, and a new one can be had on the page at any time. Wrong addresses are all answered alike.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from prometheus_client import Counter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts import rota
from alerts.layers import DAY, Shift
from alerts.rota import Rota, RotaError
from alerts.schedule import whole_shifts
from models.clock import Clock
from models.database import read_only
from models.tables import OnCallSchedule

PREFIX, SUFFIX = "/oncall/", ".ics"
BEHIND, AHEAD = timedelta(days=30), timedelta(days=90)
ASKED = Counter(
    "wakeful_calendar_requests_total", "Requests for the calendar of a schedule", ["outcome"]
)


def oncall_routes(db: Engine, clock: Clock) -> list[Route]:
    """Return the door for calendar programs."""

    async def calendar(request: Request) -> Response:
        name, token = request.path_params["name"], request.query_params.get("token", "")
        try:
            body = await run_in_threadpool(_feed, db, name, token, clock())
        except (RotaError, SQLAlchemyError):
            return _answer("failed", PlainTextResponse("not now, try again later\n", 503))
        if body is None:
            return _answer("refused", PlainTextResponse("no such calendar\n", 404))
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": "private, max-age=300"}
        if etag in request.headers.get("if-none-match", ""):
            return _answer("unchanged", Response(status_code=304, headers=headers))
        return _answer("served", Response(body, headers=headers, media_type="text/calendar"))

    return [Route(f"{PREFIX}{{name:path}}{SUFFIX}", calendar)]


def address(base_url: str, row: OnCallSchedule) -> str:
    """Return the secret address of a schedule's calendar."""
    asked = urlencode({"token": row.feed_token})
    return f"{base_url}{PREFIX}{quote(row.name, safe='')}{SUFFIX}?{asked}"


def _answer(outcome: str, response: Response) -> Response:
    ASKED.labels(outcome=outcome).inc()
    return response


def _feed(db: Engine, name: str, token: str, now: datetime) -> bytes | None:
    """Return the calendar; None for a name or a token that is wrong."""
    with Session(read_only(db)) as session:
        row = rota.by_name(session, name)
        expected = row.feed_token if row else "no such schedule"
        if not hmac.compare_digest(token.encode(), expected.encode()) or row is None:
            return None
        found = rota.load(session, row, at=now)
        # Here, since the library takes 11 MB that a process without subscribers need not.
        from alerts.calendars.feed import feed

        given = _given(found, now)
        return feed(
            row.name,
            given,
            uid=hashlib.sha256(f"{row.id}{row.feed_token}".encode()).hexdigest()[:12],
            revised_at=found.revised_at,
            notes=[_note(found, shift) for shift in given],
        )


def _given(found: Rota, now: datetime) -> Sequence[Shift]:
    """Return the shifts to give out, by whole days, so that they change once a day at most."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + AHEAD
    known = found.known_until
    shifts = whole_shifts(found.schedule, today - BEHIND, min(end, known or end))
    # What ends where the source was not asked further may not end there.
    return [shift for shift in shifts if known is None or shift.end < known - DAY]


def _note(found: Rota, shift: Shift) -> str:
    if shift.override is None:
        return ""
    row = next((one for one in found.overrides if one.id == shift.override.id), None)
    if row is None:
        return ""
    what = "Swap" if row.swap_id else "Override"
    return f"{what} by {row.by}{f': {row.reason}' if row.reason else ''}"
