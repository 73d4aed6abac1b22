"""What the button under a dry run does: ask the engine for messages marked TEST."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from alerts import trials
from alerts.channels import ChannelError
from alerts.trials import TrialError
from app import cached_alerts, cached_people, identity, parts, press, wired
from app.parts import plain

_REFUSED: Final = ":material/block:"


def send(about: str, names: Sequence[str]) -> None:
    """Ask for a test of these channels."""
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("test", about, *names, now=now)
    try:
        trials.begin(wiring.db, names, about=about, by=me, now=now, key=once)
    except (TrialError, ChannelError) as error:
        parts.flash(f"Nothing was sent: {plain(str(error))}.", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was sent: try again.", _REFUSED)
    else:
        parts.flash("The engine sends the test now.", ":material/send:")
    cached_people.tried.clear()
