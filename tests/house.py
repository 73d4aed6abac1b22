"""A lived-in installation for the pages about alerts: rules, policies, and an alert in every state.

Everything is made by the real engine over a real SQLite file and a real trace store, from a source
whose signals follow a script; only the vendors are replaced, at the protocol that each has to
keep. Making it takes a second, so that the files are made once and copied for each test.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlmodel import Session, select

from alerts import actions, channels, delivery, engine, policies, rulebook, selfwatch
from alerts.conditions import Question
from alerts.delivery import Channels
from alerts.evaluation import Answers, Evaluator
from alerts.jobs import LANES
from alerts.notifiers import Message, NotifyError, Person, Receipt
from alerts.policies import PolicyDraft
from alerts.ruledraft import RuleDraft
from alerts.settings import Settings
from alerts.wiring import Role, Wiring
from app import cached, cached_alerts, cached_watching, cached_why, looking_back, wired
from models.database import connect, migrate
from models.tables import Alert, Group, Policy, Rule
from models.vocabulary import AlertState, CostSource, SpanKind, SpanStatus
from signals import Labels, Query, offsets
from signals.routing import Sources
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from tests.memory_source import NOON, MemorySource, daily

MINUTE = timedelta(minutes=1)
VIEWER = "ana"
POLICIES: list[dict[str, Any]] = [
    {
        "name": "standard",
        "repeat": 1,
        "steps": [
            {"after": "0s", "channels": ["slack:#llm-alerts"]},
            {"after": "5m", "channels": ["pagerduty:default"]},
            {"after": "10m", "channels": ["oncall:default"]},
        ],
    },
    {"name": "office hours", "steps": [{"after": "0s", "channels": ["slack:#llm-quality"]}]},
]
COMMON = {"owner": "grace", "policy": "standard", "interval": "30s"}
RULES: list[dict[str, Any]] = [
    {
        "name": "Errors of a single feature",
        "severity": "critical",
        "runbook_url": "https://runbooks.example.org/errors",
        "condition": {
            "kind": "threshold",
            "signal": "error_ratio",
            "bound": 0.03,
            "by": ["feature"],
        },
    },
    {
        "name": "Latency p95",
        "severity": "error",
        "condition": {"kind": "threshold", "signal": "latency_p95", "bound": 5, "by": ["model"]},
        "for": "2m",
        "labels": {"team": "platform"},
    },
    {
        "name": "Cost per request",
        "condition": {"kind": "threshold", "signal": "cost_per_request", "bound": 0.08},
        "for": "10m",
    },
    {
        "name": "Cache hit rate",
        "condition": {
            "kind": "threshold",
            "signal": "cache_hit_ratio",
            "comparison": "below",
            "bound": 0.1,
        },
        "policy": "office hours",
    },
    {
        "name": "Guardrail trigger rate",
        "condition": {"kind": "threshold", "signal": "guardrail_ratio", "bound": 0.15},
        "policy": "office hours",
    },
    {
        "name": "Error budget burns too fast",
        "severity": "critical",
        "condition": {"kind": "burn_rate", "signal": "error_ratio", "objective": 0.99},
    },
]


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of trouble, in minutes before the present; None lasts."""

    signal: str
    labels: Mapping[str, str]
    begin: float
    end: float | None
    value: float


EPISODES = (
    Episode("error_ratio", {"feature": "chat"}, 6, None, 0.083),
    Episode("latency_p95", {"model": "gpt-4.1-mini"}, 22, None, 7.4),
    Episode("cost_per_request", {}, 4, None, 0.121),
    Episode("cache_hit_ratio", {}, 29, 18, 0.04),
    Episode("guardrail_ratio", {}, 27, 21, 0.31),
)


class Wall:
    """A vendor that takes every message, except for targets named in `broken`."""

    def __init__(self, answer: str, broken: dict[str, NotifyError]) -> None:
        self._answer, self.broken = answer, broken

    def send(self, target: str, message: Message) -> Receipt:
        if target in self.broken:
            raise self.broken[target]
        return Receipt(answer=self._answer, external_id=f"1700000000.{len(message.dedup_key)}")

    def check(self) -> str:
        return self._answer


class Rota:
    """Who is on call."""

    def find(self, target: str, *, at: datetime) -> list[Person]:
        return [Person(name="Ada Lovelace", email="ada@example.org")]


def usable() -> Channels:
    gone = {"#llm-quality": NotifyError("Slack refused: is_archived", permanent=True)}
    down = {"default": NotifyError("PagerDuty answered 500 Internal Server Error")}
    return Channels(
        notifiers={
            channels.SLACK: Wall("ok, posted 1700000000.000100", gone),
            channels.PAGERDUTY: Wall("Event processed", down),
            channels.SLACK_DM: Wall("ok, posted to D0ADA", {}),
            channels.SLACK_THREAD: Wall("told the thread", {}),
        },
        directories={channels.ONCALL: Rota()},
        reach=(channels.SLACK_DM,),
        base_url="http://127.0.0.1:8501",
    )


@dataclass
class House:
    """The installation, and the time in it, which only tests move."""

    wiring: Wiring
    source: MemorySource
    now: datetime

    def alert(self, rule: str, state: AlertState | None = None) -> Alert:
        """Return the only alert of that rule, or the only one in that state."""
        with Session(self.wiring.db) as session:
            query = select(Alert).join(Rule).where(Rule.name == rule)
            if state is not None:
                query = query.where(Alert.state == state)
            return session.exec(query).one()

    def group(self, rule: str) -> Group:
        """Return the group of the only alert of that rule."""
        with Session(self.wiring.db) as session:
            return session.get_one(Group, self.alert(rule).group_id)

    def rule(self, name: str) -> Rule:
        with Session(self.wiring.db) as session:
            return session.exec(select(Rule).where(Rule.name == name)).one()

    def policy(self, name: str) -> Policy:
        with Session(self.wiring.db) as session:
            return session.exec(select(Policy).where(Policy.name == name)).one()

    def pagerduty_is_mended(self) -> None:
        wall = self.wiring.usable.notifiers[channels.PAGERDUTY]
        assert isinstance(wall, Wall)
        wall.broken.clear()

    def passes(self, span: timedelta) -> None:
        """Let time pass without the engine; what was cached grows as old."""
        self.now += span
        forget()


def open_house(folder: Path, now: datetime, *, source: MemorySource | None = None) -> House:
    """Return the installation kept in `folder`, with its clock at `now`, made current."""
    db = connect(f"sqlite:///{folder}/wakeful.db")
    migrate(db)
    source = source or MemorySource(wave=scripted(now))
    store = EmbeddedStore.open(folder / "traces.duckdb", memory_mb=128)
    house: House
    wiring = Wiring(
        settings=Settings(data_dir=str(folder), user=VIEWER),
        role=Role.TOOL,
        db=db,
        signals=Sources((source, selfwatch.SelfWatch(db=db))),
        watched=(source,),
        store=store,
        traces=store,
        usable=usable(),
        clock=lambda: house.now,
    )
    house = House(wiring=wiring, source=source, now=now)
    wired.set_current(wiring)
    forget()
    return house


def close_house(house: House) -> None:
    house.wiring.close()
    forget()


def forget() -> None:
    """Empty every cache: they are the process's, and tests have many houses."""
    cached.clear()
    cached_alerts.forget()
    cached_watching.clear()
    looking_back.shelf.clear()
    cached_why.clear()
    st.cache_data.clear()


def scripted(now: datetime) -> Any:
    """Return a wave that is `daily` outside the episodes before `now`."""

    def wave(signal: str, labels: Labels, seconds: float) -> float | None:
        minutes = (now.timestamp() - seconds) / 60
        for one in EPISODES:
            inside = (one.end or -1e9) < minutes <= one.begin
            if inside and one.signal == signal and one.labels.items() <= labels.items():
                return one.value * (1 + 0.03 * ((int(seconds) // 60) % 5 - 2))
        calm = daily(signal, {}, seconds)
        return 0.004 if signal == "error_ratio" and calm is not None else calm

    return wave


def furnish(house: House) -> None:
    """Live through the half hour before the present, minute by minute."""
    present, db = house.now, house.wiring.db
    for policy in POLICIES:
        policies.save_policy(db, PolicyDraft.model_validate(policy))
    evaluator = Evaluator(db=db, engine_id="house")
    house.now = present - 31 * MINUTE
    for rule in RULES:
        draft = RuleDraft.model_validate({**COMMON, **rule})
        rulebook.save_rule(db, draft, by="grace", now=house.now)
    while house.now <= present:
        evaluator.tick(partial(_ask, house.wiring.signals), now=house.now)
        engine.escalate(db, now=house.now)
        for lane in ("people", "slack", "slack_thread", "pagerduty"):
            while delivery.deliver_next(
                db, house.wiring.usable, LANES[lane], now=house.now, by="house"
            ):
                pass
        _people_act(house, present)
        house.now += MINUTE
    house.now = present
    for source in house.wiring.watched:
        selfwatch.look(db, source, now=present)
    assert house.wiring.store is not None
    house.wiring.store.write(_spans(present))
    forget()


def _ask(sources: Sources, questions: Sequence[Question], at: datetime) -> Answers:
    asked = [q for q in questions if isinstance(q, Query)]
    return {q: offsets.read(sources.route(q), q, at=at) for q in asked}


def _people_act(house: House, present: datetime) -> None:
    minutes, db = round((present - house.now) / MINUTE), house.wiring.db
    if minutes == 14:
        latency = house.alert("Latency p95").id or 0
        actions.acknowledge(db, latency, by="ada", now=house.now)
        actions.note(
            db, latency, author="ada", now=house.now, text="Provider says degraded; failing over."
        )
    if minutes == 22:
        guardrail = house.alert("Guardrail trigger rate").id or 0
        actions.resolve(db, guardrail, by="grace", now=house.now)


def _spans(present: datetime) -> list[Span]:
    """Return requests of the last half hour: one a minute, slow and failed ones among them."""
    return [
        Span(
            trace_id=f"{minute + 1:032x}",
            span_id=f"{minute + 1:016x}",
            parent_id=None,
            name="POST /chat",
            kind=SpanKind.HTTP,
            service="copilot",
            started_at=present - minute * MINUTE,
            duration_ms=1800 + 370 * (minute % 7),
            status=SpanStatus.ERROR if minute % 4 == 1 else SpanStatus.OK,
            feature="chat",
            tenant="acme",
            model="gpt-4.1-mini",
            outcome="error" if minute % 4 == 1 else "success",
            input_tokens=900,
            output_tokens=200,
            cost_usd=0.01 + 0.002 * (minute % 5),
            cost_source=CostSource.REPORTED,
        )
        for minute in range(30)
    ]


@pytest.fixture(scope="session")
def house_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    house = open_house(folder, NOON)
    furnish(house)
    close_house(house)
    return folder


@pytest.fixture
def house(tmp_path: Path, house_template: Path) -> Iterator[House]:
    """A furnished house at noon."""
    for file in house_template.iterdir():
        shutil.copy(file, tmp_path / file.name)
    opened = open_house(tmp_path, NOON)
    yield opened
    close_house(opened)


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """A house nobody has moved into: no policy, no rule, no alert."""
    opened = open_house(tmp_path, NOON)
    yield opened
    close_house(opened)


def without_traces(house: House) -> Wiring:
    """Make current the same house without a trace store."""
    wiring = replace(house.wiring, traces=None)
    wired.set_current(wiring)
    return wiring
