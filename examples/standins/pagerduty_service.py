"""A PagerDuty account: one service, who is on call for it, its incidents and their timelines."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# What is resolved stays so. Source: https://support.pagerduty.com/main/docs/incidents
TRIGGERED, ACKNOWLEDGED, RESOLVED = "triggered", "acknowledged", "resolved"
OPEN = (TRIGGERED, ACKNOWLEDGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Someone in the account."""

    id: str
    name: str
    email: str

    def reference(self) -> dict[str, Any]:
        """Return the short form the API uses inside other things."""
        return {"id": self.id, "type": "user_reference", "summary": self.name}

    def shown(self) -> dict[str, Any]:
        """Return the user as the API shows one."""
        named = {"name": self.name, "email": self.email, "role": "user", "time_zone": "Etc/UTC"}
        return self.reference() | {"type": "user"} | named


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """Who is told first, second, …: `levels[0]` is level 1."""

    id: str
    name: str
    levels: tuple[Member, ...]

    def reference(self) -> dict[str, Any]:
        """Return the short form the API uses inside other things."""
        return {"id": self.id, "type": "escalation_policy_reference", "summary": self.name}


@dataclass(slots=True, kw_only=True)
class Incident:
    """Something somebody must look at."""

    id: str
    number: int
    key: str
    title: str
    urgency: str
    created_at: str
    assignees: list[Member]
    details: dict[str, Any] = field(default_factory=dict)
    status: str = TRIGGERED
    level: int = 1
    opened_under: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    acknowledgements: list[dict[str, Any]] = field(default_factory=list)
    changed_at: str = ""
    changed_by: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """Who did something: a member, the service's integration, or nobody: a time ran out."""

    member: Member | None = None
    nobody: bool = False

    def shown(self) -> dict[str, Any] | None:
        """Return the agent as logs and webhooks show one."""
        if self.nobody:
            return None
        if self.member is not None:
            return self.member.reference()
        kind = "events_api_v2_inbound_integration_reference"
        return {"id": "PINTEGR", "type": kind, "summary": "Events API v2"}


INTEGRATION = Agent()
NOBODY = Agent(nobody=True)
# Told of every change: event type such as `incident.resolved`, the incident, and who did it.
Listener = Callable[[str, Incident, Agent], None]


class Account:
    """Everything that is in PagerDuty."""

    def __init__(
        self, policies: tuple[EscalationPolicy, ...], users: tuple[Member, ...], tell: Listener
    ) -> None:
        self.policies = policies
        self.users = {user.id: user for user in users}
        self.incidents: dict[str, Incident] = {}
        self._tell = tell
        self._numbers = itertools.count(1)

    @property
    def service(self) -> dict[str, Any]:
        """Return the one service, in short form."""
        return {"id": "PSERVIC", "type": "service_reference", "summary": "Copilot"}

    def open_incident(self, key: str) -> Incident | None:
        """Return the incident that is open under `key`, or None."""
        for incident in self.incidents.values():
            if incident.key == key and incident.status in OPEN:
                return incident
        return None

    def trigger(self, key: str, title: str, details: dict[str, Any], agent: Agent) -> Incident:
        """Open an incident, or append to the one that is open under `key`."""
        incident = self.open_incident(key)
        if incident is not None:
            incident.details = details or incident.details
            self._log(incident, "trigger_log_entry", agent, "triggered again")
            return incident
        number = next(self._numbers)
        policy = self.policies[0]
        incident = Incident(
            id=f"Q{number:06d}",
            number=number,
            key=key,
            title=title,
            urgency="low" if details.get("severity") in ("warning", "info") else "high",
            created_at=now(),
            assignees=list(policy.levels[:1]),
            details=details,
        )
        self.incidents[incident.id] = incident
        self._changed(incident, TRIGGERED, agent)
        self._log(incident, "trigger_log_entry", agent, "triggered")
        self._log(incident, "assign_log_entry", INTEGRATION, f"assigned by {policy.name}")
        self._tell("incident.triggered", incident, agent)
        return incident

    def move(self, incident: Incident, status: str, agent: Agent) -> None:
        """Acknowledge or resolve; what is resolved stays so."""
        if incident.status in (RESOLVED, status):
            return
        self._changed(incident, status, agent)
        entry = "acknowledge_log_entry" if status == ACKNOWLEDGED else "resolve_log_entry"
        self._log(incident, entry, agent, status)
        if status == RESOLVED:
            incident.assignees = []
        self._tell(f"incident.{status}", incident, agent)

    def unacknowledge(self, incident: Incident) -> None:
        """Let an acknowledgement run out, as the service's acknowledgement timeout does."""
        if incident.status != ACKNOWLEDGED:
            return
        self._changed(incident, TRIGGERED, NOBODY)
        self._log(incident, "unacknowledge_log_entry", NOBODY, "its acknowledgement ran out")
        self._tell("incident.unacknowledged", incident, NOBODY)

    def assign(self, incident: Incident, members: list[Member], agent: Agent) -> None:
        """Hand the incident to `members`, and acknowledged by none of them."""
        incident.assignees = members
        if incident.status == ACKNOWLEDGED:
            self._changed(incident, TRIGGERED, agent)
        names = ", ".join(member.name for member in members)
        self._log(incident, "assign_log_entry", agent, f"assigned to {names}")
        self._tell("incident.reassigned", incident, agent)

    def escalate(self, incident: Incident, level: int, agent: Agent) -> None:
        """Hand the incident to another level of its policy."""
        incident.level = level
        incident.assignees = [self.policies[0].levels[level - 1]]
        self._log(incident, "escalate_log_entry", agent, f"escalated to level {level}")
        self._tell("incident.escalated", incident, agent)

    def note(self, incident: Incident, text: str, agent: Agent) -> None:
        """Keep a note."""
        incident.notes.append(text)
        self._log(incident, "annotate_log_entry", agent, f"note: {text}")
        self._tell("incident.annotated", incident, agent)

    def shown(self, incident: Incident) -> dict[str, Any]:
        """Return the incident as the API shows one."""
        at = incident.log[-1]["created_at"]
        return {
            "id": incident.id,
            "type": "incident",
            "summary": f"[#{incident.number}] {incident.title}",
            "incident_number": incident.number,
            "title": incident.title,
            "created_at": incident.created_at,
            "status": incident.status,
            "incident_key": incident.key,
            "urgency": incident.urgency,
            "service": self.service,
            "escalation_policy": self.policies[0].reference(),
            "assignments": [{"at": at, "assignee": m.reference()} for m in incident.assignees],
            "acknowledgements": incident.acknowledgements,
            "last_status_change_at": incident.changed_at,
            "last_status_change_by": incident.changed_by,
            "resolve_reason": None,
            "html_url": f"/#{incident.id}",
        }

    def _changed(self, incident: Incident, status: str, agent: Agent) -> None:
        # What came as an event, or by itself, is the service's doing.
        by = self.service if agent.member is None else agent.member.reference()
        incident.status, incident.changed_at, incident.changed_by = status, now(), by
        acknowledgement = {"at": incident.changed_at, "acknowledger": by}
        incident.acknowledgements = [acknowledgement] if status == ACKNOWLEDGED else []

    def _log(self, incident: Incident, kind: str, agent: Agent, summary: str) -> None:
        incident.log.append(
            {
                "id": f"R{len(incident.log) + 1:04d}{incident.id}",
                "type": kind,
                "summary": summary,
                "created_at": now(),
                "agent": agent.shown(),
                "channel": {"type": "api" if agent is INTEGRATION else "web_ui"},
                "incident": {"id": incident.id, "type": "incident_reference"},
                "service": self.service,
            }
        )


def now() -> str:
    """Return the time as PagerDuty writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
