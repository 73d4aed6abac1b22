"""Who would be found for `oncall:…` and `person:…` at an instant; reading only, nobody is told.

Directories may need the network, so that all are asked side by side and none is waited for beyond
`PATIENCE`: what is not known by then is said to be unknown.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import channels, delivery
from alerts.channels import ChannelError
from alerts.delivery import Channels
from alerts.notifiers import NotifyError, Person

PATIENCE = timedelta(seconds=4)
MOST = 40  # questions at a time
AT_ONCE = 8

Asked = tuple[str, datetime]  # the name of a channel, and when


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who answers for a channel at an instant.

    Attributes:
        people: First to be told first.
        problem: Why nobody is known, in a sentence; empty if somebody is.
    """

    people: tuple[Person, ...] = ()
    problem: str = ""


def look_up(
    usable: Channels, asked: Iterable[Asked], *, patience: timedelta = PATIENCE
) -> Mapping[Asked, Found]:
    """Return who is found for each of `asked` that names people; places are left out."""
    wanted = [one for one in dict.fromkeys(asked) if names_people(one[0])]
    found = dict.fromkeys(wanted[MOST:], Found(problem="not looked up: there are too many"))
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        asking = {pool.submit(_find, usable, *one): one for one in wanted[:MOST]}
        answered, _ = wait(asking, timeout=patience.total_seconds())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return found | {one: _result(future, answered) for future, one in asking.items()}


def names_people(channel: str) -> bool:
    """Say whether `channel` stands for whoever is found, as opposed to a place."""
    return channel.partition(":")[0] in channels.PEOPLE


def _find(usable: Channels, channel: str, at: datetime) -> Found:
    try:
        people = delivery.find_people(usable, *channels.parse(channel), now=at)
    except (NotifyError, ChannelError) as error:
        return Found(problem=str(error))
    return Found(people=tuple(people))


def _result(future: "Future[Found]", answered: Iterable["Future[Found]"]) -> Found:
    if future not in answered:
        return Found(problem="unknown: whoever knows did not answer in time")
    return future.result()
