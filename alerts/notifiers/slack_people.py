"""Who someone in Slack is: name, e-mail address and time zone, as far as the bot may know.

Source: https://docs.slack.dev/reference/methods/users.info (scope users:read; the address needs
users:read.email)
"""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import plain
from alerts.notifiers.slack_errors import SlackRefusalError
from alerts.notifiers.slack_web import SLACK_URL, SlackWeb, optional_text

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0  # whoever pressed a button waits for it
KNOWN_FOR = timedelta(hours=1)
UNKNOWN_FOR = timedelta(minutes=1)
MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Someone in Slack; what Slack does not tell is empty.

    Attributes:
        zone: The name of a time zone, such as Europe/Berlin.
        stranger: Slack itself knows no such user, as opposed to not telling.
    """

    name: str = ""
    email: str = ""
    zone: str = ""
    stranger: bool = False


NOBODY = Member()
STRANGER = Member(stranger=True)


class Members:
    """Looks people up, and remembers them for a while."""

    def __init__(
        self, token: str, *, url: str = SLACK_URL, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._web = SlackWeb(token, url=url, timeout_seconds=timeout_seconds)
        self._known: OrderedDict[str, tuple[Member, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, user_id: str, *, now: datetime) -> Member:
        """Return who the user is; NOBODY if Slack does not tell, STRANGER if it knows no such."""
        with self._lock:
            member, until = self._known.get(user_id, (NOBODY, now))
        if now < until:
            return member
        member = self._ask(user_id)
        with self._lock:
            kept = UNKNOWN_FOR if member in (NOBODY, STRANGER) else KNOWN_FOR
            self._known[user_id] = member, now + kept
            self._known.move_to_end(user_id)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return member

    def _ask(self, user_id: str) -> Member:
        try:
            found = self._web.call(
                f"users.info of {user_id}", lambda client: client.users_info(user=user_id)
            )
        except NotifyError as error:
            logger.warning("slack user=%s unknown=%s", user_id, error)
            refused = isinstance(error, SlackRefusalError) and error.code == "user_not_found"
            return STRANGER if refused else NOBODY
        named = (
            optional_text(found, "user", "profile", "real_name"),
            optional_text(found, "user", "real_name"),
            optional_text(found, "user", "name"),
        )
        return Member(
            name=next((plain(name) for name in named if name.strip()), ""),
            email=plain(optional_text(found, "user", "profile", "email")),
            zone=_zone(optional_text(found, "user", "tz")),
        )


def _zone(name: str) -> str:
    """Return `name` if this machine knows such a time zone, else nothing."""
    try:
        return ZoneInfo(name).key if name else ""
    except (KeyError, ValueError, OSError):
        return ""
