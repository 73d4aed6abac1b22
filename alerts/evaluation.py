"""Evaluating rules: claim what is due, ask every distinct question once, decide alert by alert.

A failed query is a data state, of which the rule makes what it chose: by default nothing, so that
no alert of it moves. The rule says why it is blind. Only what changed is written.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Engine, case
from sqlmodel import Session, col, select, update

from alerts import lifecycle
from alerts.conditions import Question, parse_condition
from alerts.datastates import DataStates
from alerts.decision import LIFECYCLE, Decision, StaleError, core, deciding
from alerts.lifecycle import Lifecycle, Timing
from alerts.observations import (
    Change,
    Episode,
    SameLabelsError,
    Seen,
    Watch,
    changes,
    fingerprint,
    severity_of,
    sight,
)
from alerts.outbox import free
from alerts.rulecode import templates
from models.database import read_only
from models.tables import Alert, Rule
from models.tables.columns import still_open
from models.vocabulary import AlertState, DataState
from signals import Reading, SignalError

logger = logging.getLogger(__name__)

Answers = Mapping[Question, Reading | SignalError]
Ask = Callable[[Sequence[Question], datetime], Answers]
_TELLING = (AlertState.PENDING, AlertState.FIRING)  # states that are entered with words
CHUNK = 5000  # rows named in one statement
BATCH = 100  # changes in one transaction
LEASE = timedelta(minutes=1)  # longer than any one evaluation may take
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One due rule, ready to be asked about."""

    rule: Rule
    watch: Watch
    questions: tuple[Question, ...]


@dataclass(slots=True, kw_only=True)
class Evaluator:
    """Evaluates the rules of one database.

    Attributes:
        engine_id: Whose leases it takes: rules are claimed, so that any number may evaluate.
        own: Whether it evaluates the rules about Wakeful itself, or the others.
        external_url: Where people reach us, for templates of labels and annotations.
        parsed: Tasks of rules by id, parsed once per version of the rule.
    """

    db: Engine
    engine_id: str
    own: bool = False
    external_url: str = ""
    parsed: dict[int, Task] = field(default_factory=dict)

    def tick(self, ask: Ask, *, now: datetime) -> int:
        """Evaluate every rule that is due; return how many there were.

        Args:
            ask: Answers many questions at one instant, each with a reading or an error.
            now: The instant.
        """
        tasks = self._claim(now) if self._is_due(now) else []
        if not tasks:
            return 0
        answers = ask(list(dict.fromkeys(q for task in tasks for q in task.questions)), now)
        episodes = _open_alerts(self.db)
        health: dict[tuple[DataState, str, int], list[int]] = defaultdict(list)
        for task in tasks:
            state, error = self._evaluate(task, answers, episodes.get(_id(task.rule), {}), now)
            health[state, error, task.rule.interval_seconds].append(_id(task.rule))
        self._finish(health, now)
        return len(tasks)

    def _is_due(self, now: datetime) -> bool:
        """Say whether any rule is due, without the lock that claiming needs."""
        with Session(read_only(self.db)) as session:
            return session.exec(select(Rule.id).where(*self._due(now)).limit(1)).first() is not None

    def _due(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        mine = (col(Rule.enabled).is_(True), col(Rule.own).is_(self.own))
        return (*mine, col(Rule.next_evaluation_at) <= now, free(Rule, now=now))

    def _claim(self, now: datetime) -> list[Task]:
        """Lease the rules that are due: those of an engine that dies are due again at once."""
        versions = select(Rule.id, Rule.version).where(*self._due(now))
        with Session(self.db, expire_on_commit=False) as session:
            rows = session.exec(versions.with_for_update(skip_locked=True)).all()
            if not rows:
                return []
            stale = [i for i, version in rows if not self._knows(cast(int, i), version)]
            for chunk in _chunks(stale):
                for rule in session.exec(select(Rule).where(col(Rule.id).in_(chunk))):
                    self._parse(rule)
            lease = {"leased_by": self.engine_id, "leased_until": now + LEASE}
            for chunk in _chunks([i for i, _ in rows]):
                session.exec(update(Rule).where(col(Rule.id).in_(chunk)).values(lease))
            session.commit()
        return [task for i, _ in rows if (task := self.parsed.get(cast(int, i)))]

    def _finish(
        self, health: Mapping[tuple[DataState, str, int], Sequence[int]], now: datetime
    ) -> None:
        """Write how it went, make each rule due at its interval's next multiple, and let go."""
        with Session(self.db) as session:
            for (state, error, interval), ids in health.items():
                # A rule that was changed meanwhile is due at once, and stays so.
                due = case(
                    (col(Rule.next_evaluation_at) > now, Rule.next_evaluation_at),
                    else_=_next_multiple(interval, now),
                )
                values = {
                    "evaluated_at": now,
                    "data_state": state,
                    "error": error,
                    "next_evaluation_at": due,
                    "leased_by": None,
                    "leased_until": None,
                }
                for chunk in _chunks(ids):
                    mine = (col(Rule.id).in_(chunk), col(Rule.leased_by) == self.engine_id)
                    session.exec(update(Rule).where(*mine).values(values))
            session.commit()

    def _parse(self, rule: Rule) -> None:
        try:
            condition = parse_condition(rule.condition)
        except ValidationError as error:
            self.parsed.pop(_id(rule), None)
            rule.data_state, rule.error = DataState.QUERY_ERROR, f"not a condition: {error}"
            logger.exception("rule skipped id=%s: its stored condition is not valid", rule.id)
        else:
            watch = Watch(
                condition=condition,
                timing=Timing(hold=rule.hold, keep_firing=rule.keep_firing),
                labels=rule.labels,
                data_states=DataStates.model_validate(rule.data_states),
                name=rule.alertname or rule.name,
                external_url=self.external_url,
            )
            self.parsed[_id(rule)] = Task(rule=rule, watch=watch, questions=condition.questions)

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
        seen = sight({question: answers[question] for question in task.questions})
        try:
            found = changes(task.watch, seen, episodes, now=now)
        except SameLabelsError as error:
            seen = Seen(doubt=DataState.QUERY_ERROR, reason=str(error))
            found = changes(task.watch, seen, episodes, now=now)
        for some in _chunks(found, BATCH):
            self._write(task, some, now)
        return seen.state, seen.reason

    def _write(self, task: Task, some: Sequence[Change], now: datetime, *, again: int = 1) -> None:
        """Write changes in one transaction; where somebody was faster, each in one of its own."""
        try:
            with deciding(self.db, now=now) as decision:
                # Groups are locked in the order of their ids: see `alerts.decision`.
                for change in sorted(some, key=_group_of):
                    _apply(decision, task, change)
        except StaleError:
            if not again:
                logger.info("decision dropped rule=%s: somebody was faster", task.rule.id)
                return
            for change in some:
                self._write(task, [change], now, again=again - 1)


def _group_of(change: Change) -> int:
    return (change.episode.group_id or 0) if change.episode else 0


def _apply(decision: Decision, task: Task, change: Change) -> None:
    rule, episode, after = task.rule, change.episode, change.after
    if episode is not None:
        if episode.group_id:
            decision.lock(episode.group_id)
        row = decision.session.get_one(Alert, episode.alert_id, with_for_update=True)
        if row.version != episode.version:
            raise StaleError(f"alert {row.id} is past version {episode.version}")
        if after is None:
            decision.forget(row)
            return
    else:
        after = cast(Lifecycle, after)
        row = decision.open(
            rule,
            after,
            fingerprint=fingerprint(change.labels),
            labels=change.labels,
            value=change.value,
            severity=severity_of(change.labels, rule.severity),
        )
    entered = episode is None or episode.lifecycle.state is not after.state
    if rule.annotations and change.series is not None and entered and after.state in _TELLING:
        firing = task.watch.firing(change.series, change.value, now=decision.now)
        row.annotations = templates.render_all(task.watch.name, rule.annotations, firing)
    if after != core(row):
        decision.move(row, after, actor=lifecycle.ENGINE, value=change.value)
    # Of an alert that is over, what it was about stays; that it was not seen to end is said.
    if after.state is not AlertState.RESOLVED or change.state is not DataState.OK:
        decision.sight(row, change.state)


def _open_alerts(db: Engine) -> dict[int, dict[str, Episode]]:
    """Return every open alert, by rule and fingerprint, without loading whole rows."""
    names = sorted(LIFECYCLE)
    ids = (Alert.id, Alert.rule_id, Alert.fingerprint, Alert.group_id, Alert.version)
    columns = [*ids, Alert.flaps, Alert.data_state, *(getattr(Alert, name) for name in names)]
    found: dict[int, dict[str, Episode]] = defaultdict(dict)
    with Session(read_only(db)) as session:
        rows = session.exec(select(*columns).where(still_open(Alert.state)))
        for alert_id, rule_id, identity, group_id, version, flaps, state, *values in rows:
            found[rule_id][identity] = Episode(
                alert_id=alert_id,
                group_id=group_id,
                version=version,
                flaps=flaps,
                state=state,
                lifecycle=Lifecycle(**dict(zip(names, values, strict=True))),
            )
    return found


def _next_multiple(interval_seconds: int, now: datetime) -> datetime:
    """Return the next instant on the interval's grid: rules that share it share queries."""
    count = int(now.timestamp()) // interval_seconds + 1
    return datetime.fromtimestamp(count * interval_seconds, tz=UTC)


def _chunks(items: Sequence[T], size: int = CHUNK) -> Iterable[Sequence[T]]:
    return (items[i : i + size] for i in range(0, len(items), size))


def _id(rule: Rule) -> int:
    return cast(int, rule.id)
