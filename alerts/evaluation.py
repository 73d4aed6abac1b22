"""Evaluating rules: claim what is due, ask every distinct question once, decide alert by alert.

A failed query is not an observation: the rule says why it is blind, and no alert of it moves.
Only what changed is written.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from alerts import engine, lifecycle
from alerts.conditions import AnyCondition, Question, parse_condition
from alerts.engine import LIFECYCLE, StaleError
from alerts.lifecycle import Lifecycle, Timing
from models.database import read_only
from models.tables import Alert, Rule
from models.vocabulary import AlertState, DataState, NoData
from signals import Labels, Reading, SignalError

logger = logging.getLogger(__name__)

Answers = Mapping[Question, Reading | SignalError]
Ask = Callable[[Sequence[Question], datetime], Answers]
Identity = tuple[tuple[str, str], ...]  # a label set, sorted
CHUNK = 5000  # rows named in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One due rule, ready to be asked about."""

    rule: Rule
    condition: AnyCondition
    questions: tuple[Question, ...]


@dataclass(slots=True, kw_only=True)
class Evaluator:
    """Evaluates the rules of one database.

    Attributes:
        parsed: Tasks of rules by id, parsed once per version of the rule.
    """

    db: Engine
    parsed: dict[int, Task] = field(default_factory=dict)

    def tick(self, ask: Ask, *, now: datetime) -> int:
        """Evaluate every rule that is due; return how many there were.

        Args:
            ask: Answers many questions at one instant, each with a reading or an error.
            now: The instant.
        """
        tasks = self._claim(now)
        if not tasks:
            return 0
        answers = ask(list(dict.fromkeys(q for task in tasks for q in task.questions)), now)
        episodes = _open_alerts(self.db)
        health: dict[tuple[DataState, str], list[int]] = defaultdict(list)
        for task in tasks:
            outcome = self._evaluate(task, answers, episodes.get(_id(task.rule), {}), now)
            health[outcome].append(_id(task.rule))
        _write_health(self.db, health, now)
        return len(tasks)

    def _claim(self, now: datetime) -> list[Task]:
        """Return the due rules, and make each due again at the next multiple of its interval."""
        due = (col(Rule.enabled), col(Rule.next_evaluation_at) <= now)
        with Session(self.db, expire_on_commit=False) as session:
            rows = session.exec(
                select(Rule.id, Rule.version, Rule.interval_seconds).where(*due).with_for_update()
            ).all()
            if not rows:
                return []
            stale = [i for i, version, _ in rows if not self._knows(cast(int, i), version)]
            for chunk in _chunks(stale):
                for rule in session.exec(select(Rule).where(col(Rule.id).in_(chunk))):
                    self._parse(rule)
            by_interval = defaultdict(list)
            for rule_id, _, interval in rows:
                by_interval[interval].append(rule_id)
            for interval, ids in by_interval.items():
                for chunk in _chunks(ids):
                    session.exec(
                        update(Rule)
                        .where(col(Rule.id).in_(chunk))
                        .values(next_evaluation_at=_next_multiple(interval, now))
                    )
            session.commit()
        return [task for i, _, _ in rows if (task := self.parsed.get(cast(int, i)))]

    def _parse(self, rule: Rule) -> None:
        try:
            condition = parse_condition(rule.condition)
        except ValidationError as error:
            self.parsed.pop(_id(rule), None)
            rule.data_state, rule.error = DataState.QUERY_ERROR, f"not a condition: {error}"
            logger.exception("rule skipped id=%s: its stored condition is not valid", rule.id)
        else:
            questions = condition.questions
            self.parsed[_id(rule)] = Task(rule=rule, condition=condition, questions=questions)

    def _knows(self, rule_id: int, version: int) -> bool:
        task = self.parsed.get(rule_id)
        return task is not None and task.rule.version == version

    def _evaluate(
        self,
        task: Task,
        answers: Answers,
        episodes: Mapping[str, "Episode"],
        now: datetime,
    ) -> tuple[DataState, str]:
        """Decide about every label set of one rule; return what its sources could say."""
        readings = {q: answers[q] for q in task.questions}
        for answer in readings.values():
            if isinstance(answer, SignalError):
                return answer.state, str(answer)
        seen = _by_identity(cast(Mapping[Question, Reading], readings))
        state = cast(Reading, readings[task.questions[0]]).state
        for decision in _decisions(task, seen, episodes):
            self._apply(task, decision, now)
        return state, ""

    def _apply(self, task: Task, decision: "Decision", now: datetime) -> None:
        timing = Timing(hold=task.rule.hold, keep_firing=task.rule.keep_firing)
        before = decision.episode.lifecycle if decision.episode else None
        after = lifecycle.observe(before, holds=decision.holds, timing=timing, now=now)
        if after == before:
            return
        try:
            with Session(self.db) as session:
                _write(session, task.rule, decision, after, now=now)
                session.commit()
        except (StaleError, IntegrityError):
            logger.info("decision dropped rule=%s: somebody was faster", task.rule.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An open alert as the core sees it."""

    alert_id: int
    version: int
    lifecycle: Lifecycle


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was seen of one label set."""

    labels: Labels
    episode: Episode | None
    holds: bool
    value: float | None


def _decisions(
    task: Task,
    seen: Mapping[Identity, Mapping[Question, float]],
    episodes: Mapping[str, Episode],
) -> Iterable[Decision]:
    """Yield what to observe: label sets that breach, and those that have an open alert."""
    left = dict(episodes)
    silence = _silence(task)
    for identity, values in seen.items():
        complete = all(question in values for question in task.questions)
        holds = task.condition.holds(values) or (not complete and silence is True)
        if not holds and not left:
            continue
        labels = dict(identity) | task.rule.labels
        episode = left.pop(fingerprint(labels), None)
        unseen = not complete and not holds and silence is None
        if (holds or episode) and not unseen:
            value = task.condition.value(values) if complete else None
            yield Decision(labels=labels, episode=episode, holds=holds, value=value)
    if silence is None:
        return
    for episode in left.values():
        yield Decision(labels={}, episode=episode, holds=silence, value=None)
    if silence and not seen and not left:
        labels = dict(getattr(task.condition, "scope", {})) | task.rule.labels
        yield Decision(labels=labels, episode=None, holds=True, value=None)


def _silence(task: Task) -> bool | None:
    """Return what a label set that is not there amounts to; None if nothing was observed."""
    if task.condition.missing is not None:
        return task.condition.missing
    match task.rule.no_data:
        case NoData.KEEP:
            return None
        case NoData.ALERT:
            return True
        case NoData.RESOLVE:
            return False


def _by_identity(
    readings: Mapping[Question, Reading],
) -> dict[Identity, dict[Question, float]]:
    seen: dict[Identity, dict[Question, float]] = {}
    for question, reading in readings.items():
        for sample in reading.samples:
            identity = tuple(sorted(sample.labels.items()))
            seen.setdefault(identity, {})[question] = sample.value
    return seen


def _write(
    session: Session, rule: Rule, decision: Decision, after: Lifecycle | None, *, now: datetime
) -> None:
    if decision.episode is not None:
        row = session.get_one(Alert, decision.episode.alert_id, with_for_update=True)
        if row.version != decision.episode.version:
            raise StaleError(f"alert {row.id} is past version {decision.episode.version}")
        if after is None:
            engine.forget(session, row)
            return
    else:
        after = cast(Lifecycle, after)
        row = engine.open_alert(
            session,
            rule,
            after,
            fingerprint=fingerprint(decision.labels),
            labels=decision.labels,
            value=decision.value,
        )
    if after != engine.core(row):
        engine.move(session, row, after, actor=lifecycle.ENGINE, now=now, value=decision.value)


def fingerprint(labels: Labels) -> str:
    """Return the identity of a label set: 16 hex digits, independent of order."""
    canonical = json.dumps(sorted(labels.items()))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def _open_alerts(db: Engine) -> dict[int, dict[str, Episode]]:
    """Return every open alert, by rule and fingerprint, without loading whole rows."""
    names = sorted(LIFECYCLE)
    columns = [getattr(Alert, name) for name in names]
    statement = select(Alert.id, Alert.rule_id, Alert.fingerprint, Alert.version, *columns).where(
        Alert.state != AlertState.RESOLVED
    )
    found: dict[int, dict[str, Episode]] = defaultdict(dict)
    with Session(read_only(db)) as session:
        for alert_id, rule_id, identity, version, *values in session.exec(statement):
            found[rule_id][identity] = Episode(
                alert_id=cast(int, alert_id),
                version=version,
                lifecycle=Lifecycle(**dict(zip(names, values, strict=True))),
            )
    return found


def _write_health(
    db: Engine, health: Mapping[tuple[DataState, str], Sequence[int]], now: datetime
) -> None:
    with Session(db) as session:
        for (state, error), ids in health.items():
            for chunk in _chunks(ids):
                session.exec(
                    update(Rule)
                    .where(col(Rule.id).in_(chunk))
                    .values(evaluated_at=now, data_state=state, error=error)
                )
        session.commit()


def _next_multiple(interval_seconds: int, now: datetime) -> datetime:
    """Return the next instant on the interval's grid: rules that share it share queries."""
    count = int(now.timestamp()) // interval_seconds + 1
    return datetime.fromtimestamp(count * interval_seconds, tz=UTC)


def _chunks(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK))


def _id(rule: Rule) -> int:
    return cast(int, rule.id)
