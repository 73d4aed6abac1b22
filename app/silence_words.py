"""Silences and inhibitions as people say them. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from alerts import silences
from alerts.hiding import Hidden, Inhibited, Seen
from alerts.silences import RecurrenceDraft
from app import channel_words, local_time
from app.parts import Look
from models.tables import Inhibition, Silence
from signals.units import span

ACTIVE: Look = ("blue", "notifications_off")
COMING: Look = ("gray", "schedule")
OVER: Look = ("gray", "history")
NAMED = 5  # alerts, in a preview


def standing(row: Silence, *, now: datetime) -> tuple[str, Look]:
    """Return where a silence stands, and how that looks."""
    if row.ends_at <= now:
        return "over", OVER
    return ("active", ACTIVE) if silences.quiet(row).active(now) else ("coming", COMING)


def when(row: Silence, *, now: datetime, zone: tzinfo) -> str:
    """Return when a silence holds, in one line."""
    end = local_time.short(row.ends_at, now=now, zone=zone)
    if row.ends_at <= now:
        return f"over since {end}" + (f", ended by {row.ended_by}" if row.ended_by else "")
    if row.recurrence is not None:
        said = again(RecurrenceDraft.model_validate(row.recurrence))
        return f"{said}, until {end}{_next(row, now=now, zone=zone)}"
    if row.starts_at > now:
        start = local_time.short(row.starts_at, now=now, zone=zone)
        return f"from {start}, for {span(row.ends_at - row.starts_at)}"
    return f"until {end}, {span(row.ends_at - now)} more"


def again(draft: RecurrenceDraft) -> str:
    """Return when a silence recurs: `Sat, Sun 02:00 Europe/Berlin for 1 h`."""
    days = channel_words.weekdays(draft.weekdays) or "every day"
    return f"{days} {draft.start:%H:%M} {draft.zone} for {span(timedelta(minutes=draft.minutes))}"


def inhibition(row: Inhibition) -> str:
    """Return what an inhibition does, in one sentence."""
    same = f" with the same {', '.join(row.equal)}" if row.equal else ""
    return (
        f"While {' and '.join(row.source)} fires, nobody is told of "
        f"{' and '.join(row.target)}{same}"
    )


def hides(found: Hidden, *, days: int, complete: bool) -> list[str]:
    """Return what a silence would hide and would have hidden, a sentence each."""
    more = "" if complete else "at least "
    said = [
        f"It hides {_count(len(found.now), 'open alert')} now{_names(found.now)}.",
        f"In the last {days} days it would have hidden {more}"
        f"{_count(len(found.lately), 'alert')}{_names(found.lately)}.",
    ]
    if not found.now:
        said[0] = "It hides nothing that is open now."
    if not found.lately:
        said[1] = f"In the last {days} days it would have hidden nothing."
    return said


def mattered(found: Hidden) -> str:
    """Return a warning if somebody acted on what a silence would have hidden; or nothing."""
    if not found.mattered:
        return ""
    some = _count(len(found.mattered), "alert")
    return f"Somebody acted on {some} of these{_names(found.mattered)}."


def inhibits(found: Sequence[Inhibited]) -> str:
    """Return what an inhibition would mute now."""
    if not found:
        return "It mutes nothing that is open now."
    pairs = [f"{named(one.target)} because of {named(one.source)}" for one in found[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"It mutes {_count(len(found), 'open alert')} now: {'; '.join(pairs)}{more}."


def named(seen: Seen) -> str:
    """Return an alert by its rule and what else tells it from its like."""
    own = (n for n in sorted(seen.labels) if n not in ("rule", "alertname", "severity"))
    labels = ", ".join(f"{name}={seen.labels[name]}" for name in own)
    return f"{seen.rule} ({labels})" if labels else seen.rule


def _names(seen: Sequence[Seen]) -> str:
    names = list(dict.fromkeys(map(named, seen)))
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": {'; '.join(names[:NAMED])}{more}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _next(row: Silence, *, now: datetime, zone: tzinfo) -> str:
    windows = silences.quiet(row).windows(now, min(row.ends_at, now + timedelta(days=8)))
    start, end = next(iter(windows), (None, None))
    if start is None or end is None:
        return ""
    if start <= now:
        return f"; now until {local_time.short(end, now=now, zone=zone)}"
    return f"; next {local_time.short(start, now=now, zone=zone)}"
