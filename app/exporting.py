"""`wakeful alerts export` and `handover`: the story of an alert, a group or a shift, as text."""

import json
from datetime import timedelta

from sqlmodel import Session

from alerts import handover, postmortem, shifts, stories
from alerts.actions import UnknownAlertError
from alerts.policies import PolicyError
from alerts.wiring import Wiring
from app.dry_run import zone_of
from models.database import read_only

MOST_HOURS = 31 * 24


def exported(wiring: Wiring, number: int, *, group: bool, as_json: bool) -> str:
    """Return the story of the alert, or the group, with that id: Markdown, or JSON.

    Raises:
        UnknownAlertError: There is none.
    """
    read = stories.of_group if group else stories.of_alert
    with Session(read_only(wiring.db)) as session:
        story = read(session, number, base_url=wiring.settings.base_url, now=wiring.clock())
    if story is None:
        raise UnknownAlertError(f"there is no {'group of alerts' if group else 'alert'} {number}")
    if not as_json:
        return postmortem.markdown(story)
    return json.dumps(postmortem.as_json(story), indent=2, ensure_ascii=False) + "\n"


def handed_over(wiring: Wiring, *, hours: float, zone: str) -> str:
    """Return what the next person on duty needs to know of the last hours, as Markdown.

    Raises:
        PolicyError: There is no such time zone, or the hours are none.
    """
    if not 0 < hours <= MOST_HOURS:
        raise PolicyError(f"a shift lasts up to {MOST_HOURS} hours")
    clock, now = zone_of(zone), wiring.clock()
    since = now - timedelta(hours=hours)
    with Session(read_only(wiring.db)) as session:
        shift = shifts.shift(session, since=since, base_url=wiring.settings.base_url, now=now)
    return handover.markdown(shift, since=since, now=now, zone=clock)
