"""Whether anything new reaches a source that is fed at a steady pace, whatever happens."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from signals import Query, SignalError, Source
from signals.trust import STALE_AFTER

logger = logging.getLogger(__name__)

KNOWN_FOR = timedelta(seconds=15)


class Fed(Source, Protocol):
    """A source that is fed whatever happens, as a Prometheus is by its scrapes.

    Of other sources, such as a trace store, an old newest item means only that nothing happened.
    """

    def dates(self, query: Query) -> bool:
        """Say whether `newest` is about what answers `query`."""
        ...


class Freshness:
    """Since when nothing new has reached one source, looked up at most every 15 seconds."""

    def __init__(self, source: Fed) -> None:
        self.source = source
        self._looked_at: datetime | None = None
        self._newest_at: datetime | None = None

    def look(self, *, at: datetime) -> None:
        """Ask the source for its newest data, if that is due; a failure leaves it unknown."""
        if self._looked_at is not None and timedelta() <= at - self._looked_at < KNOWN_FOR:
            return
        self._looked_at = at
        try:
            self._newest_at = self.source.newest(at=at)
        except SignalError as error:  # its answers to the questions say so themselves
            self._newest_at = None
            logger.debug("freshness unknown source=%s error=%s", self.source.name, error)

    def stale_since(self, at: datetime) -> datetime | None:
        """Return when the newest data came, if that is too long ago; None if not, or unknown."""
        newest = self._newest_at
        return newest if newest is not None and at - newest > STALE_AFTER else None
