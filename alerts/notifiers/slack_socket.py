"""Slack's Socket Mode: presses of buttons arrive over a connection that we open.

So no public address is needed. Slack renews each connection every few hours: it says so, and the
next one is opened before the old one ends. Any number of engines may be connected, up to ten; a
press goes to one of them.

    start -> opening -> connected -- about to be renewed --> heard until it ends
                ^            | lost, refused                      | meanwhile
                +-- a pause -+                                 opening -> connected

An envelope is acknowledged once its press was followed, and after two seconds at the latest,
whatever the database does: then it goes on, and its outcome is whispered. What is never
acknowledged, Slack shows as failed to whoever pressed.

The client of slack_sdk is not used: after a connection that breaks without a goodbye, it hears
nothing for 29 seconds and takes a processor for 17 of them (decision 14).

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from alerts.notifiers import LinkState, NotifyError
from alerts.notifiers.answers import on_loopback, plain
from alerts.notifiers.slack_errors import FOR_THE_APP
from alerts.notifiers.slack_web import SLACK_URL, SlackWeb, silent, text
from models.clock import Clock

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0  # of Slack's three
OPEN_SECONDS = 10.0
PING_SECONDS = 10.0  # a connection that does not answer for twice as long is dead
CLOSE_SECONDS = 1.0  # Slack does not hang up by itself
STOP_SECONDS = 3.0
PAUSE = timedelta(seconds=1)  # before the first new attempt; then twice as long each time
LONGEST_PAUSE = timedelta(minutes=1)
AT_ONCE = 4  # presses that are followed side by side
MOST_WAITING = 64  # on one connection

_ENDS = {
    "link_disabled": "Socket Mode is switched off in the Slack app: switch it on",
    "too_many_websockets": "Slack lets no more than ten engines connect",
}


class SlackSocket:
    """Keeps one connection to Slack; a `Listener`."""

    name = "slack"

    def __init__(
        self,
        token: str,
        take: Callable[[Mapping[str, Any]], None],
        clock: Clock,
        *,
        url: str = SLACK_URL,
        pause: timedelta = PAUSE,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        """Keep what is needed; `start` connects.

        Args:
            token: App-level, `xapp-…`.
            take: Follows an interaction's payload; never raises.
            clock: For `state`.
            url: Of the Web API, which tells where to connect.
            pause: Before the first new attempt.
            ping_seconds: Between two questions whether the connection is alive; see above.
        """
        self._web = SlackWeb(token, url=url, advice=FOR_THE_APP)
        self._token, self._take, self._clock = token, take, clock
        self._first_pause, self._pause = pause, timedelta()
        self._ping_seconds = ping_seconds
        self._state = LinkState()
        self._stopping = threading.Event()
        self._wanted = threading.Event()  # another connection
        self._threads: list[threading.Thread] = []
        self._open: set[_Connection] = set()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="slack-press")

    @property
    def state(self) -> LinkState:
        """Return how the connection is doing; see `Listener.state`."""
        return self._state

    def start(self) -> None:
        """Connect, and stay connected; see `Listener.start`."""
        self._state = LinkState(since=self._clock())
        self._spawn(self._keep_connected)

    def stop(self) -> None:
        """Disconnect, once every press that was taken is followed; see `Listener.stop`."""
        self._stopping.set()
        self._wanted.set()
        self._pool.shutdown(wait=True)  # before the goodbye: they are still acknowledged
        for connection in [*self._open]:
            connection.close()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def check(self) -> str:
        """Return that Slack would connect us; see `Listener.check`."""
        self._address()
        return "Socket Mode is on"

    def _keep_connected(self) -> None:
        while not self._stopping.wait(self._pause.total_seconds()):
            self._wanted.clear()
            self._spawn(self._hold_one)
            self._wanted.wait()

    def _spawn(self, run: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=run, name="slack-socket", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _hold_one(self) -> None:
        """Open a connection and hear what comes until it ends; then have another opened."""
        wait, renewed = timedelta(), False
        try:
            renewed = self._hear_one(self._address())
            error = "Slack closed the connection"
        except NotifyError as raised:
            error, wait = str(raised), raised.retry_after or timedelta()
        except InvalidURI:
            error = "Slack named an address that makes no sense"
        except (WebSocketException, OSError) as raised:
            said = plain(raised, self._token) or type(raised).__name__
            error = f"Slack cannot be connected to: {said}"
        except Exception:  # the top of this thread: the connection must not stay away for good
            logger.exception("slack socket failed")
            error = "connecting to Slack failed in Wakeful: see the log"
        if renewed or self._stopping.is_set():
            return
        self._pause = max(wait, min(max(2 * self._pause, self._first_pause), LONGEST_PAUSE))
        before, now = self._state, self._clock()
        if before.connected or before.error != error:
            logger.warning("slack socket error=%s", error)
        since = now if before.connected else before.since
        self._state = LinkState(since=since, error=error, error_at=now)
        self._wanted.set()

    def _address(self) -> str:
        answer = self._web.call(
            "apps.connections.open",
            lambda client: client.apps_connections_open(app_token=self._token),
        )
        address = text(answer, "url")
        if not address.startswith("wss://") and not on_loopback(address.replace("ws", "http", 1)):
            raise NotifyError("Slack named an address that is not secure")
        return address

    def _hear_one(self, address: str) -> bool:
        """Hear one connection until it ends; return whether it was renewed before that.

        Raises:
            NotifyError: Slack will not go on with it.
            WebSocketException, OSError: It could not be opened, or broke.
        """
        with connect(
            address,
            open_timeout=OPEN_SECONDS,
            ping_interval=self._ping_seconds,
            ping_timeout=self._ping_seconds,
            close_timeout=CLOSE_SECONDS,
            logger=silent,
        ) as wire:
            connection = _Connection(wire)
            self._open.add(connection)
            renewed = False
            try:
                while True:
                    renewed = self._heard(connection, connection.receive()) or renewed
            except ConnectionClosed:
                if not renewed:
                    raise
            finally:
                self._open.discard(connection)
        return renewed

    def _heard(self, connection: "_Connection", envelope: Mapping[str, Any]) -> bool:
        """Act on what was heard; return whether the connection is about to be renewed."""
        kind, number = envelope.get("type"), envelope.get("envelope_id")
        if kind == "hello":
            self._pause = timedelta()
            self._state = replace(self._state, connected=True, since=self._clock())
            logger.info("slack socket connected")
        elif kind == "disconnect":
            reason = str(envelope.get("reason"))
            if reason in _ENDS:
                raise NotifyError(_ENDS[reason])
            self._wanted.set()
            return True
        elif isinstance(number, str):
            self._take_up(connection, number, envelope)
        return False

    def _take_up(self, connection: "_Connection", number: str, envelope: Mapping[str, Any]) -> None:
        payload = envelope.get("payload")
        if len(connection.waiting) >= MOST_WAITING or self._stopping.is_set():
            logger.warning("slack socket left a press to Slack, which says that it failed")
            return
        connection.waiting[number] = time.monotonic() + ANSWER_SECONDS
        if envelope.get("type") != "interactive" or not isinstance(payload, dict):
            connection.acknowledge(number)
            return
        try:
            done = self._pool.submit(self._take, payload)
        except RuntimeError:  # stopped just now
            connection.waiting.clear()
            return
        done.add_done_callback(lambda _: connection.acknowledge(number))


class _Connection:
    """One open connection.

    Attributes:
        waiting: Envelopes that are not acknowledged yet, and when each must be.
    """

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self.waiting: dict[str, float] = {}

    def receive(self) -> Mapping[str, Any]:
        """Return the next envelope; empty where there was none in time, or none in JSON.

        Acknowledges what must not wait any longer.

        Raises:
            ConnectionClosed: The connection ended.
        """
        now = time.monotonic()
        for number in [number for number, due in [*self.waiting.items()] if due <= now]:
            self.acknowledge(number)
        due = min([*self.waiting.values()], default=None)
        try:
            envelope = json.loads(self._wire.recv(None if due is None else due - now))
        except (TimeoutError, ValueError, RecursionError):
            return {}
        return envelope if isinstance(envelope, dict) else {}

    def acknowledge(self, number: str) -> None:
        """Tell Slack that the envelope was taken, once; from any thread."""
        if self.waiting.pop(number, None) is None:
            return
        try:
            self._wire.send(json.dumps({"envelope_id": number}))
        except ConnectionClosed:
            logger.warning("slack socket closed before a press was acknowledged")

    def close(self) -> None:
        """End the connection; from any thread."""
        self._wire.close()
