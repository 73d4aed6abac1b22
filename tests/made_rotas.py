"""On-call schedules as rows: valid ones, of which a test changes the field it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import rota, rota_changes
from alerts.notifiers import people
from alerts.rota_drafts import OverrideDraft, ScheduleDraft
from alerts.schedule import Gap, shifts
from models.tables import OnCallOverride

ADA = "Ada Lovelace <ada@example.org>"
BEN = "Ben Okri <ben@example.org>"
CLEO = "Cleo Laine <cleo@example.org>"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)  # a Monday; 14:00 in Berlin
DAY = timedelta(days=1)
LAYER: dict[str, Any] = {
    "name": "everyone",
    "people": [ADA, BEN],
    "starts_at": "2026-01-05T08:00:00Z",  # Monday, 09:00 in Berlin
    "turn": "1w",
    "handover": "09:00",
    "weekday": 0,
}
SCHEDULE: dict[str, Any] = {"name": "payments", "zone": "Europe/Berlin", "layers": [LAYER]}


def draft(**changes: Any) -> ScheduleDraft:
    return ScheduleDraft.model_validate(SCHEDULE | changes)


def saved(db: Engine, **changes: Any) -> int:
    return rota_changes.save_schedule(db, draft(**changes), by="grace", now=NOW)


def layer(**changes: Any) -> dict[str, Any]:
    return LAYER | changes


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def override(db: Engine, schedule_id: int, person: str, start: str, end: str) -> int:
    made = OverrideDraft(person=person, starts_at=berlin(start), ends_at=berlin(end), reason="x")
    return rota_changes.add_override(db, schedule_id, made, by="grace", now=NOW)


def overrides(db: Engine) -> list[OnCallOverride]:
    with Session(db) as session:
        return list(session.exec(select(OnCallOverride).order_by(OnCallOverride.id)))  # type: ignore[arg-type]


def name_at(db: Engine, at: datetime, schedule: str = "payments") -> str | None:
    with Session(db) as session:
        found = rota.who_is_on_call(session, schedule, at=at)
        return people.read(found.person).name if found else None


def told(db: Engine, start: datetime, end: datetime, schedule: str = "payments") -> str:
    """Who is on call from `start` to `end`, first names; a dash for a gap."""
    with Session(db) as session:
        row = rota.by_name(session, schedule)
        assert row is not None
        pieces = shifts(rota.load(session, row, at=start).schedule, start, end)
    return " ".join("-" if isinstance(one, Gap) else one.person.split()[0] for one in pieces)
