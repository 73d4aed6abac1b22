"""What keeps people from being told of an alert that fires: silences and inhibitions. Pure.

Source: https://prometheus.io/docs/alerting/latest/alertmanager/#silences, …/#inhibition
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.matchers import Matcher, match

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """The same hours of some days of the week, by the clock of one place.

    Attributes:
        weekdays: On which it starts; 0 is Monday.
        start: Local time.
        length: At most a day.
    """

    zone: str
    weekdays: frozenset[int]
    start: time
    length: timedelta

    def around(self, at: datetime) -> Iterable[tuple[datetime, datetime]]:
        """Return the occurrences that start from the day before `at` to a week after, in order."""
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for offset in range(-1, 9):
            day = today + timedelta(days=offset)
            if day.weekday() in self.weekdays:
                # By wall clock at its start, and of the same length on a day of 23 or 25 hours.
                begins = datetime.combine(day, self.start, tzinfo=zone).timestamp()
                yield (
                    datetime.fromtimestamp(begins, at.tzinfo),
                    datetime.fromtimestamp(begins, at.tzinfo) + self.length,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A silence: alerts that match every matcher are not told while it is active."""

    silence_id: int
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    recurrence: Recurrence | None = None

    def active(self, at: datetime) -> bool:
        """Say whether it holds at `at`."""
        if not self.starts_at <= at < self.ends_at:
            return False
        return self.recurrence is None or any(
            start <= at < end for start, end in self.recurrence.around(at)
        )

    def windows(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        """Return when it is active within [start, end), in order and clipped to it."""
        if self.recurrence is None:
            spans: list[tuple[datetime, datetime]] = [(self.starts_at, self.ends_at)]
        else:
            spans, day = [], start
            while day < end + timedelta(days=1):
                spans += self.recurrence.around(day)
                day += timedelta(days=7)
        low, high = max(start, self.starts_at), min(end, self.ends_at)
        for begins, ends in dict.fromkeys(spans):
            if max(begins, low) < min(ends, high):
                yield max(begins, low), min(ends, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibit:
    """While an alert that matches `source` fires, those that match `target` are not told.

    Attributes:
        equal: Labels in which the two must agree.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def agreement(self, labels: Labels) -> tuple[str, ...]:
        """Return the values of `labels` that must be the same on both sides."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An open alert, as a source of inhibition."""

    alert_id: int
    labels: Labels


class Mutes:
    """All that mutes at one instant.

    Args:
        silences: Those that may be active.
        inhibitions: The rules of inhibition.
        firing: The open alerts, muted ones included.
        now: The instant.
    """

    def __init__(
        self,
        silences: Sequence[Quiet],
        inhibitions: Sequence[Inhibit],
        firing: Iterable[Firing],
        *,
        now: datetime,
    ) -> None:
        self.active = tuple(s for s in silences if s.active(now))
        self._inhibitions = inhibitions
        self.sources: list[dict[tuple[str, ...], int]] = [{} for _ in inhibitions]
        for alert in firing if inhibitions else ():
            for inhibition, sources in zip(inhibitions, self.sources, strict=True):
                # As in Alertmanager, what is both source and target inhibits nothing.
                is_source = match(inhibition.source, alert.labels)
                if is_source and not match(inhibition.target, alert.labels):
                    sources.setdefault(inhibition.agreement(alert.labels), alert.alert_id)

    def reason(self, labels: Labels) -> str:
        """Return what mutes an alert with `labels`: `silence:3`, `alert:17`, or nothing."""
        for silence in self.active:
            if match(silence.matchers, labels):
                return f"silence:{silence.silence_id}"
        for inhibition, sources in zip(self._inhibitions, self.sources, strict=True):
            if sources and match(inhibition.target, labels):
                source = sources.get(inhibition.agreement(labels))
                if source is not None:
                    return f"alert:{source}"
        return ""


def identity(labels: Labels, *, rule: str, severity: str) -> dict[str, str]:
    """Return what matchers and groupings see of an alert."""
    return {**labels, "rule": rule, "alertname": rule, "severity": severity}
