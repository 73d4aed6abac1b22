"""People named in the policy itself. Pure."""

from datetime import datetime

from alerts.notifiers import NotifyError, Person


class NamedPeople:
    """The directory behind `person:e-mail`: whoever is named, at any time."""

    def find(self, target: str, *, at: datetime) -> list[Person]:  # noqa: ARG002 - see `Directory`
        """Return the one person whose e-mail address is `target`; see `Directory.find`.

        The name is made of the address: `ada.lovelace@example.com` is Ada Lovelace.
        """
        email = target.strip()
        local, _, host = email.partition("@")
        if not local or not host or any(character.isspace() for character in email):
            raise NotifyError(
                f"{target!r} is not an e-mail address: correct the policy", permanent=True
            )
        words = local.split("+")[0].replace("_", ".").split(".")
        name = " ".join(word.capitalize() for word in words if word)
        return [Person(name=name or local, email=email)]
