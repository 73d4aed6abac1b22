"""The forms of on-call schedules: drafts as fields that widgets hold, and back. Pure.

Layers and their hours are known by numbers that never change while one types, as the steps of a
policy are: see `policy_form`. Times of a layer are by the clocks of the schedule's zone.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from alerts import ruledraft
from alerts.layers import DAY, WEEK
from alerts.rota_drafts import (
    LayerDraft,
    OverrideDraft,
    ScheduleDraft,
    Stint,
    SwapDraft,
    WindowDraft,
    known_zones,
)
from app.rule_form import NEEDED, FormError
from models.vocabulary import RotaSource
from models.wallclock import instant, wall

Fields = dict[str, Any]

MOST_WINDOWS: Final = 10
ROTATIONS: Final = {"daily": "Every day", "weekly": "Every week", "custom": "Other"}
UNITS: Final = {"hours": timedelta(hours=1), "days": DAY, "weeks": WEEK}
ANY_DAY: Final = "the day it begins"
# Where pydantic found it, which the form shows already.
_PLACES: Final = re.compile(r"(?:^|(?<=; ))(people|turn|person|zone|address)(\.\d+)?: ")
_ALL_WEEK: Final = (0, 1, 2, 3, 4, 5, 6)
_NIGHTS: Final = WindowDraft(days=_ALL_WEEK, opens=time(18), closes=time(8))
_OFFICE: Final = WindowDraft(days=(0, 1, 2, 3, 4), opens=time(9), closes=time(17))
_WEEKENDS: Final = WindowDraft(days=(5, 6), opens=time(), closes=time())
HOURS: Final = {
    "always": ("Always", ()),
    "nights": ("Nights", (_NIGHTS,)),
    "weekends": ("Weekends", (_WEEKENDS,)),
    "office": ("Office hours", (_OFFICE,)),
}


def blank(*, zone: str, now: datetime, people: Sequence[str] = ()) -> Fields:
    """Return the fields of a new schedule: one weekly layer since Monday, 09:00."""
    clocks = ZoneInfo(zone) if zone in known_zones() else ZoneInfo("UTC")
    return {
        "name": "",
        "zone": str(clocks),
        "source": RotaSource.OWN,
        "address": "",
        "people": [],
        "order": [0],
        "made": 1,
        **layer_fields(0, new_layer(clocks, now=now, people=people)),
        **hours_fields(0, ()),
    }


def new_layer(zone: tzinfo, *, now: datetime, people: Sequence[str] = ()) -> Fields:
    """Return the fields of a layer, without number, that begins on the last Monday."""
    today = wall(now, zone)
    monday = datetime.combine(today.date() - today.weekday() * DAY, time(9))
    return {
        "title": "",
        "members": list(people),
        "begins": monday,
        "rotation": "weekly",
        "every": 12,
        "unit": "hours",
        "handover": time(9),
        "weekday": 0,
        "hours": "always",
    }


def of(draft: ScheduleDraft) -> Fields:
    """Return the fields that show `draft`."""
    fields: Fields = {
        "name": draft.name,
        "zone": draft.zone,
        "source": draft.source,
        "address": draft.address,
        "people": list(draft.people),
        "order": list(range(len(draft.layers))),
        "made": len(draft.layers),
    }
    for number, layer in enumerate(draft.layers):
        shown = _of_layer(layer, ZoneInfo(draft.zone))
        fields |= layer_fields(number, shown) | hours_fields(number, layer.windows)
    return fields


def layer_fields(number: int, fields: Mapping[str, Any]) -> Fields:
    """Return the fields of one layer under its number."""
    return {field(name, number): value for name, value in fields.items()}


def window_fields(number: int, place: int, window: WindowDraft) -> Fields:
    """Return the fields of hours number `place` of a layer."""
    return {
        field("days", number, place): list(window.days),
        field("opens", number, place): window.opens,
        field("closes", number, place): window.closes,
    }


def hours_fields(number: int, windows: Sequence[WindowDraft], *, made: int = 0) -> Fields:
    """Return the fields of a layer's hours, numbered from `made` on."""
    fields: Fields = {
        field("windows", number): list(range(made, made + len(windows))),
        field("windows_made", number): made + len(windows),
    }
    for place, window in enumerate(windows, start=made):
        fields |= window_fields(number, place, window)
    return fields


def field(name: str, number: int, place: int | None = None) -> str:
    """Return the name of a field of one layer, or of one of its hours."""
    return f"{name}_{number}" if place is None else f"{name}_{number}_{place}"


def read_layer(fields: Mapping[str, Any], number: int, zone: tzinfo) -> LayerDraft:
    """Return one layer.

    Raises:
        FormError: It makes no sense; the message says why.
    """

    def given(name: str) -> Any:
        return fields.get(field(name, number))

    begins = given("begins")
    if begins is None or given("handover") is None:
        raise FormError("say when it begins, and when it is handed over")
    by_week = given("rotation") == "weekly" or (
        given("rotation") == "custom" and given("unit") == "weeks"
    )
    try:
        return LayerDraft(
            name=given("title") or f"Layer {number + 1}",
            people=tuple(given("members") or ()),
            starts_at=instant(begins, zone),
            turn=_turn(given),
            handover=given("handover"),
            weekday=given("weekday") if by_week else None,
            windows=tuple(_windows(fields, number)),
        )
    except ValidationError as error:
        raise FormError(_sentence(error)) from error


def read(fields: Mapping[str, Any]) -> ScheduleDraft:
    """Return the schedule that the fields write.

    Raises:
        FormError: Something in it makes no sense; the message says where and why.
    """
    zone = str(fields.get("zone") or "")
    if zone not in known_zones():
        raise FormError(f"{zone!r} is not a time zone: choose one like Europe/Berlin")
    source = fields.get("source") or RotaSource.OWN
    layers = []
    for place, number in enumerate(fields.get("order") or (), start=1):
        if source is RotaSource.OWN:
            try:
                layers.append(read_layer(fields, number, ZoneInfo(zone)))
            except FormError as error:
                raise FormError(f"layer {place}: {error}") from error
    try:
        return ScheduleDraft(
            name=fields.get("name") or "",
            zone=zone,
            source=source,
            address=(fields.get("address") or "") if source is not RotaSource.OWN else "",
            layers=tuple(layers),
            people=tuple(fields.get("people") or ()) if source is RotaSource.ICAL else (),
        )
    except ValidationError as error:
        raise FormError(_sentence(error)) from error


def read_override(fields: Mapping[str, Any], zone: tzinfo) -> OverrideDraft:
    """Return the override that the fields write, by the clocks of `zone`.

    Raises:
        FormError: It makes no sense; the message says why.
    """
    begins, ends = fields.get("begins"), fields.get("ends")
    if not fields.get("person"):
        raise FormError("say who takes over")
    if begins is None or ends is None:
        raise FormError("say from when until when")
    try:
        return OverrideDraft(
            person=str(fields["person"]),
            starts_at=instant(begins, zone),
            ends_at=instant(ends, zone),
            reason=fields.get("reason") or "",
        )
    except ValidationError as error:
        raise FormError(_sentence(error)) from error


def read_swap(first: Stint | None, second: Stint | None, reason: str) -> SwapDraft:
    """Return the swap of two shifts.

    Raises:
        FormError: One of them is not chosen.
    """
    if first is None or second is None:
        raise FormError("choose two shifts")
    try:
        return SwapDraft(first=first, second=second, reason=reason)
    except ValidationError as error:
        raise FormError(_sentence(error)) from error


def _of_layer(draft: LayerDraft, zone: tzinfo) -> Fields:
    rotation, every, unit = _rotation(draft.turn)
    preset = next((key for key, (_, hours) in HOURS.items() if hours == draft.windows), "custom")
    return {
        "title": draft.name,
        "members": list(draft.people),
        "begins": wall(draft.starts_at, zone),
        "rotation": rotation,
        "every": every,
        "unit": unit,
        "handover": draft.handover,
        "weekday": draft.weekday,
        "hours": preset,
    }


def _rotation(turn: timedelta) -> tuple[str, int, str]:
    if turn == DAY:
        return "daily", 1, "days"
    if turn == WEEK:
        return "weekly", 1, "weeks"
    unit = next(unit for unit in ("weeks", "days", "hours") if turn % UNITS[unit] == timedelta())
    return "custom", turn // UNITS[unit], unit


def _turn(given: Any) -> timedelta:
    match given("rotation"):
        case "daily":
            return DAY
        case "weekly":
            return WEEK
        case _:
            return int(given("every") or 0) * UNITS[given("unit") or "hours"]


def _windows(fields: Mapping[str, Any], number: int) -> list[WindowDraft]:
    if fields.get(field("hours", number)) == "always":
        return []
    found = []
    for place in fields.get(field("windows", number)) or ():
        opens = fields.get(field("opens", number, place))
        closes = fields.get(field("closes", number, place))
        days = fields.get(field("days", number, place)) or ()
        if opens is None or closes is None or not days:
            raise FormError("say on which days, from when until when")
        found.append(WindowDraft(days=tuple(days), opens=opens, closes=closes))
    if not found:
        raise FormError("say in which hours it has somebody, or choose Always")
    return found


def _sentence(error: ValidationError) -> str:
    said = ruledraft.why(error).replace(NEEDED, "is needed")
    return _PLACES.sub("", said)
