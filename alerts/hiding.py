"""What a silence or an inhibition would hide, and would have hidden. Pure.

The same `muting` that the engine follows is asked about alerts that are open now and about those
that fired lately.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import muting
from alerts.matchers import Matcher, match
from alerts.muting import Firing, Inhibit, Labels, Mutes, Recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An alert, as matchers see it.

    Attributes:
        labels: With `rule` and `severity`: see `muting.identity`.
        acted_on: Whether somebody took it, noted something on it or closed it.
    """

    alert_id: int
    rule: str
    severity: str
    labels: Labels
    fired_at: datetime
    acted_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What would be hidden.

    Attributes:
        now: Of the open alerts.
        lately: Of those that fired lately, newest first.
        mattered: Of these, those that somebody acted on.
    """

    now: tuple[Seen, ...]
    lately: tuple[Seen, ...]
    mattered: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibited:
    """An open alert that would be muted, and the one that would mute it."""

    target: Seen
    source: Seen


def hidden(
    matchers: Sequence[Matcher],
    recurrence: Recurrence | None,
    *,
    opened: Iterable[Seen],
    lately: Iterable[Seen],
) -> Hidden:
    """Return what a silence would hide now, and would have hidden had it been there lately.

    One that recurs would have hidden only what fired within its hours; what is open now it would
    hide once they come.
    """
    fired = tuple(
        seen
        for seen in lately
        if match(matchers, seen.labels) and (recurrence is None or _within(recurrence, seen))
    )
    return Hidden(
        now=tuple(seen for seen in opened if match(matchers, seen.labels)),
        lately=fired,
        mattered=tuple(seen for seen in fired if seen.acted_on),
    )


def inhibited(rule: Inhibit, opened: Sequence[Seen], *, now: datetime) -> tuple[Inhibited, ...]:
    """Return which of the open alerts would be muted by which, by that rule alone."""
    known = {seen.alert_id: seen for seen in opened}
    firing = (Firing(alert_id=seen.alert_id, labels=seen.labels) for seen in opened)
    mutes = Mutes((), (rule,), firing, now=now)
    reasons = ((seen, mutes.reason(seen.labels)) for seen in opened)
    return tuple(
        Inhibited(target=seen, source=known[int(reason.removeprefix("alert:"))])
        for seen, reason in reasons
        if reason
    )


def seen_labels(labels: Labels, *, rule: str, severity: str) -> dict[str, str]:
    """Return the labels of an alert that are worth writing matchers on."""
    named = muting.identity(labels, rule=rule, severity=severity)
    return {name: value for name, value in named.items() if name not in ("alertname", "severity")}


def _within(recurrence: Recurrence, seen: Seen) -> bool:
    return any(start <= seen.fired_at < end for start, end in recurrence.around(seen.fired_at))
