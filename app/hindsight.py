"""What a rule would have done: its question's past, shared by all viewers, run by the live code."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlmodel import Session, col, select

from alerts import backtest, paged, policies, silences
from alerts.backtest import Hindsight, Instants
from alerts.conditions import Question
from alerts.lifecycle import Timing
from alerts.muting import Quiet
from alerts.observations import Watch
from alerts.paged import Route, Told
from alerts.rulecode import templates
from alerts.ruledraft import RuleDraft
from app import cached
from app.cached import Answer
from app.cached_watching import Past
from app.hindsight_words import Incident
from models.tables import Alert, Policy

FRESH: Final = timedelta(seconds=10)
MOST_INCIDENTS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else decides about a stretch of the past.

    Attributes:
        routes: How alerts reach people, by policy.
        incidents: The troubles that somebody acknowledged, the oldest first.
    """

    routes: Mapping[str, Route]
    incidents: tuple[Incident, ...]


@st.cache_resource(ttl=FRESH, max_entries=8, show_spinner=False, refresh_mode="background")
def surroundings(since: datetime) -> Answer[Surroundings]:
    """Return policies, silences and incidents from `since` on."""

    def read(session: Session) -> Surroundings:
        quiet = tuple(map(silences.quiet, silences.silences(session, now=since)))
        routes = {policy.name: _route(policy, quiet) for policy in policies.policies(session)}
        return Surroundings(routes=routes, incidents=_incidents(session, since))

    return cached.from_database(("surroundings", since), read)


def of(rule: RuleDraft, pasts: Mapping[Question, Past]) -> Hindsight:
    """Return what `rule` would have done over `pasts`, which lie on one grid."""
    grid = next(iter(pasts.values())).grid
    watch = Watch(
        condition=rule.condition,
        timing=Timing(hold=rule.hold, keep_firing=rule.keep_firing),
        # One alert of a series, not one for each of its values.
        labels={n: text for n, text in rule.labels.items() if not templates.says_value(text)},
        data_states=rule.data_states,
        name=rule.alertname or rule.name,
    )
    answers = {question: past.series for question, past in pasts.items()}
    instants = Instants(start=grid.start, step=grid.step, count=grid.count)
    return backtest.backtest(watch, answers, instants, every=rule.interval)


def told(rule: RuleDraft, found: Hindsight, around: Surroundings) -> list[Told]:
    """Return whom the rule would have told."""
    route = around.routes.get(rule.policy)
    if route is None:
        return []
    instants = found.instants
    return paged.told(
        found.alerts,
        route,
        rule=rule.name,
        severity=rule.severity,
        until=instants.at(instants.count),
    )


def clear() -> None:
    """Forget everything that was read."""
    surroundings.clear()


def _route(policy: Policy, quiet: tuple[Quiet, ...]) -> Route:
    return Route(
        plan=policies.plan_of(policy),
        group_by=None if policy.group_by is None else tuple(policy.group_by),
        storm_limit=policy.storm_limit,
        silences=quiet,
    )


def _incidents(session: Session, since: datetime) -> tuple[Incident, ...]:
    """Return one incident for each group somebody acknowledged."""
    asked = (
        select(Alert)
        .where(col(Alert.acknowledged_at) >= since, col(Alert.group_id).is_not(None))
        .order_by(col(Alert.active_at))
        .limit(MOST_INCIDENTS)
    )
    found: dict[int | None, Incident] = {}
    for row in session.exec(asked):
        known = found.get(row.group_id)
        if known is None:
            incident = Incident(labels=row.labels, began=row.active_at, ended=row.resolved_at)
        else:
            incident = replace(known, ended=_later(known.ended, row.resolved_at))
        found[row.group_id] = incident
    return tuple(found.values())


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later end; None where one has not ended."""
    return None if one is None or other is None else max(one, other)
