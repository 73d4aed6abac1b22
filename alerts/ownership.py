"""Whether somebody still answers for a dashboard. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

REVIEWED_WITHIN: Final = timedelta(days=90)


class Owned(Protocol):
    """Something that one person answers for, and looks through now and then."""

    owner: str
    reviewed_at: datetime | None


def same(name: str) -> str:
    """Return what two spellings of one person's name have in common."""
    return " ".join(name.split()).casefold()


def flags(owned: Owned, departed: Collection[str], *, now: datetime) -> list[str]:
    """Return why nobody should rely on it, a few words each; nothing if all is well.

    Args:
        owned: A dashboard.
        departed: People who are gone, as `same` spells them.
        now: The instant.
    """
    found = []
    if same(owned.owner) in departed:
        found.append("owner gone")
    if owned.reviewed_at is None:
        found.append("never reviewed")
    elif (passed := now - owned.reviewed_at) > REVIEWED_WITHIN:
        found.append(f"not reviewed for {passed.days} days")
    return found
