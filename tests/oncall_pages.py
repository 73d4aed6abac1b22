"""On-call schedules in a house, for the pages about them."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import rota, rota_changes
from alerts.rota_drafts import OverrideDraft, ScheduleDraft
from app import cached_oncall
from models.tables import OnCallOverride
from tests.house import House
from tests.made_rotas import ADA, BEN
from tests.memory_source import NOON

DAY = timedelta(days=1)
MONDAY = (NOON - NOON.weekday() * DAY).replace(hour=9)  # of this week, when Ada took over
LAYER: dict[str, Any] = {
    "name": "everyone",
    "people": [ADA, BEN],
    "starts_at": MONDAY,
    "turn": "1w",
    "handover": "09:00",
    "weekday": 0,
}


def saved(house: House, **changes: Any) -> int:
    given = {"name": "payments", "zone": "UTC", "layers": [LAYER], **changes}
    draft = ScheduleDraft.model_validate(given)
    found = rota_changes.save_schedule(house.wiring.db, draft, by="grace", now=house.now)
    cached_oncall.clear()
    return found


def override(house: House, schedule_id: int, person: str, start: datetime, end: datetime) -> None:
    made = OverrideDraft(person=person, starts_at=start, ends_at=end, reason="a dentist")
    rota_changes.add_override(house.wiring.db, schedule_id, made, by="ada", now=house.now)
    cached_oncall.clear()


def drafts(house: House) -> dict[str, ScheduleDraft]:
    with Session(house.wiring.db) as session:
        return {row.name: rota.draft_of(row) for row in rota.schedules(session)}


def overrides(house: House) -> list[OnCallOverride]:
    with Session(house.wiring.db) as session:
        row = rota.by_name(session, "payments")
        assert row is not None
        return list(rota.load(session, row, at=house.now).overrides)


def drawn(page: AppTest) -> str:
    return "\n".join(str(one.proto.body) for one in page.get("html"))
