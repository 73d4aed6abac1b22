"""Apprise: e-mail, Teams, SMS and a hundred other services, each by an address.

Apprise answers yes or no, and says why in a log; its plugins wait for whom they like. So each
message is sent by a process of its own, which is killed when it takes too long.

Source: https://appriseit.com/services/
"""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from alerts.notifiers import Message, NotifyError, Receipt
from alerts.notifiers.answers import permanent, plain
from models.vocabulary import Event, Severity

PATIENCE_SECONDS = 20.0  # within the outbox's lease
SETTING = "WAKEFUL_APPRISE_URLS"

_COMMAND = (sys.executable, "-I", "-m", "alerts.notifiers.apprise_process")
_STATE = {Event.TRIGGER: "Firing", Event.ACKNOWLEDGE: "Acknowledged", Event.RESOLVE: "Resolved"}
_KINDS = {
    Severity.CRITICAL: "failure",
    Severity.ERROR: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}
_STATUS = re.compile(r"\berror=(\d{3})\b")  # as Apprise's plugins log what HTTP answered
_SHORT = 4  # what is shorter says nothing, and would blot out half of every sentence


def installed() -> bool:
    """Say whether the optional package is there."""
    return importlib.util.find_spec("apprise") is not None


class AppriseServices:
    """Services by name, each with the address by which Apprise knows it."""

    def __init__(
        self, urls: Mapping[str, str], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._urls = dict(urls)
        self._patience_seconds = patience_seconds

    def send(self, target: str, message: Message) -> Receipt:
        """Send one message to the service named `target`; see `Notifier.send`."""
        url = self._urls.get(target)
        if url is None:
            raise NotifyError(
                f"no address is known for {target}, only for {', '.join(self._urls)}: add "
                f"{target}=… to {SETTING}, or correct the policy",
                permanent=True,
            )
        over = message.event is not Event.TRIGGER
        told = {
            "title": f"{_STATE[message.event]}: {message.title}",
            "body": "\n".join(_lines(message)),
            "kind": "success" if over else _KINDS[message.severity],
        }
        answer = self._ask(target, url, told)
        if not answer.get("sent"):
            raise _failure(target, url, str(answer.get("said", "")))
        return Receipt(answer=f"sent by {_scheme(url)}")

    def check(self) -> str:
        """Return that Apprise understands every address; only a message could prove one."""
        for name, url in self._urls.items():
            self._ask(name, url, {})
        kinds = ", ".join(f"{name} by {_scheme(url)}" for name, url in self._urls.items())
        return f"understood, and untested: {kinds}"

    def _ask(self, name: str, url: str, told: dict[str, str]) -> dict[str, Any]:
        try:
            done = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
                _COMMAND,
                input=json.dumps(told | {"url": url}).encode(),
                capture_output=True,
                timeout=self._patience_seconds,
                check=True,
            )
            answer = json.loads(done.stdout.rpartition(b"\n")[2])
        except subprocess.TimeoutExpired as error:
            raise NotifyError(
                f"{name} did not answer within {self._patience_seconds:.0f} s", uncertain=True
            ) from error
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            raise NotifyError(f"Apprise broke down over {name}", uncertain=True) from error
        if not isinstance(answer, dict) or not answer.get("understood"):
            raise NotifyError(
                f"Apprise does not understand the address of {name}: correct it in {SETTING}",
                permanent=True,
            )
        return answer


def _failure(name: str, url: str, said: str) -> NotifyError:
    """Return what a refusal means: Apprise tells the status of HTTP, or nothing to go by."""
    told = _STATUS.search(said)
    status = int(told[1]) if told else None
    reason = plain(said, *_secrets(url)) or "Apprise does not say why"
    return NotifyError(
        f"{name} was not told: {reason}",
        permanent=status is not None and permanent(status),
        uncertain=status is None or status >= 500,
    )


def _lines(message: Message) -> list[str]:
    """Return the message as plain text; the link to the alert's page is its own line."""
    said = [message.summary or message.title]
    said += [f"- {line.state}: {line.text}" for line in message.lines]
    if message.more:
        said.append(f"- and {message.more} more")
    said += ["", f"{message.severity.capitalize()}, since {message.fired_at:%Y-%m-%d %H:%M} UTC"]
    if message.muted:
        said.append(message.muted.capitalize())
    if message.acknowledged_by and message.event is Event.ACKNOWLEDGE:
        said.append(f"{message.acknowledged_by} has it")
    if message.resolved_by and message.event is Event.RESOLVE:
        said.append(f"Resolved by {message.resolved_by}")
    said += [message.url] if message.url else []
    return said + ([f"Runbook: {message.runbook_url}"] if message.runbook_url else [])


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _secrets(url: str) -> list[str]:
    """Return every part of an address: which is a token, only the plugin knows. Longest first."""
    rest = url.partition("://")[2]
    parts = {part for piece in (rest, unquote(rest)) for part in re.split(r"[/:@?&=,;#]+", piece)}
    return sorted((part for part in parts if len(part) >= _SHORT), key=len, reverse=True)
