"""Telling people. One module per vendor; each channel kind has a class with `send`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from models.vocabulary import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One alert of a group, in a line.

    Attributes:
        state: As people say it: firing, muted, acknowledged, resolved.
        url: The alert's page.
    """

    state: str
    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLink:
    """A trace that shows what an alert is about.

    Attributes:
        url: Its page.
        cost_usd: None when unknown, which is not zero.
    """

    title: str
    url: str
    duration: timedelta
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The traces that explain a breach best, worst first; without any, nothing is said of traces.

    Attributes:
        title: What they are called, such as "Slowest traces".
    """

    title: str = ""
    traces: tuple[TraceLink, ...] = ()


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a group, in words."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What the thread of a post has not been told yet.

    Attributes:
        parent: The vendor's handle on the post.
        happenings: Oldest first, and how many `more` there are.
        told: What the thread will have been told with these; see `alerts.threads`.
    """

    parent: str
    happenings: tuple[Happening, ...]
    more: int
    told: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What to say of a group of alerts, which is mostly one, before any vendor's markup.

    Attributes:
        dedup_key: The group's identity here; the same for as long as it lives.
        vendor_key: Its identity at a vendor that folds events; see `alerts.groups.vendor_key`.
        title: The rule's name, or what a group of several is called.
        summary: One line: signal, value, bound, for whom.
        details: More about it, in the words of whoever made the rule; mostly empty.
        lines: The group's worst alerts where it has several, and `more` beside them.
        source: What misbehaves, such as a feature or a service.
        url: The alert's page.
        runbook_url: Empty if the rule has none.
        fired_at: Aware UTC.
        muted: Why nobody is called although it fires; empty if somebody is.
        flapping: How it comes and goes, in words; empty if it does not.
        evidence: The worst traces of its worst alert.
        news: For a thread; None for any other channel.
        acknowledged_by: Who has it, once someone has.
        acknowledged_until: When it is nobody's again; None for never.
        loud: Whether somebody is to be called, as opposed to a post brought up to date.
        external_id: What `send` returned for this group on this channel before, if anything.
    """

    event: Event
    dedup_key: str
    vendor_key: str
    title: str
    summary: str
    severity: Severity
    source: str
    url: str
    fired_at: datetime
    runbook_url: str = ""
    details: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    more: int = 0
    muted: str = ""
    flapping: str = ""
    evidence: Evidence = NO_EVIDENCE
    news: News | None = None
    acknowledged_by: str | None = None
    acknowledged_until: datetime | None = None
    resolved_by: str | None = None
    loud: bool = True
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """Something to say that is about no alert, before any vendor's markup.

    Attributes:
        lines: One point each.
        url: Where more of it stands.
    """

    title: str
    lines: tuple[str, ...]
    url: str


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


class PostGoneError(NotifyError):
    """What the message belonged to is gone, and the message with it; there is nothing to mend."""


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


class Poster(Protocol):
    """A kind of channel that can be told something that is about no alert."""

    def post(self, target: str, bulletin: Bulletin) -> Receipt:
        """Say `bulletin` to `target` in one attempt; raises as `Notifier.send`."""
        ...


class Directory(Protocol):
    """A way to find out who is on call."""

    def find(self, target: str, *, at: datetime) -> list[Person]:
        """Return who answers for `target` at `at`, first to be told first; empty for a gap.

        Raises:
            NotifyError: It could not be found out.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """How a standing connection to a vendor is doing.

    Attributes:
        since: When it was made or, if it does not stand, lost or first tried; None before that.
        error: Why it last broke or could not be made, and when; empty if it never did.
    """

    connected: bool = False
    since: datetime | None = None
    error: str = ""
    error_at: datetime | None = None


class Listener(Protocol):
    """Something that hears from a vendor over a connection of its own."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        ...

    @property
    def state(self) -> LinkState:
        """Return how the connection is doing."""
        ...

    def start(self) -> None:
        """Connect, and stay connected, in threads of its own; return at once."""
        ...

    def stop(self) -> None:
        """Disconnect, once what was heard is done."""
        ...

    def check(self) -> str:
        """Return one line that shows the vendor would connect us; raises NotifyError."""
        ...
