"""Telling people. One module per vendor; each channel kind has a class with `send`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from models.vocabulary import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What to say, before any vendor's markup.

    Attributes:
        dedup_key: The alert's identity at the vendor; the same for trigger and resolve.
        title: The rule's name.
        summary: One line: signal, value, bound, for whom.
        source: What misbehaves, such as a feature or a service.
        url: The alert's page.
        runbook_url: Empty if the rule has none.
        fired_at: Aware UTC.
        acknowledged_by: Who has it, once someone has.
        external_id: What `send` returned for this alert on this channel before, if anything.
    """

    event: Event
    dedup_key: str
    title: str
    summary: str
    severity: Severity
    source: str
    url: str
    fired_at: datetime
    runbook_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    resolved_by: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The vendor took the message.

    Attributes:
        answer: What it said, for the ledger; never a secret.
        external_id: Its handle on the message, to update it later; None keeps the one known.
    """

    answer: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can be reached."""

    name: str
    email: str


class NotifyError(Exception):
    """A send failed; the message is the vendor's answer in a sentence, without secrets.

    Attributes:
        permanent: Trying again cannot help; a human must mend the channel.
        uncertain: The vendor may have taken the message all the same, as after a time-out.
        retry_after: How long the vendor asked to wait, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        uncertain: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.uncertain = uncertain
        self.retry_after = retry_after


class Notifier(Protocol):
    """A kind of channel that can be told about an alert."""

    def send(self, target: str, message: Message) -> Receipt:
        """Deliver `message` to `target` in one attempt, without sleeping or retrying.

        Raises:
            NotifyError: It was not delivered, or it cannot be known that it was.
        """
        ...

    def check(self) -> str:
        """Return one line that shows the vendor answers to our credentials; sends nothing.

        Raises:
            NotifyError: It does not.
        """
        ...


class Directory(Protocol):
    """A way to find out who is on call."""

    def find(self, target: str, *, at: datetime) -> list[Person]:
        """Return who answers for `target` at `at`, first to be told first; empty for a gap.

        Raises:
            NotifyError: It could not be found out.
        """
        ...
