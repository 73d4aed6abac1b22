"""Alerts that come and go: held open, so that one trouble wakes people once. Pure.

Each episode by itself is honest; the tenth page of one hour is not. An alert of a rule and label
set that fired `EPISODES` times within `WITHIN` is flapping: it is closed only after it was clear
for `HOLD`, whatever its rule says, and says so.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.lifecycle import Timing

EPISODES = 4
WITHIN = timedelta(hours=1)
HOLD = timedelta(minutes=15)


def flaps(fired: Sequence[datetime], *, now: datetime) -> int:
    """Return how often it fired lately, this time included, if that is too often; else 0.

    Args:
        fired: When earlier episodes of the same rule and label set fired.
        now: When this one does.
    """
    lately = 1 + sum(now - at < WITHIN for at in fired)
    return lately if lately >= EPISODES else 0


def held(timing: Timing, flaps: int) -> Timing:
    """Return the patience that counts for an alert that has `flaps`."""
    return replace(timing, keep_firing=max(timing.keep_firing, HOLD)) if flaps else timing
