"""Slack's Socket Mode over real websockets, with a stand-in that keeps Slack's rules."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from alerts.notifiers import NotifyError
from alerts.notifiers.slack_socket import SlackSocket
from examples.standins.slack import SlackConfig, slack_app
from examples.standins.slack_socket import CONNECTIONS, Sockets
from models.clock import utc_now
from tests.serving import Stage, stage
from tests.standins import BLOCKS, Slack, until
from tests.vendors import Wire, answer

CONFIG = SlackConfig(seconds_per_post=0)
SOON = timedelta(milliseconds=20)


class Hand:
    """What follows the presses; as slow as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def take(self, payload: Mapping[str, Any]) -> None:
        self.begun.set()
        assert self.may_end.wait(10)
        self.taken.append(payload["actions"][0]["action_id"])


@pytest.fixture(scope="module")
def ground() -> Iterator[Stage]:
    with stage() as found:
        yield found


@pytest.fixture
def sockets(ground: Stage) -> Sockets:
    sockets = Sockets(enabled=True, warned_seconds=0.3)
    ground.app = slack_app(CONFIG, sockets)
    return sockets


@pytest.fixture
def slack(ground: Stage, sockets: Sockets) -> Iterator[Slack]:
    slack = Slack(ground.url, CONFIG)
    yield slack
    slack.http.close()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def engine(ground: Stage, sockets: Sockets, hand: Hand) -> Iterator[Callable[..., SlackSocket]]:
    """Start an engine that listens, as often as one likes."""
    with ExitStack() as rooms:

        def start(token: str = CONFIG.app_token, **changes: Any) -> SlackSocket:
            listener = SlackSocket(
                token,
                hand.take,
                utc_now,
                **{"url": f"{ground.url}/api/", "pause": SOON, "ping_seconds": 5} | changes,
            )
            rooms.callback(listener.stop)
            listener.start()
            return listener

        yield start


@pytest.fixture
def listener(engine: Callable[..., SlackSocket]) -> SlackSocket:
    listener = engine()
    until(lambda: listener.state.connected)
    return listener


def press(slack: Slack) -> str:
    """Press a button, and return what Slack shows beside it: nothing if all went well."""
    ts = slack.post(blocks=BLOCKS)["ts"]
    slack.press(ts)
    return str(slack.state()["presses"][-1]["problem"])


def do(slack: Slack, deed: str, text: str = "") -> None:
    asked = {"do": deed, "text": text}
    assert slack.http.post("/_sockets", json=asked).status_code == 200


def test_a_press_is_followed_and_acknowledged(
    slack: Slack, listener: SlackSocket, hand: Hand
) -> None:
    assert press(slack) == ""
    assert hand.taken == ["acknowledge"]


def test_a_press_that_takes_long_is_acknowledged_in_time_and_still_followed(
    slack: Slack, listener: SlackSocket, hand: Hand
) -> None:
    hand.may_end.clear()
    assert press(slack) == ""
    assert hand.taken == []
    hand.may_end.set()
    until(lambda: hand.taken == ["acknowledge"])


def test_many_presses_at_once_are_all_acknowledged(
    slack: Slack, listener: SlackSocket, hand: Hand
) -> None:
    ts = slack.post(blocks=BLOCKS)["ts"]
    place = {"channel": "C0ALERTS", "ts": ts, "block": "1", "element": "0"}

    def one() -> None:
        httpx2.post(f"{slack.url}/press", data=place, trust_env=False, timeout=10)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shown["problem"] for shown in slack.state()["presses"]] == [""] * 20
    assert len(hand.taken) == 20
    assert slack.state()["sockets"]["strange"] == []


def test_before_a_connection_is_renewed_another_is_open(
    slack: Slack, listener: SlackSocket, hand: Hand, sockets: Sockets
) -> None:
    do(slack, "warning")
    until(lambda: sockets.count == 2)
    assert press(slack) == ""
    until(lambda: sockets.count == 1)
    assert press(slack) == ""
    assert (len(hand.taken), sockets.opened) == (2, 2)
    assert listener.state.connected
    assert listener.state.error == ""


@pytest.mark.parametrize("deed", ["refresh_requested", "cut"])
def test_a_connection_that_ends_is_followed_by_another(
    slack: Slack, listener: SlackSocket, hand: Hand, sockets: Sockets, deed: str
) -> None:
    do(slack, deed)
    until(lambda: sockets.opened == 2 and listener.state.connected)
    assert press(slack) == ""
    assert hand.taken == ["acknowledge"]


def test_a_connection_that_broke_says_so_in_a_sentence(slack: Slack, listener: SlackSocket) -> None:
    do(slack, "cut")
    until(lambda: listener.state.error)
    assert listener.state.error.startswith("Slack cannot be connected to: no close frame")
    assert listener.state.error_at is not None


def test_a_network_that_is_cut_is_noticed_though_nobody_says_goodbye(
    slack: Slack, engine: Callable[..., SlackSocket], sockets: Sockets, hand: Hand
) -> None:
    listener = engine(ping_seconds=0.1)
    until(lambda: listener.state.connected)
    do(slack, "hush")
    until(lambda: sockets.opened == 2 and listener.state.connected)
    assert "keepalive ping timeout" in listener.state.error


def test_what_slack_says_beside_presses_does_not_matter(
    slack: Slack, listener: SlackSocket, hand: Hand
) -> None:
    nested = "[" * 5000
    for said in ("no JSON", "[1]", "{}", nested, '{"type": "surprise"}', '{"envelope_id": 7}'):
        do(slack, "say", said)
    assert press(slack) == ""
    assert hand.taken == ["acknowledge"]


def test_an_envelope_that_is_no_interaction_is_acknowledged_and_left(
    slack: Slack, listener: SlackSocket, hand: Hand, sockets: Sockets
) -> None:
    do(slack, "say", '{"envelope_id": "e1", "type": "events_api", "payload": {}}')
    do(slack, "say", '{"envelope_id": "e2", "type": "interactive", "payload": 7}')
    until(lambda: sockets.strange == ["e1", "e2"])
    assert hand.taken == []


def test_socket_mode_that_is_switched_off_says_what_to_do(
    slack: Slack, listener: SlackSocket, sockets: Sockets
) -> None:
    do(slack, "link_disabled")
    until(lambda: listener.state.error)
    assert listener.state.error == ("Socket Mode is switched off in the Slack app: switch it on")
    sockets.enabled = True
    until(lambda: listener.state.connected)


def test_an_eleventh_engine_is_told_that_it_is_one_too_many(
    engine: Callable[..., SlackSocket], sockets: Sockets
) -> None:
    for _ in range(CONNECTIONS):
        engine()
    until(lambda: sockets.count == CONNECTIONS)
    late = engine()
    until(lambda: late.state.error)
    assert late.state.error == "Slack lets no more than ten engines connect"
    assert not late.state.connected


def test_of_two_engines_one_hears_of_a_press(
    slack: Slack, engine: Callable[..., SlackSocket], sockets: Sockets, hand: Hand
) -> None:
    first, second = engine(), engine()
    until(lambda: first.state.connected and second.state.connected)
    assert press(slack) == ""
    assert hand.taken == ["acknowledge"]


def test_a_wrong_token_names_the_setting(engine: Callable[..., SlackSocket]) -> None:
    listener = engine("xapp-wrong")
    until(lambda: listener.state.error)
    assert not listener.state.connected
    assert "invalid_auth" in listener.state.error
    assert "set WAKEFUL_SLACK_APP_TOKEN" in listener.state.error
    assert "xapp-wrong" not in listener.state.error


def test_a_slack_that_cannot_be_reached_is_tried_again(
    slack: Slack, engine: Callable[..., SlackSocket]
) -> None:
    slack.http.post("/_faults", json={"status": 500, "times": 2})
    listener = engine()
    until(lambda: listener.state.connected)
    assert listener.state.error == "Slack answered HTTP 500 to apps.connections.open"


def test_a_slack_that_limits_us_is_left_alone_for_as_long_as_it_says(
    slack: Slack, engine: Callable[..., SlackSocket], sockets: Sockets
) -> None:
    slack.http.post("/_faults", json={"status": 429, "times": 1, "retry_after": 1})
    begun = time.monotonic()
    listener = engine()
    until(lambda: listener.state.error)
    assert listener.state.error == "Slack limits apps.connections.open for 1 s"
    until(lambda: listener.state.connected)
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    "url", ["ws://wss.slack.com/link", "https://evil.example", "file:///etc/passwd", ""]
)
def test_an_address_that_is_not_secure_is_not_connected_to(url: str, hand: Hand) -> None:
    with Wire(answer(200, {"ok": True, "url": url})) as wire:
        listener = SlackSocket("xapp-1", hand.take, utc_now, url=f"{wire.url}/api/")
        with pytest.raises(NotifyError, match=r"not secure|lacks url"):
            listener.check()


def test_a_check_connects_nothing(
    ground: Stage, slack: Slack, sockets: Sockets, hand: Hand
) -> None:
    listener = SlackSocket(CONFIG.app_token, hand.take, utc_now, url=f"{ground.url}/api/")
    assert listener.check() == "Socket Mode is on"
    assert sockets.opened == 0


def test_what_was_pressed_before_the_end_is_followed_and_acknowledged(
    slack: Slack, listener: SlackSocket, hand: Hand, sockets: Sockets
) -> None:
    hand.may_end.clear()
    said: list[str] = []
    pressing = threading.Thread(target=lambda: said.append(press(slack)))
    pressing.start()
    assert hand.begun.wait(10)
    stopping = threading.Thread(target=listener.stop)
    stopping.start()
    hand.may_end.set()
    for thread in (stopping, pressing):
        thread.join(10)
    assert (said, hand.taken) == ([""], ["acknowledge"])
    until(lambda: sockets.count == 0)


def test_no_token_and_no_ticket_is_logged(
    slack: Slack, listener: SlackSocket, caplog: pytest.LogCaptureFixture
) -> None:
    press(slack)
    do(slack, "cut")
    until(lambda: listener.state.error)
    assert CONFIG.app_token not in caplog.text
    assert "ticket=" not in caplog.text
