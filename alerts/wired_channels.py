"""The channels by their settings, both ways; for `alerts.wiring`."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Engine

from alerts import channels, evidence, incident_polling
from alerts.delivery import Channels
from alerts.evidence import TraceEvidence
from alerts.notifiers import Directory, Listener, Notifier, Poster, apprise
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.pagerduty_incidents import PagerDutyIncidents
from alerts.notifiers.pagerduty_rest import (
    PagerDutyAssignment,
    PagerDutyOnCall,
    PagerDutySchedules,
)
from alerts.notifiers.people import NamedPeople
from alerts.notifiers.slack import Slack, SlackDirect
from alerts.notifiers.slack_bulletins import SlackBulletins
from alerts.notifiers.slack_people import Members
from alerts.notifiers.slack_threads import SlackThread
from alerts.oncall import ScheduledPeople
from alerts.presses import Presses
from alerts.settings import Settings
from alerts.settingvalues import SettingsError
from models.clock import Clock
from signals.traces import TraceStore


def usable_channels(
    settings: Settings, db: Engine, *, traces: TraceStore | None = None
) -> Channels:
    """Return the channel kinds for which there are credentials.

    Args:
        settings: The credentials.
        db: Schedules are kept in it.
        traces: Where the traces are that explain an alert; None for nowhere.

    Raises:
        SettingsError: A package that one of them needs is not installed.
    """
    notifiers: dict[str, Notifier] = {}
    posters: dict[str, Poster] = {}
    directories: Mapping[str, Directory] = {
        channels.PERSON: NamedPeople(),
        channels.SCHEDULE: ScheduledPeople(db, pagerduty_schedules(settings)),
    }
    if settings.slack_bot_token:
        token, url = settings.slack_bot_token, settings.slack_url
        notifiers[channels.SLACK] = Slack(token, url=url)
        notifiers[channels.SLACK_DM] = SlackDirect(token, url=url)
        notifiers[channels.SLACK_THREAD] = SlackThread(token, url=url)
        posters[channels.SLACK] = SlackBulletins(token, url=url)
        posters[channels.SLACK_DM] = SlackBulletins(token, url=url, direct=True)
    services = settings.pagerduty_services
    if services:
        notifiers[channels.PAGERDUTY] = PagerDutyEvents(services, url=settings.pagerduty_events_url)
    if settings.pagerduty_api_token:
        token, url = settings.pagerduty_api_token, settings.pagerduty_api_url
        directories = {**directories, channels.ONCALL: PagerDutyOnCall(token, url=url)}
        notifiers[channels.PAGERDUTY_ASSIGN] = PagerDutyAssignment(
            token, sender=settings.pagerduty_from, url=url
        )
    if settings.apprise_urls:
        notifiers[channels.APPRISE] = _apprise(settings)
    direct = (channels.SLACK_DM, channels.PAGERDUTY_ASSIGN)
    assignable = {channels.PAGERDUTY, channels.PAGERDUTY_ASSIGN} <= notifiers.keys()
    return Channels(
        notifiers=notifiers,
        directories=directories,
        posters=posters,
        reach=tuple(kind for kind in direct if kind in notifiers),
        page=(channels.name(channels.PAGERDUTY, next(iter(services))),) if assignable else (),
        base_url=settings.base_url,
        evidence=TraceEvidence(traces, base_url=settings.base_url) if traces else evidence.none,
    )


def slack_presses(settings: Settings, db: Engine, clock: Clock) -> Presses:
    """Return what follows presses of Slack's buttons, by whichever way they come."""
    if not settings.slack_bot_token:
        return Presses(db=db, clock=clock)
    members = Members(settings.slack_bot_token, url=settings.slack_url)
    return Presses(db=db, clock=clock, find=members.find)


def listeners(settings: Settings, db: Engine, clock: Clock) -> tuple[Listener, ...]:
    """Return what hears from vendors over connections of its own."""
    if not settings.slack_app_token:
        return ()
    # Here, since websockets take a tenth of a second that others need not.
    from alerts.notifiers.slack_socket import SlackSocket

    take = slack_presses(settings, db, clock).take
    return (SlackSocket(settings.slack_app_token, take, clock, url=settings.slack_url),)


def pagerduty_schedules(settings: Settings) -> PagerDutySchedules | None:
    """Return the schedules kept in PagerDuty; None without a token."""
    if not settings.pagerduty_api_token:
        return None
    return PagerDutySchedules(settings.pagerduty_api_token, url=settings.pagerduty_api_url)


def incident_poll(settings: Settings, db: Engine) -> Callable[[datetime], object] | None:
    """Return what asks PagerDuty about incidents; None where its webhooks tell, or none is ours."""
    can_ask = settings.pagerduty_services and settings.pagerduty_api_token
    if settings.pagerduty_webhook_secret or not can_ask:
        return None
    vendor = PagerDutyIncidents(settings.pagerduty_api_token, url=settings.pagerduty_api_url)
    return lambda now: incident_polling.poll(db, vendor, now=now)


def _apprise(settings: Settings) -> apprise.AppriseServices:
    if not apprise.installed():
        raise SettingsError(
            "WAKEFUL_APPRISE_URLS needs the package apprise: install wakeful[apprise], or "
            "`uv sync --extra apprise`"
        )
    return apprise.AppriseServices(settings.apprise_services)
