"""Slack's Web API with one token; every failure becomes a NotifyError.

Source: https://docs.slack.dev/apis/web-api
"""

import logging
import socket
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import plain
from alerts.notifiers.slack_errors import FOR_THE_BOT, refusal

SLACK_URL = "https://slack.com/api/"
# To connect, and again to answer. The longest send makes three calls, and must end within the
# outbox's lease.
TIMEOUT_SECONDS = 8.0

# The SDK logs whole bodies, which name customers; what matters of them is in our errors.
silent = logging.getLogger(f"{__name__}.sdk")
silent.setLevel(logging.CRITICAL + 1)


class SlackWeb:
    """One token's way to the Web API: one attempt a call, without sleeping."""

    def __init__(
        self,
        token: str,
        *,
        url: str = SLACK_URL,
        timeout_seconds: float = TIMEOUT_SECONDS,
        advice: str = FOR_THE_BOT,
    ) -> None:
        """Keep the token; `advice` tells where another comes from."""
        self._token = token
        self._advice = advice
        self._client = WebClient(
            token=token,
            base_url=url,
            timeout=cast(int, timeout_seconds),  # urllib takes any number
            logger=silent,
            retry_handlers=[],  # the outbox waits and tries again
        )

    def call(self, what: str, request: Callable[[WebClient], SlackResponse]) -> dict[str, Any]:
        """Return Slack's answer to one request; `what` names it in errors.

        Raises:
            NotifyError: Slack refused it (a SlackRefusalError), or could not be asked.
        """
        try:
            answer = request(self._client).data
        except SlackApiError as error:
            response = error.response
            raise refusal(
                what,
                response.status_code,
                response.headers,
                response.data,
                self._token,
                advice=self._advice,
            ) from error
        # Beside its own errors, the SDK lets through whatever a broken answer provokes in it.
        except (
            SlackClientError,
            OSError,
            HTTPException,
            ValueError,
            LookupError,
            AttributeError,
        ) as error:
            reason = getattr(error, "reason", error)
            said = plain(reason, self._token) or type(error).__name__
            never_left = isinstance(reason, ConnectionRefusedError | socket.gaierror)
            raise NotifyError(
                f"Slack did not answer {what}: {said}", uncertain=not never_left
            ) from error
        return answer if isinstance(answer, dict) else {}

    def identity(self) -> str:
        """Return "workspace as bot"; raises as `call`."""
        reply = self.call("auth.test", lambda client: client.auth_test())
        return f"{plain(reply.get('team'))} as {plain(reply.get('user'))}"


def text(answer: Any, *path: str) -> str:
    """Return the text at `path` of an answer.

    Raises:
        NotifyError: It is not there.
    """
    found = optional_text(answer, *path)
    if not found:
        raise NotifyError(f"Slack's answer lacks {'.'.join(path)}", uncertain=True)
    return found


def optional_text(answer: Any, *path: str) -> str:
    """Return the text at `path` of an answer; empty where there is none."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer if isinstance(answer, str) else ""
