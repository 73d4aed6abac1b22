"""What a new installation starts with: a policy that suits its settings, and a watch on itself."""

from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import channels, policies, rulebook
from alerts.conditions import Threshold
from alerts.policies import PolicyDraft, StepDraft
from alerts.rulebook import RuleDraft
from alerts.selfwatch import SIGNAL
from alerts.settings import Settings
from models.database import read_only
from models.tables import Policy
from models.vocabulary import Severity

SLACK_CHANNEL = "#llm-alerts"


def ensure_defaults(db: Engine, settings: Settings, *, now: datetime) -> None:
    """Add the default policy and the rule on silent sources to a database without any policy."""
    with Session(read_only(db)) as session:
        if session.exec(select(Policy.id).limit(1)).first() is not None:
            return
    policies.save_policy(db, default_policy(settings))
    rulebook.save_rule(db, blindness_rule(settings), by="wakeful", now=now)


def default_policy(settings: Settings) -> PolicyDraft:
    """Return Slack at once, PagerDuty after 5 min, the on-call person after 10 min more.

    Of these, what the settings allow; with nothing set up, a Slack step that its delivery will
    report as not configured, so that nobody takes silence for health.
    """
    steps = [StepDraft(channels=(channels.name(channels.SLACK, SLACK_CHANNEL),))]
    if settings.pagerduty_routing_key:
        service = channels.name(channels.PAGERDUTY, "default")
        steps.append(StepDraft(after=timedelta(minutes=5), channels=(service,)))
    if settings.pagerduty_api_token:
        person = channels.name(channels.ONCALL, "default")
        steps.append(StepDraft(after=timedelta(minutes=10), channels=(person,)))
    return PolicyDraft(name="default", repeat=1, steps=tuple(steps))


def blindness_rule(settings: Settings) -> RuleDraft:
    """Return the rule that fires when a source of numbers stops answering."""
    return RuleDraft(
        name="A source is silent",
        owner=settings.local_user,
        severity=Severity.ERROR,
        summary="Wakeful cannot see: while this fires, other alerts neither start nor end.",
        condition=Threshold(signal=SIGNAL, bound=60, window=timedelta(minutes=1), by=("source",)),
        policy="default",
    )
