"""From what the sources answered to what became of each alert of one rule. Pure.

A failed query is not an observation: who evaluates does not come here with one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts import flapping, lifecycle
from alerts.conditions import AnyCondition, Question
from alerts.lifecycle import Lifecycle, Timing
from models.vocabulary import NoData
from signals import Labels, Reading

Identity = tuple[tuple[str, str], ...]  # a label set, sorted
Seen = Mapping[Identity, Mapping[Question, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The part of a rule that decides.

    Attributes:
        labels: Those that the rule adds to what its condition yields.
        no_data: What a label set amounts to that is not there.
    """

    condition: AnyCondition
    timing: Timing
    labels: Labels
    no_data: NoData


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
    """

    labels: Labels
    episode: Episode | None
    after: Lifecycle | None
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observation:
    labels: Labels
    episode: Episode | None
    holds: bool
    value: float | None


def changes(
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode], *, now: datetime
) -> list[Change]:
    """Return what became of the alerts of one rule; what stays as it was is left out.

    Args:
        watch: The rule.
        seen: The values of every question, by label set; see `by_identity`.
        episodes: Its open alerts, by fingerprint.
        now: When that was so.
    """
    found = []
    for observation in _observations(watch, seen, episodes):
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
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode]
) -> Iterable[_Observation]:
    """Yield what to observe: label sets that breach, and those that have an open alert."""
    left = dict(episodes)
    means, questions = silence(watch), watch.condition.questions
    for identity, values in seen.items():
        complete = all(question in values for question in questions)
        holds = watch.condition.holds(values) or (not complete and means is True)
        if not holds and not left:
            continue
        labels = {**dict(identity), **watch.labels}
        episode = left.pop(fingerprint(labels), None)
        unseen = not complete and not holds and means is None
        if (holds or episode) and not unseen:
            value = watch.condition.value(values) if complete else None
            yield _Observation(labels=labels, episode=episode, holds=holds, value=value)
    if means is None:
        return
    for episode in left.values():
        yield _Observation(labels={}, episode=episode, holds=means, value=None)
    if means and not seen and not left:
        labels = {**getattr(watch.condition, "scope", {}), **watch.labels}
        yield _Observation(labels=labels, episode=None, holds=True, value=None)
