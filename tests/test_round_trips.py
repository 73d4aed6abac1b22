"""Our notifiers and reply doors against the stand-ins that the demo runs, over real HTTP."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.types import ASGIApp

from alerts.notifiers import Happening, News, NotifyError, Person, PostGoneError
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.pagerduty_incidents import PagerDutyIncidents
from alerts.notifiers.pagerduty_rest import PagerDutyAssignment, PagerDutyOnCall
from alerts.notifiers.slack import Slack, SlackDirect
from alerts.notifiers.slack_people import Members
from alerts.notifiers.slack_replies import Press
from alerts.notifiers.slack_threads import SlackThread
from alerts.presses import Presses
from app.http.pagerduty import pagerduty_routes
from app.http.slack import slack_routes
from examples.standins import pagerduty as pagerduty_standin
from examples.standins import slack as slack_standin
from examples.standins.pagerduty import PagerDutyConfig, pagerduty_app
from examples.standins.slack import SlackConfig, slack_app
from models.clock import utc_now
from models.vocabulary import Event
from tests.desk import Desk
from tests.vendors import a_message

PATIENCE_SECONDS = 10
KEY = PagerDutyConfig().routing_keys[0]
ADA = slack_standin.ADA.email


class Town:
    """Slack, PagerDuty and our doors, all listening."""

    def __init__(self, rooms: ExitStack, db: Engine) -> None:
        sockets = {name: _listen(rooms) for name in ("doors", "slack", "pagerduty")}
        self.urls = {name: f"http://127.0.0.1:{s.getsockname()[1]}" for name, s in sockets.items()}
        self.desk = Desk()
        slack = SlackConfig(
            interactivity_url=f"{self.urls['doors']}/slack/interactions", seconds_per_post=0
        )
        pagerduty = PagerDutyConfig(
            webhook_url=f"{self.urls['doors']}/pagerduty/webhooks", delay_seconds=0.1
        )
        doors = Starlette(
            routes=[
                *slack_routes(slack.signing_secret, self._follow, utc_now),
                *pagerduty_routes([pagerduty.webhook_secret], self.desk.hear),
            ]
        )
        for name, app in (
            ("doors", doors),
            ("slack", slack_app(slack)),
            ("pagerduty", pagerduty_app(pagerduty)),
        ):
            rooms.enter_context(_served(app, sockets[name]))
        token, url = slack.token, f"{self.urls['slack']}/api/"
        self.slack, self.direct = Slack(token, url=url), SlackDirect(token, url=url)
        self.thread = SlackThread(token, url=url)
        self.members = Members(token, url=url)
        self._presses = Presses(db=db, clock=utc_now, find=self.members.find)
        url = self.urls["pagerduty"]
        self.events = PagerDutyEvents({"default": KEY}, url=url)
        self.assignment = PagerDutyAssignment(
            pagerduty.token, sender=pagerduty_standin.GRACE.email, url=url
        )
        self.on_call = PagerDutyOnCall(pagerduty.token, url=url)
        self.incidents = PagerDutyIncidents(pagerduty.token, url=url)

    def state(self, vendor: str) -> Any:
        return httpx2.get(f"{self.urls[vendor]}/_state", trust_env=False).json()

    def messages(self) -> list[Any]:
        return self.state("slack")["messages"]

    def press(self, external_id: str | None, element: int = 0, **more: str) -> None:
        """Press a button of a post, the first of them being Acknowledge."""
        channel, _, ts = str(external_id).partition("/")
        (post,) = [m for m in self.messages() if (m["channel"], m["ts"]) == (channel, ts)]
        place = {"channel": channel, "ts": ts, "as": slack_standin.ADA.id} | more
        place |= {"block": str(len(post["blocks"]) - 1), "element": str(element)}
        httpx2.post(f"{self.urls['slack']}/press", data=place, trust_env=False)

    def press_in_pagerduty(self, incident_id: str, status: str) -> None:
        asked = {"id": incident_id, "status": status, "as": pagerduty_standin.ADA.id}
        httpx2.post(f"{self.urls['pagerduty']}/move", data=asked, trust_env=False)

    def _follow(self, pressed: Press) -> None:
        self.desk.follow(pressed)
        self._presses.follow(pressed)

    def incident(self) -> Any:
        """The one incident, once it exists: an accepted event promises it for later."""
        until(lambda: self.state("pagerduty")["incidents"])
        (incident,) = self.state("pagerduty")["incidents"]
        return incident


def _listen(rooms: ExitStack) -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    rooms.callback(listening.close)
    return listening


@contextmanager
def _served(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_SECONDS)


def until(holds: Callable[[], object]) -> None:
    """Come back as soon as `holds`, and fail if it does not in time."""
    tick = threading.Event()
    for _ in range(PATIENCE_SECONDS * 50):
        if holds():
            return
        tick.wait(0.02)
    pytest.fail("it never came true")


def some_news(parent: str | None) -> News:
    """News of one happening."""
    happened = Happening(at=utc_now(), text="firing")
    return News(parent=str(parent), happenings=(happened,), more=0, told={})


@pytest.fixture
def town(sqlite_db: Engine) -> Iterator[Town]:
    with ExitStack() as rooms:
        yield Town(rooms, sqlite_db)


def test_a_press_in_slack_reaches_the_desk(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())

    town.press(posted.external_id)

    assert town.desk.done == [("acknowledge", "wakeful-7f3a", slack_standin.ADA.id)]
    assert town.state("slack")["presses"][0]["problem"] == ""


def test_a_choice_in_slack_reaches_the_desk(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())

    town.press(posted.external_id, 1, option="2")

    assert town.desk.done == [("snooze 4h", "wakeful-7f3a", slack_standin.ADA.id)]


def test_who_pressed_is_looked_up(town: Town) -> None:
    ada = town.members.find(slack_standin.ADA.id, now=utc_now())

    assert (ada.name, ada.email, ada.zone) == ("Ada Lovelace", ADA, "Europe/London")


def test_a_refused_press_is_explained_to_that_person_alone(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())

    town.press(posted.external_id)

    until(lambda: len(town.messages()) == 2)
    told = town.messages()[1]
    assert told["text"] == "There is no alert wakeful-7f3a."
    assert told["only_for"] == slack_standin.ADA.id


def test_one_post_lives_through_the_whole_alert(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())
    known = posted.external_id

    town.slack.send("#llm-alerts", a_message(external_id=known))
    town.slack.send("#llm-alerts", a_message(event=Event.ACKNOWLEDGE, external_id=known))
    town.slack.send("#llm-alerts", a_message(event=Event.RESOLVE, external_id=known))

    post, reminder = town.messages()
    assert (post["edits"], post["text"].split(":")[0]) == (3, "Resolved")
    assert reminder["thread_ts"] == post["ts"]


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("#nowhere", "channel_not_found"),
        ("#old-alerts", "is_archived"),
        ("#finance", "not_in_channel"),
    ],
)
def test_a_channel_that_slack_refuses_is_named(town: Town, channel: str, code: str) -> None:
    with pytest.raises(NotifyError, match=f"to {channel}: {code} \\(") as raised:
        town.slack.send(channel, a_message())

    assert raised.value.permanent


def test_the_timeline_stands_in_the_thread_of_the_post(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())

    town.thread.send("#llm-alerts", a_message(news=some_news(posted.external_id)))

    reply = town.messages()[1]
    assert (reply["thread_ts"], reply["text"][-6:]) == (town.messages()[0]["ts"], "firing")


def test_a_reply_to_a_post_that_was_deleted_is_taken_back(town: Town) -> None:
    posted = town.slack.send("#llm-alerts", a_message())
    news = some_news(posted.external_id)
    channel, _, ts = news.parent.partition("/")
    asked = {"channel": channel, "ts": ts, "token": SlackConfig().token}
    httpx2.post(f"{town.urls['slack']}/api/chat.delete", data=asked, trust_env=False)

    with pytest.raises(PostGoneError, match="the post in #llm-alerts was deleted"):
        town.thread.send("#llm-alerts", a_message(news=news))

    assert town.messages() == []


def test_a_person_is_reached_and_updated_in_slack(town: Town) -> None:
    sent = town.direct.send(ADA, a_message())

    town.direct.send(ADA, a_message(event=Event.RESOLVE, external_id=sent.external_id))

    (message,) = town.messages()
    assert (message["to_user"], message["edits"]) == (slack_standin.ADA.id, 1)


def test_an_incident_is_handed_to_who_is_on_call(town: Town) -> None:
    town.events.send("default", a_message())
    town.incident()
    grace = pagerduty_standin.GRACE
    assert town.on_call.find("default", at=utc_now()) == [
        Person(name=pagerduty_standin.ADA.name, email=pagerduty_standin.ADA.email)
    ]

    receipt = town.assignment.send(grace.email, a_message())

    (assigned,) = town.incident()["assignments"]
    assert assigned["assignee"]["id"] == grace.id
    assert receipt.external_id == town.incident()["id"]


@pytest.mark.parametrize("status", ["acknowledged", "resolved"])
def test_what_a_person_does_in_pagerduty_reaches_the_desk(town: Town, status: str) -> None:
    town.events.send("default", a_message())

    town.press_in_pagerduty(town.incident()["id"], status)

    until(lambda: len(town.desk.done) == 2)
    assert town.desk.done[1] == (status, "wakeful-7f3a", "Ada Lovelace")


def test_what_a_person_does_in_pagerduty_is_seen_by_asking(town: Town) -> None:
    town.events.send("default", a_message())
    town.press_in_pagerduty(town.incident()["id"], "acknowledged")

    ((seen,), more) = town.incidents.open(offset=0)

    assert (seen.key, seen.status, seen.by) == ("wakeful-7f3a", "acknowledged", "Ada Lovelace")
    assert not more
    assert town.incidents.find("wakeful-7f3a") == [seen]


def test_what_we_did_ourselves_is_seen_as_nobodys(town: Town) -> None:
    town.events.send("default", a_message())
    town.events.send("default", a_message(event=Event.ACKNOWLEDGE))
    until(lambda: town.incident()["status"] == "acknowledged")

    ((seen,), _) = town.incidents.open(offset=0)

    assert seen.by == ""


def test_our_own_events_do_not_come_back_as_somebodys(town: Town) -> None:
    town.events.send("default", a_message())
    town.incident()

    town.events.send("default", a_message(event=Event.ACKNOWLEDGE))
    until(lambda: town.incident()["status"] == "acknowledged")
    town.events.send("default", a_message(event=Event.RESOLVE))

    answered = [202, 202, 202]  # triggered, acknowledged, resolved
    until(
        lambda: [a for w in town.state("pagerduty")["webhooks"] for a in w["answers"]] == answered
    )
    assert town.desk.done == [("opened", "wakeful-7f3a", "Events API v2")]


def test_every_check_passes(town: Town) -> None:
    assert town.slack.check() == "Wakeful demo as wakeful"
    assert town.assignment.check() == "token accepted; assigns as Grace Hopper"
    assert "answers" in town.events.check()
