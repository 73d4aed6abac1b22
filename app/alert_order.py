"""In which order open alerts stand in the inbox, and which is next to one of them. Pure."""

from collections.abc import Sequence

from alerts import inbox
from alerts.inbox import Bundle
from app.cached_alerts import Inbox
from models.vocabulary import AlertState


def by_urgency(bundles: Sequence[Bundle]) -> tuple[list[Bundle], list[Bundle], list[Bundle]]:
    """Return the groups that nobody has, those that somebody has, and those that are muted."""
    firing, taken, muted = [], [], []
    for bundle in bundles:
        if bundle.group.state is AlertState.ACKNOWLEDGED:
            taken.append(bundle)
        elif bundle.group.muted:
            muted.append(bundle)
        else:
            firing.append(bundle)
    return firing, taken, muted


def ids(found: Inbox) -> list[int]:
    """Return the ids of the open and pending alerts as the inbox lists them, most urgent first."""
    bundles = [one for part in by_urgency(inbox.together(found.open)) for one in part]
    items = [item for bundle in bundles for item in bundle.items]
    return [item.alert.id or 0 for item in (*items, *found.pending)]


def neighbours(order: Sequence[int], alert_id: int) -> tuple[int | None, int | None]:
    """Return the alerts before and after this one; None where the list ends.

    After an alert that is not in the list, since it is over, comes the most urgent one.
    """
    if alert_id not in order:
        return None, (order[0] if order else None)
    place = order.index(alert_id)
    before = order[place - 1] if place else None
    after = order[place + 1] if place + 1 < len(order) else None
    return before, after
