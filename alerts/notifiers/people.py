"""People as they are written: `Ada Lovelace <ada@example.org>`, or the address alone. Pure."""

import re
from datetime import datetime

from alerts.notifiers import NotifyError, Person

_ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+")
_MAILBOX = re.compile(
    rf"(?P<name>[^<>]*)<(?P<named>{_ADDRESS.pattern})>|(?P<bare>{_ADDRESS.pattern})"
)


def read(text: str) -> Person:
    """Return the person that `text` writes; an address alone tells a name as well as it can.

    `ada.lovelace@example.com` is Ada Lovelace.

    Raises:
        ValueError: It holds no e-mail address.
    """
    found = _MAILBOX.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(f"{text!r} needs an e-mail address: write Ada Lovelace <ada@example.org>")
    email = found["named"] or found["bare"]
    name = (found["name"] or "").strip(' "')
    return Person(name=name or _name_of(email), email=email)


def write(person: Person) -> str:
    """Return `person` as `read` takes it."""
    return f"{person.name} <{person.email}>"


def same(one: str, other: str) -> bool:
    """Say whether two mailboxes are one person's: the address decides, whatever the name."""
    return key(one) == key(other)


def key(mailbox: str) -> str:
    """Return what makes `mailbox` the same person as another: its address, or all of it."""
    try:
        return read(mailbox).email.casefold()
    except ValueError:
        return mailbox.casefold()


class NamedPeople:
    """The directory behind `person:e-mail`: whoever is named, at any time."""

    def find(self, target: str, *, at: datetime) -> list[Person]:  # noqa: ARG002 - see `Directory`
        """Return the one person whose e-mail address is `target`; see `Directory.find`."""
        try:
            return [read(target)]
        except ValueError as error:
            raise NotifyError(
                f"{target!r} is not an e-mail address: correct the policy", permanent=True
            ) from error


def _name_of(email: str) -> str:
    local = email.partition("@")[0]
    words = local.split("+")[0].replace("_", ".").split(".")
    return " ".join(word.capitalize() for word in words if word) or local
