"""A stand-in for PagerDuty: Events API v2, REST API, webhooks, and a page to see it all.

python -m examples.standins.pagerduty --port 8602
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.pages import same_origin
from examples.standins import pagerduty_page
from examples.standins.faults import Faults, Faulty
from examples.standins.pagerduty_events import EventsApi
from examples.standins.pagerduty_patience import Patience
from examples.standins.pagerduty_rest import RestApi
from examples.standins.pagerduty_service import (
    ACKNOWLEDGED,
    RESOLVED,
    TRIGGERED,
    Account,
    Agent,
    EscalationPolicy,
    Incident,
    Member,
)
from examples.standins.pagerduty_webhooks import Webhooks

ADA = Member(id="PADA001", name="Ada Lovelace", email="ada@example.org")
GRACE = Member(id="PGRACE1", name="Grace Hopper", email="grace@example.org")
DESK = Member(id="PDESK01", name="Service desk", email="desk@example.org")
ENGINEERS = EscalationPolicy(id="PENGIN1", name="LLM engineers", levels=(ADA, GRACE))
# Where new incidents go in the demo, so that handing one to the engineer on call is seen.
FRONT_DESK = EscalationPolicy(id="PFRONT1", name="Front desk", levels=(DESK,))


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutyConfig:
    """How strict and how connected this PagerDuty is.

    Attributes:
        policies: Who is on call; new incidents go to the first level of the first.
        delay_seconds: Between accepting an event and the incident: 202 promises no incident.
        events_per_minute: For each routing key; 0 for no limit.
        questions_per_minute: Of the REST API, for the token.
        webhook_url: Where changes are told; empty for nowhere.
    """

    routing_keys: tuple[str, ...] = ("0123456789abcdef0123456789abcdef",)
    token: str = "pagerduty-stand-in-token"  # noqa: S105 - not a secret of anybody's
    users: tuple[Member, ...] = (ADA, GRACE)
    policies: tuple[EscalationPolicy, ...] = (ENGINEERS,)
    delay_seconds: float = 0.3
    events_per_minute: int = 120
    questions_per_minute: int = 960
    webhook_url: str = ""
    webhook_secret: str = "pagerduty-stand-in-webhook-secret"  # noqa: S105 - nor this
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Pages:
    """The doors for people, and for tests."""

    account: Account
    events: EventsApi
    rest: RestApi
    webhooks: Webhooks

    def _viewer(self, user_id: object) -> Member:
        first = next(iter(self.account.users.values()))
        return self.account.users.get(str(user_id), first)

    async def show(self, request: Request) -> Response:
        viewer = self._viewer(request.query_params.get("as"))
        return pagerduty_page.incidents(self.account, self.events.received, viewer)

    async def move(self, request: Request) -> Response:
        if not same_origin(request):
            return PlainTextResponse("this form was sent from another site", status_code=403)
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        incident = self.account.incidents.get(form.get("id", ""))
        status = form.get("status", "")
        if incident is None or status not in (TRIGGERED, ACKNOWLEDGED, RESOLVED):
            return PlainTextResponse("there is no such incident or status", status_code=404)
        viewer = self._viewer(form.get("as"))
        if status == TRIGGERED:
            self.account.unacknowledge(incident)
        else:
            self.account.move(incident, status, Agent(viewer))
        place = urlencode({"as": viewer.id})
        return RedirectResponse(f"/?{place}#{incident.id}", status_code=303)

    async def state(self, _: Request) -> Response:
        return JSONResponse(
            {
                "events": self.events.received,
                "dropped": self.events.dropped,
                "incidents": [
                    self.account.shown(incident)
                    | {"log": incident.log, "notes": incident.notes, "details": incident.details}
                    for incident in self.account.incidents.values()
                ],
                "calls": self.rest.calls,
                "webhooks": self.webhooks.sent,
            }
        )


def pagerduty_app(config: PagerDutyConfig) -> Starlette:
    """Return a PagerDuty of its own, without incidents."""
    webhooks = Webhooks(config.webhook_url, config.webhook_secret)

    def tell(kind: str, incident: Incident, agent: Agent) -> None:
        webhooks.tell(kind, account, incident, agent)

    account = Account(config.policies, config.users, tell)
    events = EventsApi(
        account,
        config.routing_keys,
        delay_seconds=config.delay_seconds,
        events_per_minute=config.events_per_minute,
        clock=config.clock,
    )
    patience = Patience(config.questions_per_minute, config.clock)
    rest, faults = RestApi(account, config.token, patience), Faults()
    pages = _Pages(account, events, rest, webhooks)
    return Starlette(
        routes=[
            *events.routes(),
            *rest.routes(),
            Route("/move", pages.move, methods=["POST"]),
            Route("/_state", pages.state),
            *faults.routes(),
            Route("/", pages.show),
        ],
        middleware=[
            Middleware(
                Faulty,
                faults=faults,
                prefixes=("/v2/", "/oncalls", "/users", "/incidents", "/log_entries", "/abilities"),
            )
        ],
    )


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m examples.standins.pagerduty")
    parser.add_argument("--port", type=int, default=8602)
    parser.add_argument("--webhook", default="", help="where changes of incidents are told")
    options = parser.parse_args()
    config = PagerDutyConfig(
        users=(ADA, GRACE, DESK),
        policies=(FRONT_DESK, ENGINEERS),
        webhook_url=options.webhook,
    )
    uvicorn.run(pagerduty_app(config), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
