"""The silence form: a silence as fields that widgets hold, and back. Pure."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from alerts import durations, matchers, ruledraft
from alerts.matchers import Matcher
from alerts.muting import Labels, Recurrence
from alerts.silences import InhibitionDraft, RecurrenceDraft, SilenceDraft
from app import local_time
from app.rule_form import NEEDED, FormError

ONCE: Final = "Once"
AGAIN: Final = "Again and again"
LENGTHS: Final = ("30m", "1h", "2h", "4h", "8h", "1d", "7d")
WINDOWS: Final = ("15m", "30m", "1h", "2h", "4h", "8h")
# Labels that tell an alert from its like, in a proposed silence.
_NAMED_BY_RULE: Final = ("alertname", "severity")


def blank(*, now: datetime, zone: tzinfo, labels: Labels | None = None) -> dict[str, Any]:
    """Return the fields of a new silence, of the alert with `labels` if there is one."""
    local = now.astimezone(zone)
    return {
        "matchers": proposed(labels or {}),
        "comment": "",
        "maintenance": False,
        "when": ONCE,
        "later": False,
        "from_date": local.date(),
        "from_time": local.time().replace(second=0, microsecond=0),
        "length": "2h",
        "zone": local_time.zone_name(zone),
        "days": [5, 6],
        "start": time(2),
        "window": "1h",
        "last": local.date() + timedelta(days=30),
    }


def proposed(labels: Labels) -> list[str]:
    """Return a matcher for each label of an alert, as matchers write themselves."""
    return [
        str(matchers.Matcher(name=name, operator=matchers.Operator.EQUAL, value=value))
        for name, value in sorted(labels.items())
        if name not in _NAMED_BY_RULE
    ]


def read_matchers(texts: object) -> tuple[Matcher, ...]:
    """Return the matchers that were typed.

    Raises:
        FormError: There is none, or one is none.
    """
    if not isinstance(texts, list) or not texts:
        raise FormError('say which alerts: at least one matcher, such as feature="chat"')
    try:
        return matchers.parse_all(map(str, texts))
    except matchers.MatcherError as error:
        raise FormError(str(error)) from error


def read_recurrence(fields: Mapping[str, Any]) -> RecurrenceDraft | None:
    """Return when the silence comes again; None if it does not.

    Raises:
        FormError: It makes no sense; the message says why.
    """
    if fields.get("when") != AGAIN:
        return None
    if not fields.get("days"):
        raise FormError("choose at least one day of the week")
    length = _length(fields, "window")
    try:
        return RecurrenceDraft(
            zone=fields.get("zone") or "UTC",
            weekdays=tuple(fields.get("days") or ()),
            start=fields.get("start") or time(0),
            minutes=round(length / timedelta(minutes=1)),
        )
    except ValidationError as error:
        raise FormError(ruledraft.why(error)) from error


def recurrence(draft: RecurrenceDraft | None) -> Recurrence | None:
    """Return what the core knows of it."""
    if draft is None:
        return None
    return Recurrence(
        zone=draft.zone,
        weekdays=frozenset(draft.weekdays),
        start=draft.start,
        length=timedelta(minutes=draft.minutes),
    )


def read(fields: Mapping[str, Any], *, now: datetime, zone: tzinfo) -> SilenceDraft:
    """Return the silence that the fields write.

    Raises:
        FormError: Something in it makes no sense; the message says what.
    """
    read_matchers(fields.get("matchers"))
    again = read_recurrence(fields)
    starts_at, ends_at = _season(fields, again, now) if again else _once(fields, now=now, zone=zone)
    try:
        return SilenceDraft(
            matchers=tuple(fields.get("matchers") or ()),
            starts_at=starts_at,
            ends_at=ends_at,
            recurrence=again,
            maintenance=bool(fields.get("maintenance")),
            comment=fields.get("comment") or "",
        )
    except ValidationError as error:
        raise FormError(ruledraft.why(error).replace(f"comment: {NEEDED}", "say why")) from error


def read_inhibition(fields: Mapping[str, Any]) -> InhibitionDraft:
    """Return the inhibition that the fields write.

    Raises:
        FormError: Something in it makes no sense; the message says what.
    """
    for side in ("source", "target"):
        try:
            read_matchers(fields.get(side))
        except FormError as error:
            raise FormError(f"{side}: {error}") from error
    try:
        return InhibitionDraft(
            name=fields.get("name") or "",
            source=tuple(fields.get("source") or ()),
            target=tuple(fields.get("target") or ()),
            equal=tuple(fields.get("equal") or ()),
        )
    except ValidationError as error:
        raise FormError(ruledraft.why(error).replace(NEEDED, "is needed")) from error


def _once(fields: Mapping[str, Any], *, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    starts_at = now
    if fields.get("later"):
        typed = datetime.combine(
            fields.get("from_date") or now.astimezone(zone).date(),
            fields.get("from_time") or time(0),
        )
        starts_at, _ = local_time.instant(typed, zone)
    return starts_at, starts_at + _length(fields, "length")


def _season(
    fields: Mapping[str, Any], again: RecurrenceDraft, now: datetime
) -> tuple[datetime, datetime]:
    """Return from now to the end of the last day, by the clock of the recurrence."""
    last = fields.get("last")
    if not isinstance(last, date):
        raise FormError("choose the last day")
    midnight = datetime.combine(last + timedelta(days=1), time(0))
    ends_at, _ = local_time.instant(midnight, ZoneInfo(again.zone))
    if ends_at <= now:
        raise FormError("the last day is over already")
    return now, ends_at


def _length(fields: Mapping[str, Any], field: str) -> timedelta:
    try:
        length = durations.parse(str(fields.get(field) or ""))
    except ValueError as error:
        raise FormError(str(error)) from error
    if length <= timedelta():
        raise FormError("it must last longer than no time at all")
    return length
