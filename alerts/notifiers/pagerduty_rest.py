"""PagerDuty's REST API: who is on call, and handing them the incident.

Source: https://developer.pagerduty.com/api-reference (List all of the on-calls, List users,
List incidents, Update an incident)
"""

from datetime import UTC, datetime

from alerts.notifiers import Message, NotifyError, Person, Receipt
from alerts.notifiers.pagerduty_wire import TIMEOUT_SECONDS, Record, RestApi
from models.vocabulary import Event

API_URL = "https://api.pagerduty.com"
DEFAULT = "default"


class PagerDutyAssignment:
    """Gives an alert's incident to a person; a target is their e-mail address."""

    def __init__(
        self,
        token: str,
        *,
        sender: str = "",
        url: str = API_URL,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Take the token and, for an account's token, the e-mail of the user who assigns."""
        self._sender = sender
        self._api = RestApi(token, sender, url, timeout_seconds)

    def send(self, target: str, message: Message) -> Receipt:
        """Assign the incident that `message` is about to the owner of `target`.

        Its acknowledgement and its end reach PagerDuty as events of the service. The incident
        is found by our dedup key, so a page that is not there yet is worth another attempt.
        See `Notifier.send`.
        """
        if message.event is not Event.TRIGGER:
            return Receipt(answer=f"nothing to do: the service is told of the {message.event}")
        user = self._user(target)
        incident = self._incident(message.vendor_key)
        if user["id"] in _assignees(incident):
            return Receipt(answer=f"already assigned to {target}", external_id=incident["id"])
        assignee = {"id": user["id"], "type": "user_reference"}
        change = {"type": "incident_reference", "assignments": [{"assignee": assignee}]}
        self._api.put(f"/incidents/{incident['id']}", {"incident": change}, f"to assign {target}")
        return Receipt(answer=f"assigned to {target}", external_id=incident["id"])

    def check(self) -> str:
        """Return that the token is good, and that the assigning user exists."""
        if self._sender:
            return f"token accepted; assigns as {self._user(self._sender).get('name')}"
        self._api.get("/users", {"limit": 1}, "who is there")
        return "token accepted"

    def _user(self, email: str) -> Record:
        # `query` matches parts of names and addresses.
        found = self._api.every("users", {"query": email}, f"who is {email}")
        for user in found:
            if str(user.get("email", "")).casefold() == email.casefold() and user.get("id"):
                return user
        raise NotifyError(
            f"nobody in PagerDuty has the e-mail address {email}: correct it here or there",
            permanent=True,
        )

    def _incident(self, dedup_key: str) -> Record:
        asked: Record = {
            "incident_key": dedup_key,
            "statuses[]": ["triggered", "acknowledged"],
            "date_range": "all",  # else those of the last 30 days
        }
        found = self._api.every("incidents", asked, "which incident this is")
        for incident in found:
            if incident.get("id") and incident.get("incident_key") in (dedup_key, None):
                return incident
        raise NotifyError("PagerDuty has no open incident for this alert yet")


class PagerDutyOnCall:
    """Who is on call by PagerDuty's schedules; see `Directory`."""

    def __init__(
        self, token: str, *, url: str = API_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._api = RestApi(token, "", url, timeout_seconds)

    def find(self, target: str, *, at: datetime) -> list[Person]:
        """Return who is on the lowest escalation level that anyone is on at `at`.

        Args:
            target: "default" for any policy the token can see, or an escalation policy's id.
            at: Aware.
        """
        asked: Record = {
            "earliest": "true",
            "include[]": ["users"],
            "since": at.isoformat(),
            "until": at.isoformat(),
        }
        if target != DEFAULT:
            asked["escalation_policy_ids[]"] = [target]
        entries = self._api.every("oncalls", asked, f"who is on call for {target}")
        reachable = [(_level(entry), person) for entry in entries if (person := _person(entry))]
        if entries and not reachable:
            raise NotifyError(
                f"PagerDuty gives no e-mail address for who is on call for {target}: the token "
                "must be allowed to read users",
                permanent=True,
            )
        lowest = min((level for level, _ in reachable), default=0)
        return list(dict.fromkeys(person for level, person in reachable if level == lowest))


class PagerDutySchedules:
    """Who is on call by one of PagerDuty's schedules, which some escalation policy must use."""

    def __init__(
        self, token: str, *, url: str = API_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._api = RestApi(token, "", url, timeout_seconds)

    def find(self, schedule_id: str, *, at: datetime) -> list[Person]:
        """Return who is on call at `at`, aware; empty for a gap. See `Directory.find`."""
        entries = self._entries(schedule_id, at, at)
        return list(dict.fromkeys(_known(entry, schedule_id) for entry in entries))

    def turns(
        self, schedule_id: str, *, start: datetime, end: datetime
    ) -> list[tuple[Person, datetime, datetime]]:
        """Return the turns that touch the time from `start` to `end`, at most 90 days apart.

        Each is whole; one that always was, or always will be, is cut at the bounds.

        Raises:
            NotifyError: It could not be found out.
        """
        found = {
            (
                _known(entry, schedule_id),
                _instant(entry.get("start")) or start,
                _instant(entry.get("end")) or end,
            )
            for entry in self._entries(schedule_id, start, end)
        }  # each entry is there once for every escalation policy
        return sorted(found, key=lambda turn: (turn[1], turn[2], turn[0].email))

    def _entries(self, schedule_id: str, start: datetime, end: datetime) -> list[Record]:
        asked: Record = {
            "include[]": ["users"],
            "schedule_ids[]": [schedule_id],
            "since": start.isoformat(),
            "until": end.isoformat(),
        }
        return self._api.every("oncalls", asked, f"who is on call by the schedule {schedule_id}")


def _assignees(incident: Record) -> set[str]:
    assignments = incident.get("assignments") or []
    return {
        str(assignment["assignee"].get("id"))
        for assignment in assignments
        if isinstance(assignment, dict) and isinstance(assignment.get("assignee"), dict)
    }


def _level(entry: Record) -> int:
    level = entry.get("escalation_level")
    return level if isinstance(level, int) else 1


def _instant(text: object) -> datetime | None:
    if text is None:
        return None  # always was, or always will be
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError as error:
        raise NotifyError(f"PagerDuty gives {str(text)[:40]!r} for an instant") from error


def _known(entry: Record, schedule_id: str) -> Person:
    person = _person(entry)
    if person is None:
        raise NotifyError(
            "PagerDuty gives no e-mail address for who is on call by the schedule "
            f"{schedule_id}: the token must be allowed to read users",
            permanent=True,
        )
    return person


def _person(entry: Record) -> Person | None:
    user = entry.get("user")
    if not isinstance(user, dict) or not user.get("email"):
        return None
    return Person(name=str(user.get("name") or user.get("summary")), email=str(user["email"]))
