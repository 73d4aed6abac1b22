"""Asking PagerDuty what became of incidents, where its webhooks cannot reach us.

Source: https://developer.pagerduty.com/api-reference (List incidents)
"""

from dataclasses import dataclass
from datetime import datetime

from alerts.notifiers import NotifyError
from alerts.notifiers.pagerduty_replies import NOBODY, Happening, Reply, is_merge, name
from alerts.notifiers.pagerduty_rest import API_URL
from alerts.notifiers.pagerduty_wire import PAGE, Record, RestApi

TIMEOUT_SECONDS = 5.0  # an answer is awaited for the next one, not for a page
OPEN_LIMIT = 2000  # open incidents of everybody's that are looked through
TRIGGERED, ACKNOWLEDGED, RESOLVED = "triggered", "acknowledged", "resolved"
_HAPPENINGS = {ACKNOWLEDGED: Happening.ACKNOWLEDGED, RESOLVED: Happening.RESOLVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """An incident as PagerDuty shows it.

    Attributes:
        key: Empty where PagerDuty keeps the dedup key with the incident's alerts.
        at: When it got its status, by PagerDuty's clock.
        by: The person who gave it that; empty if none did.
        merged: Whether it was resolved by becoming part of another.
    """

    id: str
    key: str
    status: str
    at: datetime
    by: str
    merged: bool = False

    def told(self, before: str, *, key: str = "") -> Reply | None:
        """Return what happened since the status was `before`; None if nothing did.

        What no person did tells nothing but that status: it is our own event, or one of
        PagerDuty's automata. Only an acknowledgement that is gone is followed whoever ended it.

        Args:
            before: Empty if it was never seen.
            key: The dedup key, where it was found by that.
        """
        if self.status == before:
            return None
        happening = _HAPPENINGS.get(self.status) if self.by else None
        if self.status == TRIGGERED and before == ACKNOWLEDGED:
            happening = Happening.UNACKNOWLEDGED
        if self.merged:
            happening = Happening.MERGED
        return Reply(
            event_id=f"poll:{self.id}:{self.status}:{self.at.isoformat()}",
            happening=happening or Happening.OPENED,
            incident_id=self.id,
            key=key or self.key,
            at=self.at,
            by=self.by or NOBODY,
            status=self.status,
        )


class PagerDutyIncidents:
    """What became of the incidents that a token may see."""

    def __init__(
        self, token: str, *, url: str = API_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._api = RestApi(token, "", url, timeout_seconds)

    def open(self, *, offset: int) -> tuple[list[Sight], bool]:
        """Return the open incidents from `offset` on, newest first, and whether more follow.

        Raises:
            NotifyError: It could not be found out.
        """
        asked: Record = {
            "statuses[]": [TRIGGERED, ACKNOWLEDGED],
            "date_range": "all",  # else those of the last 30 days
            "sort_by": "created_at:desc",
        }
        found, more = self._api.page("incidents", asked, "what is open", offset=offset)
        return [_sight(incident) for incident in found], more and offset + PAGE < OPEN_LIMIT

    def find(self, key: str) -> list[Sight]:
        """Return the incidents under one dedup key, one for each service; see `open`."""
        asked: Record = {"incident_key": key, "date_range": "all", "sort_by": "created_at:desc"}
        found, _ = self._api.page("incidents", asked, "what became of an incident", offset=0)
        return [_sight(incident) for incident in found]


def _sight(incident: Record) -> Sight:
    status, incident_id = incident.get("status"), incident.get("id")
    if not isinstance(incident_id, str) or not isinstance(status, str):
        raise NotifyError("PagerDuty shows an incident without id or status")
    at, by = incident.get("last_status_change_at"), _person(incident.get("last_status_change_by"))
    if status == ACKNOWLEDGED:
        at, by = _first_acknowledgement(incident) or (at, "")
    key = incident.get("incident_key")
    return Sight(
        id=incident_id,
        key=key if isinstance(key, str) else "",
        status=status,
        at=_instant(at or incident.get("created_at")),
        by=by,
        merged=status == RESOLVED and is_merge(incident),
    )


def _first_acknowledgement(incident: Record) -> tuple[object, str] | None:
    """Return when a person acknowledged it first, and who; None if no person did."""
    given = incident.get("acknowledgements")
    made = [
        (one.get("at"), by)
        for one in (given if isinstance(given, list) else [])
        if isinstance(one, dict) and (by := _person(one.get("acknowledger")))
    ]
    return min(made, key=lambda one: str(one[0]), default=None)


def _person(agent: object) -> str:
    """Return who a person is; empty for a service, which our own events go by."""
    kind = agent.get("type") if isinstance(agent, dict) else None
    return (name(agent) or NOBODY) if str(kind).startswith("user") else ""


def _instant(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise NotifyError(f"PagerDuty gives {str(text)[:40]!r} for an instant")
    return at
