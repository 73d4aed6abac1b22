"""The backtest against the engine itself: same alerts, same steps of the policy, same silences."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import muting, paged, policies, rulebook, silences
from alerts.backtest import Instants, Past, backtest
from alerts.conditions import Question, Threshold
from alerts.delivery import Channels
from alerts.evaluation import Answers
from alerts.jobs import Jobs
from alerts.lifecycle import Timing
from alerts.observations import Watch
from alerts.paged import Route
from alerts.policies import PolicyDraft
from alerts.ruledraft import RuleDraft
from alerts.silences import SilenceDraft
from models import database
from models.tables import Alert, Escalation
from models.vocabulary import Severity
from signals import Reading, Sample, Series

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEATURES = ("chat", "search", "draft")
CONDITION = Threshold(signal="error_ratio", bound=0.5, window=5 * MINUTE, by=("feature",))
CHANNELS = {"slack:#llm", "pagerduty:default"}


@dataclass(frozen=True, kw_only=True)
class Case:
    values: dict[str, list[float | None]]
    restarts: frozenset[int]  # the engine starts anew before these minutes
    rule: RuleDraft
    policy: PolicyDraft
    silence: SilenceDraft | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(5, 40))
    values = {
        feature: _stretched(draw, count)
        for feature in draw(st.lists(st.sampled_from(FEATURES), unique=True, min_size=1))
    }
    steps = [
        {"after": after, "channels": [channel], "only": only}
        for after, channel, only in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["1m", "3m"]),  # one step a tick, and a tick is a minute here
                    st.sampled_from(sorted(CHANNELS)),
                    st.sampled_from([{}, {"more_than": 1}, {"severities": ["warning"]}]),
                ),
                min_size=1,
                max_size=3,
            )
        )
    ]
    if len(steps) > 1:
        steps[0]["after"] = draw(st.sampled_from(["0s", "2m"]))
    policy = PolicyDraft.model_validate(
        {
            "name": "p",
            "steps": steps,
            "repeat": draw(st.integers(0, 2)),
            "group_by": draw(st.sampled_from([None, [], ["feature"]])),
            "group_wait": draw(st.sampled_from(["0s", "2m"])),
            "storm_limit": draw(st.sampled_from([0, 1, 20])),
        }
    )
    rule = RuleDraft.model_validate(
        {
            "name": "Errors",
            "owner": "ada",
            "severity": "critical",
            "condition": CONDITION,
            "for": draw(st.sampled_from(["0s", "2m"])),
            "keep_firing_for": draw(st.sampled_from(["0s", "3m"])),
            "interval": "30s",
            "policy": "p",
            "data_states": draw(
                st.dictionaries(
                    st.sampled_from(["no_series", "no_traffic"]),
                    st.sampled_from(["keep", "alert", "resolve", "say"]),
                )
            ),
        }
    )
    begins, lasts = draw(st.integers(0, count)), draw(st.integers(1, 15))
    silence = SilenceDraft(
        matchers=('feature=~"chat|draft"',),
        starts_at=START + begins * MINUTE,
        ends_at=START + (begins + lasts) * MINUTE,
        comment="known",
    )
    return Case(
        values=values,
        restarts=draw(st.frozensets(st.integers(0, count), max_size=3)),
        rule=rule,
        policy=policy,
        silence=draw(st.sampled_from([None, silence])),
    )


def _stretched(draw: st.DrawFn, count: int) -> list[float | None]:
    one = st.tuples(st.sampled_from([None, 0.1, 0.9]), st.integers(1, 10))
    values = [v for v, n in draw(st.lists(one, min_size=1, max_size=10)) for _ in range(n)]
    return (values + [values[-1]] * count)[:count]


def live(db: Engine, case: Case) -> None:
    """Let the engine live through it, minute by minute."""
    count = len(next(iter(case.values.values())))
    policies.save_policy(db, case.policy)
    rulebook.save_rule(db, case.rule, by="ada", now=START)
    if case.silence is not None:
        silences.silence(db, case.silence, by="ada", now=START)
    clock = [START]

    def ask(questions: Sequence[Question], at: datetime) -> Answers:
        place = (at - START) // MINUTE
        samples = tuple(
            Sample(labels={"feature": feature}, value=value, at=at)
            for feature, values in case.values.items()
            if (value := values[place]) is not None
        )
        return dict.fromkeys(questions, Reading(samples=samples))

    for minute in range(count):
        clock[0] = START + minute * MINUTE
        if minute == 0 or minute in case.restarts:
            jobs = Jobs(db=db, clock=lambda: clock[0], ask=ask, usable=Channels())
        jobs.beat()
        jobs.evaluate()


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_the_backtest_says_what_the_engine_did(sqlite_template: Path, case: Case) -> None:
    with TemporaryDirectory() as folder:
        shutil.copy(sqlite_template, f"{folder}/wakeful.db")
        db = database.connect(f"sqlite:///{folder}/wakeful.db")
        live(db, case)
        with Session(db) as session:
            alerts = list(session.exec(select(Alert)))
            taken = list(session.exec(select(Escalation)))
            quiet = tuple(map(silences.quiet, silences.silences(session, now=START)))
        db.dispose()
    found, steps = looked_back(case, quiet)
    happened = [(sorted(a.labels.items()), a.fired_at, a.resolved_at) for a in alerts if a.fired_at]
    said = [(sorted(a.labels.items()), a.fired_at, a.ended_at) for a in found if a.fired_at]
    assert sorted(map(str, said)) == sorted(map(str, happened))
    did = sorted((s.at, tuple(s.channels), s.skipped) for s in taken)
    assert sorted((s.at, s.channels, s.skipped) for s in steps) == did


def looked_back(
    case: Case, quiet: tuple[muting.Quiet, ...]
) -> tuple[Sequence[Past], list[paged.Told]]:
    count = len(next(iter(case.values.values())))
    start = START.timestamp()
    series = [
        Series(
            labels={"feature": feature},
            seconds=[start + 60 * n for n, value in enumerate(values) if value is not None],
            values=[value for value in values if value is not None],
        )
        for feature, values in case.values.items()
    ]
    watch = Watch(
        condition=CONDITION,
        timing=Timing(hold=case.rule.hold, keep_firing=case.rule.keep_firing),
        labels=case.rule.labels,
        data_states=case.rule.data_states,
    )
    instants = Instants(start=START, step=MINUTE, count=count)
    alerts = backtest(watch, {CONDITION.questions[0]: series}, instants).alerts
    route = Route(
        plan=policies.plan_of(_row(case.policy)),
        group_by=case.policy.group_by,
        storm_limit=case.policy.storm_limit,
        silences=quiet,
    )
    steps = paged.told(
        alerts,
        route,
        rule=case.rule.name,
        severity=Severity.CRITICAL,
        until=instants.at(count - 1) + timedelta(microseconds=1),
    )
    return alerts, steps


def _row(draft: PolicyDraft) -> policies.Policy:
    return policies.Policy(**policies._columns(draft))
