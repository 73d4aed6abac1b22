"""From what the sources answered to what became of each alert of one rule. Pure.

What has no answer is in a data state, and the rule's choice for it says what that amounts to: to a
breach, to health, or to nothing observed. It is of single label sets (one is gone, or idle), or of
the whole rule: nothing is seen at all, or the source cannot be believed.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from alerts import flapping, lifecycle
from alerts.conditions import AnyCondition, Question
from alerts.datastates import DataStates
from alerts.lifecycle import Lifecycle, Timing
from alerts.rulecode import templates
from alerts.rulecode.templates import Firing
from models.vocabulary import DataChoice, DataState, Severity
from signals import Labels, Reading, SignalError

Identity = tuple[tuple[str, str], ...]  # a label set, sorted
# Says of a rule's own alert that it is about the rule, which sees nothing: DataChoice.SAY.
BLIND: Labels = {"rule_state": "blind"}
_AMOUNTS = {DataChoice.ALERT: True, DataChoice.RESOLVE: False}  # any other: to nothing observed


class SameLabelsError(Exception):
    """The rule's labels make two series one alert; one sentence says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The part of a rule that decides.

    Attributes:
        labels: Those that the rule adds to what its condition yields, as templates; one that
            comes to nothing is taken away.
        data_states: What the rule chooses for data states.
        name: What templates know the rule as.
        external_url: Where we are, for templates.
    """

    condition: AnyCondition
    timing: Timing
    labels: Labels
    data_states: DataStates = field(default_factory=DataStates)
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

    def choice(self, state: DataState) -> DataChoice:
        """Return what is made of a data state: by the kind, or the rule, or as is usual."""
        kind = self.condition
        chosen = kind.settled.of(state) or self.data_states.of(state) or kind.usual.of(state)
        return chosen or DataChoice.KEEP

    def whole(self, *, now: datetime) -> Labels:
        """Return the labels of the alert on all that the rule watches, where nothing is seen."""
        return self.labels_of(getattr(self.condition, "scope", {}), None, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the sources could say of one rule.

    Attributes:
        values: Of every question, by label set.
        idle: Label sets that are there and had nothing to count.
        doubt: Why none of it is to be believed: a question was refused, a source did not answer,
            or has nothing new. None if nothing is in the way.
        reason: What is behind `doubt`, for the operator.
    """

    values: Mapping[Identity, Mapping[Question, float]] = field(default_factory=dict)
    idle: Set[Identity] = frozenset()
    doubt: DataState | None = None
    reason: str = ""

    @property
    def state(self) -> DataState:
        """Return the data state of the whole."""
        if self.doubt is not None:
            return self.doubt
        if self.values:
            return DataState.OK
        return DataState.NO_TRAFFIC if self.idle else DataState.NO_SERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An open alert as the core sees it; ids and version are for who writes it.

    Attributes:
        state: The data state in which it was last seen, or not seen.
    """

    lifecycle: Lifecycle
    state: DataState = DataState.OK
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
        state: Its data state.
    """

    labels: Labels
    episode: Episode | None
    after: Lifecycle | None
    value: float | None
    series: Labels | None = None
    state: DataState = DataState.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observation:
    """What is so of one label set now; `holds` is None where nothing was observed."""

    episode: Episode | None
    holds: bool | None
    labels: Labels = field(default_factory=dict)
    value: float | None = None
    series: Labels | None = None
    state: DataState = DataState.OK


def changes(
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode], *, now: datetime
) -> list[Change]:
    """Return what became of the alerts of one rule; what stays as it was is left out.

    Args:
        watch: The rule.
        seen: What the sources could say.
        episodes: Its open alerts, by fingerprint.
        now: When that was so.

    Raises:
        SameLabelsError: Two series would be one alert; Prometheus refuses that too.
    """
    found = []
    for one in _observations(watch, seen, episodes, now):
        episode = one.episode
        before = after = episode.lifecycle if episode else None
        if one.holds is not None:
            timing = flapping.held(watch.timing, episode.flaps if episode else 0)
            after = lifecycle.observe(before, holds=one.holds, timing=timing, now=now)
        if after != before or (episode is not None and episode.state is not one.state):
            found.append(
                Change(
                    labels=one.labels,
                    episode=episode,
                    after=after,
                    value=one.value,
                    series=one.series,
                    state=one.state,
                )
            )
    return found


def sight(answers: Mapping[Question, Reading | SignalError]) -> Seen:
    """Return what the answers to a rule's questions come to."""
    values: dict[Identity, dict[Question, float]] = {}
    idle: set[Identity] = set()
    stale_since: datetime | None = None
    for question, answer in answers.items():
        if isinstance(answer, SignalError):
            return Seen(doubt=answer.state, reason=str(answer))
        for sample in answer.samples:
            values.setdefault(identity_of(sample.labels), {})[question] = sample.value
        idle.update(identity_of(labels) for labels in answer.no_traffic)
        stale_since = stale_since or answer.stale_since
    if stale_since is None:
        return Seen(values=values, idle=idle)
    reason = f"nothing new has reached the source since {stale_since:%Y-%m-%d %H:%M:%S} UTC"
    return Seen(values=values, idle=idle, doubt=DataState.STALE, reason=reason)


def identity_of(labels: Labels) -> Identity:
    """Return a label set as what tells it apart."""
    return tuple(sorted(labels.items()))


def fingerprint(labels: Labels) -> str:
    """Return the identity of a label set: 16 hex digits, independent of order."""
    canonical = json.dumps(sorted(labels.items()))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def is_blind(labels: Labels) -> bool:
    """Say whether an alert with these labels is about its rule, which sees nothing."""
    return BLIND.items() <= labels.items()


def severity_of(labels: Labels, severity: Severity) -> Severity:
    """Return how bad an alert of a rule of `severity` is: that it is blind, at most a warning."""
    calm = is_blind(labels) and severity is not Severity.INFO
    return Severity.WARNING if calm else severity


def amounts_to(watch: Watch, state: DataState) -> bool | None:
    """Return whether a label set in `state` counts as a breach; None if nothing was observed."""
    return _AMOUNTS.get(watch.choice(state))


def _observations(
    watch: Watch, seen: Seen, episodes: Mapping[str, Episode], now: datetime
) -> Iterator[_Observation]:
    """Yield what to observe: label sets that breach, and those that have an open alert."""
    left = dict(episodes)
    believed = seen.doubt is None or watch.choice(seen.doubt) is DataChoice.USE
    if believed and seen.doubt is not None:
        seen = Seen(values=seen.values, idle=seen.idle)
    if left or seen.state is not DataState.OK:
        yield from _of_the_whole(watch, seen, left, now)
    if believed:
        yield from _of_label_sets(watch, seen, left, now)
    idle = _idle_marks(watch, seen, now) if believed and left else ()
    for mark, episode in left.items():
        state = seen.doubt or (DataState.NO_TRAFFIC if mark in idle else DataState.NO_SERIES)
        yield _Observation(episode=episode, holds=amounts_to(watch, state), state=state)


def _of_the_whole(
    watch: Watch, seen: Seen, left: dict[str, Episode], now: datetime
) -> Iterator[_Observation]:
    """Yield what to observe of the rule as a whole, and take its open alerts out of `left`.

    While nothing is seen, and that is the breach, what is watched as a whole breaches it unless
    parts of it already do. While the rule is to say that it is blind, an alert of its own does.
    """
    state, is_split = seen.state, bool(getattr(watch.condition, "by", ()))
    choice = None if state is DataState.OK else watch.choice(state)
    if not left and choice not in (DataChoice.ALERT, DataChoice.SAY):
        return
    labels = watch.whole(now=now)
    blind, says = {**labels, **BLIND}, choice is DataChoice.SAY
    episode = left.pop(fingerprint(blind), None)
    if episode or says:
        yield _Observation(labels=blind, episode=episode, holds=says, state=state)
    # While anything is seen of one that is split, the whole is no label set: nothing else ends it.
    apart = choice is not None or is_split
    episode = left.pop(fingerprint(labels), None) if apart else None
    if episode:
        holds = amounts_to(watch, state) if choice else False
        yield _Observation(episode=episode, holds=holds, state=state)
    elif choice is DataChoice.ALERT and not left:
        scope: Labels = getattr(watch.condition, "scope", {})
        yield _Observation(labels=labels, episode=None, holds=True, series=scope, state=state)


def _of_label_sets(
    watch: Watch, seen: Seen, left: dict[str, Episode], now: datetime
) -> Iterator[_Observation]:
    """Yield what to observe of label sets that are seen, and take their alerts out of `left`."""
    plain, met, condition = watch.is_plain, set[str](), watch.condition
    for identity, values in seen.values.items():
        complete, state = condition.suffices(values), DataState.OK
        holds: bool | None = condition.holds(values)
        if not complete and not holds:
            state = _lacking(condition, identity, values, seen)
            holds = amounts_to(watch, state)
        if not holds and not left:
            continue
        series = dict(identity)
        value = condition.value(values) if complete else None
        labels = {**series, **watch.labels} if plain else watch.labels_of(series, value, now=now)
        mark = fingerprint(labels)
        if mark in met:
            shown = ", ".join(f"{name}={text}" for name, text in sorted(labels.items()))
            raise SameLabelsError(f"two series come to the same labels ({shown}): see the rule's")
        met.add(mark)
        episode = left.pop(mark, None)
        if holds or episode:
            yield _Observation(
                labels=labels,
                episode=episode,
                holds=holds,
                value=value,
                series=series,
                state=state,
            )


def _lacking(
    condition: AnyCondition, identity: Identity, values: Mapping[Question, float], seen: Seen
) -> DataState:
    """Return why `values` do not suffice: too little happened, or something is not there."""
    counted = all(question in values for question in condition.questions)
    return DataState.NO_TRAFFIC if counted or identity in seen.idle else DataState.NO_SERIES


def _idle_marks(watch: Watch, seen: Seen, now: datetime) -> Set[str]:
    idle = seen.idle - seen.values.keys()
    return {fingerprint(watch.labels_of(dict(one), None, now=now)) for one in idle}
