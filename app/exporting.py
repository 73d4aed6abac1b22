"""`wakeful alerts export`: the story of an alert, or of a group of them, as text."""

import json

from sqlmodel import Session

from alerts import postmortem, stories
from alerts.actions import UnknownAlertError
from alerts.wiring import Wiring
from models.database import read_only


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
