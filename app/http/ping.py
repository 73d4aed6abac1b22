"""Things outside that report in: GET, HEAD or POST /ping/<secret>.

Cron's `curl -fsS` and every heartbeat client can do one of these. The secret is the whole address,
so nothing is told to whoever guesses.
"""

from prometheus_client import Counter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts import pings
from alerts.pings import UnknownPingError
from models.clock import Clock

HEARD = Counter("wakeful_pings_total", "Heartbeats from outside", ["outcome"])


def ping_routes(db: Engine, clock: Clock) -> list[Route]:
    """Return the door for heartbeats from outside."""

    async def ping(request: Request) -> Response:
        token = request.path_params["token"]
        try:
            await run_in_threadpool(pings.heard, db, token, now=clock())
        except UnknownPingError:
            HEARD.labels(outcome="unknown").inc()
            return PlainTextResponse("unknown\n", status_code=404)
        except SQLAlchemyError:
            HEARD.labels(outcome="failed").inc()
            return PlainTextResponse("not recorded: try again\n", status_code=503)
        HEARD.labels(outcome="heard").inc()
        return PlainTextResponse("heard\n")

    return [Route("/ping/{token}", ping, methods=["GET", "POST"])]
