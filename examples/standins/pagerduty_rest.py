"""PagerDuty's REST API v2, as far as paging needs it.

Source: https://developer.pagerduty.com/api-reference
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.standins.pagerduty_patience import Patience
from examples.standins.pagerduty_service import (
    ACKNOWLEDGED,
    OPEN,
    RESOLVED,
    Account,
    Agent,
    EscalationPolicy,
    Incident,
    Member,
)

PAGE = 25
PAGE_LIMIT = 100
OFFSET_LIMIT = 10_000
BULK = 250
NOTE = 2000
RECENT = timedelta(days=30)


class ApiError(Exception):
    """An answer in PagerDuty's shape of an error."""

    def __init__(self, status: int, code: int, message: str, *errors: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "code": code, "errors": list(errors)}}


def invalid(*errors: str) -> ApiError:
    """Return the refusal of a request that makes no sense."""
    return ApiError(400, 2001, "Invalid Input Provided", *errors)


Act = Callable[[Request, dict[str, Any]], tuple[int, dict[str, Any]]]


class RestApi:
    """The doors of the REST API."""

    def __init__(self, account: Account, token: str, patience: Patience) -> None:
        self._account = account
        self._token = token
        self._patience = patience
        self.calls: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        """Return every door."""
        return [
            self._route("/abilities", "GET", lambda _r, _b: (200, {"abilities": ["sso", "teams"]})),
            self._route("/oncalls", "GET", self._oncalls),
            self._route("/users/me", "GET", self._me),
            self._route("/users/{id}", "GET", self._user),
            self._route("/users", "GET", self._users),
            self._route("/incidents/{id}/log_entries", "GET", self._incident_log),
            self._route("/incidents/{id}/notes", "POST", self._note),
            self._route("/incidents/{id}", "GET", self._incident),
            self._route("/incidents/{id}", "PUT", self._change),
            self._route("/incidents", "GET", self._incidents),
            self._route("/incidents", "POST", self._create),
            self._route("/incidents", "PUT", self._change_many),
            self._route("/log_entries", "GET", self._log),
        ]

    def _route(self, path: str, method: str, act: Act) -> Route:
        async def answer(request: Request) -> Response:
            if wait := self._patience.wait():
                limited = ApiError(429, 2020, "Rate Limit Exceeded")
                headers = {"ratelimit-reset": str(wait)}
                return JSONResponse(limited.body, limited.status, headers=headers)
            status, body = await self._carry_out(request, act)
            self.calls.append({"method": method, "path": request.url.path, "status": status})
            return JSONResponse(body, status)

        return Route(path, answer, methods=[method])

    async def _carry_out(self, request: Request, act: Act) -> tuple[int, dict[str, Any]]:
        try:
            if request.headers.get("authorization") != f"Token token={self._token}":
                raise ApiError(401, 2006, "The token is missing or not known")  # noqa: TRY301 - door
            return act(request, await _body(request))
        except ApiError as error:
            return error.status, error.body

    def _sender(self, request: Request) -> Agent:
        """Return the user in `From`, which every write needs."""
        email = request.headers.get("from", "")
        if not email:
            raise invalid("The From header is required")
        for user in self._account.users.values():
            if user.email.casefold() == email.casefold():
                return Agent(user)
        raise ApiError(400, 1008, "Requester User Not Found")

    def _oncalls(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        asked = request.query_params
        policies = asked.getlist("escalation_policy_ids[]")
        users = asked.getlist("user_ids[]")
        if asked.getlist("schedule_ids[]"):  # its policies name users; it has no schedules
            return 200, _page(request, "oncalls", [])
        full = "users" in asked.getlist("include[]")
        found = [
            _oncall(policy, level, user, full=full)
            for policy in self._account.policies
            for level, user in enumerate(policy.levels, 1)
            if (not policies or policy.id in policies) and (not users or user.id in users)
        ]
        return 200, _page(request, "oncalls", found)

    def _users(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        query = request.query_params.get("query", "").casefold()
        found = [
            user.shown()
            for user in self._account.users.values()
            if query in user.name.casefold() or query in user.email.casefold()
        ]
        return 200, _page(request, "users", found)

    def _me(self, _request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        raise ApiError(400, 2001, "Invalid Input Provided", "this is an account's token: no user")

    def _user(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"user": self._member(request.path_params["id"]).shown()}

    def _member(self, user_id: object) -> Member:
        user = self._account.users.get(str(user_id))
        if user is None:
            raise ApiError(404, 2100, "Not Found")
        return user

    def _incidents(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        asked = request.query_params
        key, statuses = asked.get("incident_key"), asked.getlist("statuses[]")
        if unknown := set(statuses) - {*OPEN, RESOLVED}:
            raise invalid(f"Invalid status: {', '.join(sorted(unknown))}")
        if asked.get("date_range", "all") != "all":
            raise invalid("date_range must be all")
        found = [
            self._account.shown(incident)
            for incident in self._account.incidents.values()
            if (key is None or incident.key == key)
            and (not statuses or incident.status in statuses)
            and ("date_range" in asked or _recent(incident))
        ]
        if asked.get("sort_by") == "created_at:desc":
            found.reverse()
        return 200, _page(request, "incidents", found)

    def _find(self, incident_id: object) -> Incident:
        incident = self._account.incidents.get(str(incident_id))
        if incident is None:
            raise ApiError(404, 2100, "Not Found")
        return incident

    def _incident(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"incident": self._account.shown(self._find(request.path_params["id"]))}

    def _create(self, request: Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        agent, asked = self._sender(request), _object(body, "incident")
        if asked.get("type") != "incident" or not asked.get("title"):
            raise invalid("an incident needs a type and a title")
        if _object(asked, "service").get("id") != self._account.service["id"]:
            raise invalid("Service not found")
        key = str(asked.get("incident_key") or f"api-{len(self._account.incidents) + 1}")
        if self._account.open_incident(key):
            raise invalid("Open incident with matching dedup key already exists on this service")
        details = {"severity": "info"} if asked.get("urgency") == "low" else {}
        made = self._account.trigger(key, str(asked["title"]), details, agent)
        return 201, {"incident": self._account.shown(made)}

    def _change(self, request: Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        agent = self._sender(request)
        incident = self._find(request.path_params["id"])
        self._apply(incident, _object(body, "incident"), agent)
        return 200, {"incident": self._account.shown(incident)}

    def _change_many(self, request: Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        agent, asked = self._sender(request), body.get("incidents")
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise invalid("incidents must be a list")
        if len(asked) > BULK:
            raise ApiError(413, 2001, "Request Entity Too Large")
        changed = [self._find(one.get("id")) for one in asked]
        for incident, change in zip(changed, asked, strict=True):
            self._apply(incident, change, agent)
        return 200, {"incidents": [self._account.shown(incident) for incident in changed]}

    def _apply(self, incident: Incident, change: dict[str, Any], agent: Agent) -> None:
        if change.get("type") not in ("incident", "incident_reference"):
            raise invalid("type must be incident or incident_reference")
        status, assignments = change.get("status"), change.get("assignments")
        level = change.get("escalation_level")
        if status not in (None, ACKNOWLEDGED, RESOLVED):
            raise invalid("status must be acknowledged or resolved")
        if incident.status == RESOLVED:
            raise invalid("Incident Already Resolved")
        if assignments is not None:
            self._account.assign(incident, self._assignees(assignments), agent)
        elif level is not None:
            if level not in range(1, len(self._account.policies[0].levels) + 1):
                raise invalid("there is no such escalation level")
            self._account.escalate(incident, level, agent)
        if status is not None:
            self._account.move(incident, status, agent)

    def _assignees(self, assignments: Any) -> list[Member]:
        if not isinstance(assignments, list) or not assignments:
            raise invalid("assignments must be a list")
        ids = [_object(one, "assignee").get("id") for one in assignments]
        unknown = [one for one in ids if str(one) not in self._account.users]
        if unknown:
            raise invalid("Assignee not found")
        return [self._member(one) for one in ids]

    def _note(self, request: Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        agent = self._sender(request)
        incident = self._find(request.path_params["id"])
        content = str(_object(body, "note").get("content") or "")
        if not 1 <= len(content) <= NOTE:
            raise invalid(f"a note has 1 to {NOTE} characters")
        self._account.note(incident, content, agent)
        return 201, {"note": {"id": f"N{len(incident.notes)}", "content": content}}

    def _incident_log(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        entries = self._find(request.path_params["id"]).log
        return 200, _page(request, "log_entries", entries[::-1])

    def _log(self, request: Request, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        entries = [e for incident in self._account.incidents.values() for e in incident.log]
        return 200, _page(request, "log_entries", entries[::-1])


def _recent(incident: Incident) -> bool:
    return datetime.fromisoformat(incident.created_at) > datetime.now(UTC) - RECENT


def _oncall(policy: EscalationPolicy, level: int, user: Member, *, full: bool) -> dict[str, Any]:
    return {
        "escalation_policy": policy.reference(),
        "escalation_level": level,
        "schedule": None,
        "user": user.shown() if full else user.reference(),
        "start": None,
        "end": None,
    }


def _page(request: Request, name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        limit = int(request.query_params.get("limit", PAGE))
        offset = int(request.query_params.get("offset", 0))
    except ValueError as error:
        raise invalid("limit and offset must be numbers") from error
    if not 1 <= limit <= PAGE_LIMIT or offset < 0 or offset + limit > OFFSET_LIMIT:
        raise invalid("limit must be 1 to 100, offset + limit at most 10000")
    more = offset + limit < len(found)
    shown = found[offset : offset + limit]
    return {name: shown, "limit": limit, "offset": offset, "more": more, "total": None}


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise invalid("the body is not JSON") from error
    if not isinstance(body, dict):
        raise invalid("the body is not an object")
    return body


def _object(body: Any, name: str) -> dict[str, Any]:
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise invalid(f"{name} must be an object")
    return found
