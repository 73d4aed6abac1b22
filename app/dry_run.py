"""`wakeful policies dry-run`: a policy walked through at an instant, as text."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from sqlmodel import Session

from alerts import lookups, policies, rehearsal
from alerts.escalation import Situation
from alerts.policies import PolicyError
from alerts.wiring import Wiring
from app import local_time, rehearsal_words
from models.database import read_only
from models.tables import Policy
from models.vocabulary import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What the command was asked.

    Attributes:
        at: ISO 8601; without an offset it is a clock's time in `zone`; empty for now.
        severity, alerts: Of the group that would be opened.
        zone: The name of a time zone.
    """

    name: str
    at: str = ""
    severity: Severity = Severity.CRITICAL
    alerts: int = 1
    zone: str = "UTC"


def dry_run(wiring: Wiring, asked: DryRun) -> list[str]:
    """Return the lines to print.

    Raises:
        PolicyError: There is no such policy, or the instant or the zone is none.
    """
    zone = zone_of(asked.zone)
    began, oddity = _instant(asked.at, zone) if asked.at else (wiring.clock(), "")
    plan = policies.plan_of(_policy(wiring, asked.name))
    situation = Situation(severity=asked.severity, size=asked.alerts)
    turns = rehearsal.rehearse(plan, situation, now=began)
    found = lookups.look_up(wiring.usable, rehearsal_words.asked(turns))
    zones = rehearsal_words.clocks(plan, zone)
    of = "1 alert" if asked.alerts == 1 else f"{asked.alerts} alerts"
    opened = began.astimezone(zone)
    return [
        f"{asked.name}: a {asked.severity} group of {of} that opens {opened:%Y-%m-%d %H:%M:%S %Z}",
        *([f"note: {oddity}"] if oddity else []),
        "",
        *rehearsal_words.lines(rehearsal_words.table(turns, found, zones, began=began)),
        "",
        *rehearsal_words.gaps(turns, found, began=began),
        *rehearsal_words.remarks(turns, zones, began=began),
    ]


def _policy(wiring: Wiring, name: str) -> Policy:
    with Session(read_only(wiring.db)) as session:
        known = {policy.name: policy for policy in policies.policies(session)}
    if name not in known:
        raise PolicyError(f"there is no policy {name!r}: there are {', '.join(known) or 'none'}")
    return known[name]


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name.

    Raises:
        PolicyError: There is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PolicyError(f"{name!r} is not a time zone such as Europe/Berlin") from error


def _instant(text: str, zone: tzinfo) -> tuple[datetime, str]:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise PolicyError(f"{text!r} is not a time: write 2026-03-29T01:30 or …+01:00") from error
    return local_time.instant(at, zone) if at.tzinfo is None else (at.astimezone(UTC), "")
