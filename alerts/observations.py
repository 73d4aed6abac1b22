"""From what the sources answered to what became of each alert of one rule. Pure.

A failed query is not an observation: who evaluates does not come here with one.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts import flapping, lifecycle
from alerts.conditions import AnyCondition, Question
from alerts.lifecycle import Lifecycle, Timing
from alerts.rulecode import templates
from alerts.rulecode.templates import Firing
from models.vocabulary import NoData
from signals import Labels, Reading

Identity = tuple[tuple[str, str], ...]  # a label set, sorted
Seen = Mapping[Identity, Mapping[Question, float]]


class SameLabelsError(Exception):
    """The rule's labels make two series one alert; one sentence says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The part of a rule that decides.

    Attributes:
        labels: Those that the rule adds to what its condition yields, as templates; one that
            comes to nothing is taken away.
        no_data: What a label set amounts to that is not there.
        name: What templates know the rule as.
        external_url: Where we are, for templates.
    """

    condition: AnyCondition
    timing: Timing
    labels: Labels
    no_data: NoData
    name: str = ""
    external_url: str = ""

    @property
    def is_plain(self) -> bool:
        """Say whether the labels are the same whatever the series."""
        return all(text and "{{" not in text for text in self.labels.values())

    def labels_of(self, series: Labels, value: float | None, *, now: datetime) -> Labels:
        """Return the labels of the alert on a series."""
        if self.is_plain:
            return {**series, **self.labels}
        firing = self.firing(series, value, now=now)
        added = templates.render_all(self.name, self.labels, firing)
        return {name: text for name, text in {**series, **added}.items() if text}

    def firing(self, series: Labels, value: float | None, *, now: datetime) -> Firing:
        """Return what templates may speak of; without a value, NaN."""
        return Firing(
            labels=series,
            value=math.nan if value is None else value,
            now=now,
            external_url=self.external_url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An open alert as the core sees it; ids and version are for who writes it."""

    lifecycle: Lifecycle
    flaps: int = 0
    alert_id: int = 0
    group_id: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one label set.

    Attributes:
        labels: Of a new alert; empty where one is open.
        episode: The open alert, if there is one.
        after: None where nothing is (any longer) wrong.
        value: The signal's, if there was one.
        series: The labels as the source gave them; None if nothing was seen.
    """

    labels: Labels
    episode: Episode | None
    after: Lifecycle | None
    value: float | None
    series: Labels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observation:
    labels: Labels
    episode: Episode | None
    holds: bool
    value: float | None
    series: Labels | None = None


def changes(
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode], *, now: datetime
) -> list[Change]:
    """Return what became of the alerts of one rule; what stays as it was is left out.

    Args:
        watch: The rule.
        seen: The values of every question, by label set; see `by_identity`.
        episodes: Its open alerts, by fingerprint.
        now: When that was so.

    Raises:
        SameLabelsError: Two series would be one alert; Prometheus refuses that too.
    """
    found = []
    for observation in _observations(watch, seen, episodes, now):
        episode = observation.episode
        before = episode.lifecycle if episode else None
        timing = flapping.held(watch.timing, episode.flaps if episode else 0)
        after = lifecycle.observe(before, holds=observation.holds, timing=timing, now=now)
        if after != before:
            found.append(
                Change(
                    labels=observation.labels,
                    episode=episode,
                    after=after,
                    value=observation.value,
                    series=observation.series,
                )
            )
    return found


def by_identity(readings: Mapping[Question, Reading]) -> dict[Identity, dict[Question, float]]:
    """Return the values of every question by label set."""
    seen: dict[Identity, dict[Question, float]] = {}
    for question, reading in readings.items():
        for sample in reading.samples:
            identity = tuple(sorted(sample.labels.items()))
            seen.setdefault(identity, {})[question] = sample.value
    return seen


def fingerprint(labels: Labels) -> str:
    """Return the identity of a label set: 16 hex digits, independent of order."""
    canonical = json.dumps(sorted(labels.items()))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def silence(watch: Watch) -> bool | None:
    """Return what a label set that is not there amounts to; None if nothing was observed."""
    if watch.condition.missing is not None:
        return watch.condition.missing
    match watch.no_data:
        case NoData.KEEP:
            return None
        case NoData.ALERT:
            return True
        case NoData.RESOLVE:
            return False


def _observations(
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode], now: datetime
) -> Iterable[_Observation]:
    """Yield what to observe: label sets that breach, and those that have an open alert."""
    left = dict(episodes)
    unseen_holds = silence(watch)
    plain, met = watch.is_plain, set[str]()
    for identity, values in seen.items():
        complete = watch.condition.suffices(values)
        holds = watch.condition.holds(values) or (not complete and unseen_holds is True)
        if not holds and not left:
            continue
        series = dict(identity)
        value = watch.condition.value(values) if complete else None
        labels = {**series, **watch.labels} if plain else watch.labels_of(series, value, now=now)
        mark = fingerprint(labels)
        if mark in met:
            shown = ", ".join(f"{name}={text}" for name, text in sorted(labels.items()))
            raise SameLabelsError(f"two series come to the same labels ({shown}): see the rule's")
        met.add(mark)
        episode = left.pop(mark, None)
        unseen = not complete and not holds and unseen_holds is None
        if (holds or episode) and not unseen:
            yield _Observation(
                labels=labels, episode=episode, holds=holds, value=value, series=series
            )
    if unseen_holds is None:
        return
    for episode in left.values():
        yield _Observation(labels={}, episode=episode, holds=unseen_holds, value=None)
    if unseen_holds and not seen and not left:
        scope: Labels = getattr(watch.condition, "scope", {})
        labels = watch.labels_of(scope, None, now=now)
        yield _Observation(labels=labels, episode=None, holds=True, value=None, series=scope)
