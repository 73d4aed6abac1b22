"""What a rule would have done over a stretch of the past: the live code, run over series. Pure.

`observations.changes` decides here as it does live. It is asked only at instants at which something
can happen: a label set began or ceased to be there or to hold, or an open alert's patience ran out.
Between two such instants nothing changes, however many there are: a month in minutes is 43,200.
"""

import heapq
import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts import flapping, observations
from alerts.conditions import Question
from alerts.lifecycle import Lifecycle
from alerts.observations import BLIND, Change, Episode, Identity, Seen, Watch
from models.vocabulary import AlertState, DataState
from signals import Labels, Series

Answers = Mapping[Question, Sequence[Series]]
Values = NDArray[np.float64]
_PRESENT, _COMPLETE, _HOLDS, _IDLE, _COUNTED = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Instants:
    """Instants at equal distances: `start`, `start + step`, …, `count` of them."""

    start: datetime
    step: timedelta
    count: int

    def at(self, index: int) -> datetime:
        """Return one of them."""
        return self.start + index * self.step

    def index(self, at: datetime) -> int:
        """Return the first that is not before `at`; may be `count` or more."""
        return max(0, math.ceil((at - self.start) / self.step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One alert there would have been.

    Attributes:
        active_at: When its condition began to hold.
        fired_at: None where it stopped before that.
        ended_at: None where it would still be open.
        value: When it fired, if there was one.
        flaps: See `alerts.flapping`.
    """

    labels: Labels
    active_at: datetime
    fired_at: datetime | None = None
    ended_at: datetime | None = None
    value: float | None = None
    flaps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """What would have happened, over all label sets.

    Attributes:
        alerts: In the order in which they became active.
        held: For how long the condition held, summed over label sets, or nothing was there where
            that is a breach.
        label_sets: How many there were; none means that there was no data.
        known: For how long there was data of any.
    """

    alerts: tuple[Past, ...]
    held: timedelta
    label_sets: int
    known: timedelta
    instants: Instants

    @property
    def fired(self) -> tuple[Past, ...]:
        """Return the alerts that fired."""
        return tuple(alert for alert in self.alerts if alert.fired_at is not None)


def backtest(
    watch: Watch, answers: Answers, instants: Instants, *, every: timedelta | None = None
) -> Hindsight:
    """Return what `watch` would have made of `answers`.

    Args:
        watch: The rule.
        answers: The series of each of its questions; where one has no value at an instant, there
            was none, or no traffic where the series says so. A source that did not answer then, or
            had nothing new, cannot be told from it.
        instants: Where the values lie; each stands until the next.
        every: How often the rule is evaluated; at each of `instants` by default.
    """
    table = _Table(watch, answers, instants, every or instants.step)
    course = _Course(watch, table.evaluated)
    for index, due in course.through(table.flips):
        affected = table.affected(index, due)
        seen, episodes = table.seen(index, affected), course.among(affected | table.wholes)
        # Where nothing is there at all, that nothing is open makes a difference.
        course.observe(seen, episodes if seen.values else course.episodes, index)
    return Hindsight(
        alerts=tuple(course.finished()),
        held=instants.step * table.held,
        label_sets=len(table.values),
        known=instants.step * table.known,
        instants=instants,
    )


class _Table:
    """The values of every label set, and where something about them changes."""

    def __init__(
        self, watch: Watch, answers: Answers, instants: Instants, every: timedelta
    ) -> None:
        self._watch = watch
        self._every, self._step = every, instants.step
        past = instants.count * instants.step
        self.evaluated = Instants(start=instants.start, step=every, count=math.ceil(past / every))
        self.values, idle = _by_identity(answers, instants)
        self._states: dict[Identity, NDArray[np.int8]] = {}
        self._fingerprints: dict[Identity, str] = {}
        self._changed: dict[int, list[Identity]] = {0: list(self.values)} if instants.count else {}
        self.held = 0
        there = np.zeros(instants.count, dtype=bool)
        for identity, values in self.values.items():
            state = self._state(values, idle[identity])
            self._states[identity] = state
            labels = watch.labels_of(dict(identity), None, now=instants.start)
            self._fingerprints[identity] = observations.fingerprint(labels)
            for place in (np.flatnonzero(np.diff(state)) + 1).tolist():
                index = self.evaluated.index(instants.at(place))
                self._changed.setdefault(index, []).append(identity)
            self.held += int(np.count_nonzero(state & _HOLDS))
            there |= (state & _PRESENT).astype(bool)
        self.known = int(np.count_nonzero(there))
        silent = np.zeros(instants.count, dtype=bool)
        for state in self._states.values():
            silent |= (state & _IDLE).astype(bool)
        for named, when in ((DataState.NO_TRAFFIC, silent), (DataState.NO_SERIES, ~silent)):
            if observations.amounts_to(watch, named):
                self.held += int(np.count_nonzero(~there & when))
        self._identities = {print_: one for one, print_ in self._fingerprints.items()}
        whole = watch.whole(now=instants.start)
        both = {observations.fingerprint(labels) for labels in (whole, {**whole, **BLIND})}
        self.wholes = both - self._identities.keys()  # what is about no single label set

    @property
    def flips(self) -> list[int]:
        """Return the instants at which some label set is not as it was."""
        return sorted(self._changed)

    def affected(self, index: int, due: Collection[str]) -> set[str]:
        """Return the fingerprints of what may change: of what flips, and `due`.

        Where none of those is there, one that is comes with them: that something was there is
        itself an observation.
        """
        found = {self._fingerprints[one] for one in self._changed.get(index, ())} | set(due)
        if not any(self._is_there(one, index) for one in found):
            there = (one for one in self._identities if self._is_there(one, index))
            found |= set(itertools.islice(there, 1))
        return found

    def seen(self, index: int, affected: Collection[str]) -> Seen:
        """Return what was there at an instant, of the label sets that are `affected`.

        Where none is there, all that are idle are told, for they make a difference to the whole.
        """
        there = [self._identities[one] for one in affected if self._is_there(one, index)]
        values = {identity: self._at(identity, index) for identity in there}
        asked = affected if values else self._identities
        idle = {self._identities[one] for one in asked if self._is(one, index, _IDLE)}
        return Seen(values=values, idle=idle)

    def _is_there(self, fingerprint: str, index: int) -> bool:
        return self._is(fingerprint, index, _PRESENT)

    def _is(self, fingerprint: str, index: int, what: int) -> bool:
        identity = self._identities.get(fingerprint)
        if identity is None:
            return False
        return bool(self._states[identity][self._place(index)] & what)

    def _place(self, index: int) -> int:
        """Return which of the values stands at an evaluation."""
        return index * self._every // self._step

    def _at(self, identity: Identity, index: int) -> dict[Question, float]:
        place = self._place(index)
        values = self.values[identity].items()
        return {q: float(v[place]) for q, v in values if not math.isnan(v[place])}

    def _state(
        self, values: Mapping[Question, Values], idle: NDArray[np.bool_]
    ) -> NDArray[np.int8]:
        count = len(next(iter(values.values())))
        nothing = np.full(count, np.nan)
        all_values = {q: values.get(q, nothing) for q in self._watch.condition.questions}
        there = [~np.isnan(v) for v in all_values.values()]
        holds = self._watch.condition.holds_over(all_values)
        state: NDArray[np.int8] = (
            _PRESENT * np.logical_or.reduce(there)
            + _COMPLETE * self._watch.condition.suffices_over(all_values)
            + _HOLDS * holds
            + _IDLE * idle
            + _COUNTED * np.logical_and.reduce(there)  # if it does not suffice, why not
        ).astype(np.int8)
        return state


@dataclass(slots=True)
class _Course:
    """The open alerts on their way through time, and those that are over."""

    watch: Watch
    instants: Instants
    episodes: dict[str, Episode] = field(default_factory=dict)
    _open: dict[str, Past] = field(default_factory=dict)
    _over: list[Past] = field(default_factory=list)
    _keys: dict[int, str] = field(default_factory=dict)
    _fired: dict[str, list[datetime]] = field(default_factory=dict)
    _due: list[tuple[int, str]] = field(default_factory=list)

    def through(self, flips: Sequence[int]) -> Iterator[tuple[int, set[str]]]:
        """Yield each instant at which something can happen, and whose patience runs out then."""
        for flip in (*flips, self.instants.count):
            while self._due and self._due[0][0] < flip:
                index = self._due[0][0]
                yield index, self._due_at(index)
            if flip < self.instants.count:
                yield flip, self._due_at(flip)

    def among(self, fingerprints: Collection[str]) -> dict[str, Episode]:
        """Return the open alerts that have one of `fingerprints`."""
        return {one: self.episodes[one] for one in fingerprints if one in self.episodes}

    def observe(self, seen: Seen, episodes: Mapping[str, Episode], index: int) -> None:
        """Take what was there at one instant."""
        now = self.instants.at(index)
        for change in observations.changes(self.watch, seen, episodes, now=now):
            self._take(change, now)

    def _due_at(self, index: int) -> set[str]:
        found = set()
        while self._due and self._due[0][0] <= index:
            found.add(heapq.heappop(self._due)[1])
        return found

    def finished(self) -> list[Past]:
        """Return all alerts, those that are open last seen so."""
        found = [*self._over, *self._open.values()]
        return sorted(found, key=lambda alert: alert.active_at)

    def _take(self, change: Change, now: datetime) -> None:
        before, after = change.episode, change.after
        key = self._keys[before.alert_id] if before else observations.fingerprint(change.labels)
        if after is None:
            self._over.append(replace(self._open.pop(key), ended_at=now))
            del self.episodes[key]
            return
        past = self._open.get(key) or Past(labels=change.labels, active_at=after.active_at)
        flaps = before.flaps if before else 0
        if after.fired_at is not None and past.fired_at is None:
            earlier = self._fired.setdefault(key, [])
            flaps = flapping.flaps([at for at in earlier if now - at < flapping.WITHIN], now=now)
            earlier.append(now)
            past = replace(past, fired_at=now, value=change.value, flaps=flaps)
        if after.state is AlertState.RESOLVED:
            self._open.pop(key, None)
            self.episodes.pop(key, None)
            self._over.append(replace(past, ended_at=now))
            return
        self._open[key] = past
        number = before.alert_id if before else len(self._keys)
        self._keys[number] = key
        self.episodes[key] = Episode(
            lifecycle=after, flaps=flaps, alert_id=number, state=change.state
        )
        self._wake(key, after, flaps)

    def _wake(self, key: str, alert: Lifecycle, flaps: int) -> None:
        """Look at an alert again when its patience has run out."""
        timing = flapping.held(self.watch.timing, flaps)
        if alert.state is AlertState.PENDING:
            due = alert.active_at + timing.hold
        elif alert.clear_since is not None:
            due = alert.clear_since + timing.keep_firing
        else:
            return
        heapq.heappush(self._due, (self.instants.index(due), key))


def _by_identity(
    answers: Answers, instants: Instants
) -> tuple[dict[Identity, dict[Question, Values]], dict[Identity, NDArray[np.bool_]]]:
    """Return the values by label set and question, and where each label set was idle to any.

    Not-a-number is where there is no value.
    """
    found: dict[Identity, dict[Question, Values]] = {}
    idle: dict[Identity, NDArray[np.bool_]] = {}
    start, step = instants.start.timestamp(), instants.step.total_seconds()

    def places(seconds: Sequence[float]) -> NDArray[np.int_]:
        return np.rint((np.asarray(seconds, dtype=float) - start) / step).astype(int)

    for question, all_series in answers.items():
        for series in all_series:
            at = places(series.seconds)
            inside = (at >= 0) & (at < instants.count)
            values = np.full(instants.count, np.nan)
            values[at[inside]] = np.asarray(series.values, dtype=float)[inside]
            identity = observations.identity_of(series.labels)
            found.setdefault(identity, {})[question] = values
            silent = places(series.idle)
            was = idle.setdefault(identity, np.zeros(instants.count, dtype=bool))
            was[silent[(silent >= 0) & (silent < instants.count)]] = True
    return found, idle
