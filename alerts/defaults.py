"""What a new installation starts with: a policy that suits its settings, and a watch on itself."""

from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import channels, policies, rulebook, selfwatch
from alerts.conditions import Threshold
from alerts.groups import RULE
from alerts.policies import PolicyDraft, StepDraft
from alerts.ruledraft import RuleDraft
from alerts.settings import Settings
from models.tables import Policy
from models.vocabulary import Severity
from signals.catalog import CATALOG

SLACK_CHANNEL = "#llm-alerts"


def ensure_defaults(db: Engine, settings: Settings, *, now: datetime) -> None:
    """Add the default policies and rules about Wakeful itself to a database without policies."""
    with Session(db) as session:
        if session.exec(select(Policy.id).limit(1)).first() is not None:
            return
        for policy in (default_policy(settings), admins_policy(settings)):
            policies.put_policy(session, policy, policy_id=None)
        for rule in own_rules(settings):
            rulebook.put_rule(session, rule, by="wakeful", now=now, rule_id=None)
        session.commit()


def default_policy(settings: Settings) -> PolicyDraft:
    """Return Slack at once, PagerDuty after 5 min, the on-call person after 10 min more.

    Of these, what the settings allow; with nothing set up, a Slack step that its delivery will
    report as not configured, so that nobody takes silence for health.
    """
    steps = [StepDraft(channels=(channels.name(channels.SLACK, SLACK_CHANNEL),))]
    if service := _service(settings):
        steps.append(StepDraft(after=timedelta(minutes=5), channels=(service,)))
    if settings.pagerduty_api_token:
        person = channels.name(channels.ONCALL, "default")
        steps.append(StepDraft(after=timedelta(minutes=10), channels=(person,)))
    return PolicyDraft(
        name="default",
        repeat=1,
        steps=tuple(steps),
        group_by=(RULE,),
        ack_timeouts={Severity.CRITICAL: timedelta(hours=1), Severity.ERROR: timedelta(hours=4)},
    )


def admins_policy(settings: Settings) -> PolicyDraft:
    """Return every kind of channel at once: of a channel that is broken, another must tell."""
    told = [channels.name(channels.SLACK, SLACK_CHANNEL)]
    if service := _service(settings):
        told.append(service)
    return PolicyDraft(
        name="admins", repeat=1, steps=(StepDraft(channels=tuple(told)),), group_by=(RULE,)
    )


def _service(settings: Settings) -> str:
    """Return the channel of the first PagerDuty service; empty without any."""
    first = next(iter(settings.pagerduty_services), "")
    return channels.name(channels.PAGERDUTY, first) if first else ""


def own_rules(settings: Settings) -> list[RuleDraft]:
    """Return the rules about Wakeful itself."""
    return [
        _own_rule(
            settings,
            "A source is silent",
            selfwatch.SILENCE,
            "Wakeful cannot see: while this fires, other alerts neither start nor end.",
        ),
        _own_rule(
            settings,
            "A channel is broken",
            selfwatch.BROKEN,
            "Messages are refused there and nobody reads them: see Deliveries for the reason.",
        ),
        _own_rule(
            settings,
            "Wakeful is late",
            selfwatch.LATENESS,
            "Steps, messages or evaluations are overdue: see /healthz, and whether engines run.",
        ),
    ]


def _own_rule(settings: Settings, name: str, signal: str, summary: str) -> RuleDraft:
    breach = CATALOG[signal].breach
    return RuleDraft(
        name=name,
        owner=settings.local_user,
        severity=Severity.ERROR,
        summary=summary,
        condition=Threshold(
            signal=signal,
            bound=breach.bound if breach else 0,
            window=timedelta(minutes=1),
            by=(selfwatch.LABELS[signal],),
        ),
        policy="admins",
    )
