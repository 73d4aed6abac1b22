"""Who is known here, as somebody to hand an alert to."""

from collections.abc import Iterable

from sqlmodel import Session, col, or_, select

from alerts import channels
from models.tables import Notification, Policy, Transition

PERSONAL = (channels.PERSON, channels.SLACK_DM, channels.PAGERDUTY_ASSIGN)
LOOKED_AT = 5000  # of the newest changes of state
MOST = 200


def known(session: Session) -> list[str]:
    """Return the e-mail addresses that policies name, that were told, or that took alerts."""
    found = {*_in_policies(session), *_told(session), *_who_took(session)}
    return sorted(found, key=str.casefold)[:MOST]


def _in_policies(session: Session) -> Iterable[str]:
    for steps in session.exec(select(Policy.steps)):
        for step in steps:
            yield from filter(None, map(_address, step["channels"]))


def _told(session: Session) -> Iterable[str]:
    personal = or_(*(col(Notification.channel).startswith(f"{kind}:") for kind in PERSONAL))
    rows = session.exec(select(Notification.channel).where(personal).distinct().limit(MOST))
    return filter(None, map(_address, rows))


def _who_took(session: Session) -> Iterable[str]:
    newest = select(Transition.actor).order_by(col(Transition.id).desc()).limit(LOOKED_AT)
    return {actor for actor in session.exec(newest) if "@" in actor and " " not in actor}


def _address(channel: str) -> str:
    kind, _, target = channel.partition(":")
    return target if kind in PERSONAL else ""
