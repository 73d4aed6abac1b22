"""What the on-call sees when they press a button in Slack."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions, silences
from alerts.notifiers.slack_people import Members
from alerts.presses import FAILED, PRESSES, Presses, nobody
from alerts.silences import SilenceDraft
from models.tables import Remark
from models.vocabulary import AlertState
from tests.presses import Whispers, a_choice, a_press, at
from tests.vendors import ADA, SLACK_TOKEN
from tests.world import MINUTE, SECOND, World


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


@pytest.fixture
def presses(world: World) -> Presses:
    members = Members(SLACK_TOKEN, url=world.slack.url)
    return Presses(db=world.db, clock=lambda: world.now, find=members.find)


@pytest.fixture
def whispers(httpserver: HTTPServer) -> Whispers:
    return Whispers(httpserver)


@pytest.fixture
def firing(world: World) -> World:
    world.minutes(3, value=0.2)
    return world


def buttons(world: World) -> dict[str, Any]:
    """The elements under the only post, by action."""
    (post,) = world.slack.posts.values()
    return {e["action_id"]: e for b in post["blocks"] for e in b.get("elements", [])}


def press(world: World, presses: Presses, action: str, **changes: Any) -> None:
    """Press a button that the post shows."""
    presses.take(a_press(action, buttons(world)[action]["value"], **changes))


def choose(world: World, presses: Presses, text: str, **changes: Any) -> None:
    """Choose from the menu that the post shows."""
    options = {o["text"]["text"]: o["value"] for o in buttons(world)["snooze"]["options"]}
    choice, _, key = options[text].partition(":")
    presses.take(a_choice(choice, key, **changes))


def remarks(world: World) -> list[str]:
    with Session(world.db) as session:
        return [f"{row.text} by {row.actor}" for row in session.exec(select(Remark))]


def shown(world: World) -> str:
    (post,) = world.slack.posts.values()
    return str(post["blocks"])


def counted(action: str, outcome: str) -> float:
    return PRESSES.labels(action=action, outcome=outcome)._value.get()


def test_acknowledge_takes_the_alert_under_the_persons_name(
    firing: World, presses: Presses
) -> None:
    press(firing, presses, "acknowledge")
    assert firing.alert.acknowledged_by == "Ada Lovelace"
    firing.minutes(10, value=0.2)
    assert firing.pages == []
    assert "*Who has it*\\nAda Lovelace" in shown(firing)
    assert "acknowledge" not in buttons(firing)


def test_snooze_takes_the_alert_until_then(firing: World, presses: Presses) -> None:
    choose(firing, presses, "15 minutes")
    assert firing.alert.acknowledged_by == "Ada Lovelace"
    assert firing.alert.ack_expires_at == firing.now + 15 * MINUTE
    firing.minutes(14, value=0.2)
    assert "Ada Lovelace, until <!date^" in shown(firing)
    assert firing.pages == []
    firing.minutes(1, value=0.2)
    assert firing.pages == ["trigger"]


def test_tomorrow_is_nine_o_clock_where_the_person_lives(firing: World, presses: Presses) -> None:
    choose(firing, presses, "Until tomorrow 9:00")  # at four past one in Berlin: this morning
    assert firing.alert.ack_expires_at == datetime(2026, 1, 1, 8, tzinfo=UTC)


def test_who_is_in_no_known_zone_is_told_that_it_was_taken_for_utc(
    firing: World, presses: Presses, whispers: Whispers
) -> None:
    firing.slack.people["U1"]["tz"] = "Mars/Olympus"
    choose(firing, presses, "Until tomorrow 9:00", response_url=whispers.url)
    assert firing.alert.ack_expires_at == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert whispers.texts == ["Slack does not tell your time zone, so that this is 9:00 UTC."]


def test_snoozing_again_moves_the_end(firing: World, presses: Presses) -> None:
    choose(firing, presses, "15 minutes")
    firing.minutes(1, value=0.2)
    choose(firing, presses, "4 hours", container={"message_ts": "2"})
    assert firing.alert.ack_expires_at == firing.now + timedelta(hours=4)


def test_escalate_now_calls_the_next_in_line(firing: World, presses: Presses) -> None:
    press(firing, presses, "escalate")
    firing.tick()
    assert firing.pages == ["trigger"]
    assert remarks(firing) == ["asked to escalate now by Ada Lovelace"]


def test_resolve_closes_the_alert_by_hand(firing: World, presses: Presses) -> None:
    press(firing, presses, "resolve")
    firing.deliver()
    assert firing.alert.state is AlertState.RESOLVED
    assert "resolved by Ada Lovelace" in shown(firing)
    assert list(buttons(firing)) == ["open"]


def test_a_muted_alert_offers_no_escalation(firing: World, presses: Presses) -> None:
    draft = SilenceDraft.model_validate(
        {
            "matchers": ['feature="chat"'],
            "starts_at": firing.now,
            "ends_at": firing.now + timedelta(hours=1),
            "comment": "planned",
        }
    )
    silences.silence(firing.db, draft, by="ada", now=firing.now)
    firing.minutes(1, value=0.2)
    assert list(buttons(firing)) == ["acknowledge", "snooze", "resolve", "open"]
    assert "muted by silence 1" in shown(firing)


def test_one_press_that_comes_twice_is_followed_once(firing: World, presses: Presses) -> None:
    for _ in range(2):
        press(firing, presses, "escalate")
        firing.minutes(1, value=0.2)  # long enough to take the step in between
    assert firing.pages == ["trigger"]
    assert [told for _, told in firing.steps()] == ["slack:#llm", "pagerduty:default"]


def test_a_double_click_wakes_no_second_person(firing: World, presses: Presses) -> None:
    value = buttons(firing)["escalate"]["value"]
    presses.take(at(a_press("escalate", value), "1.1"))
    firing.tick()
    firing.now += SECOND
    presses.take(at(a_press("escalate", value), "1.3"))
    firing.tick()
    assert [told for _, told in firing.steps()] == ["slack:#llm", "pagerduty:default"]


def test_pressing_acknowledge_twice_is_answered_by_nothing(
    firing: World, presses: Presses, whispers: Whispers
) -> None:
    value = buttons(firing)["acknowledge"]["value"]
    for number in range(2):
        presses.take(at(a_press(key=value, response_url=whispers.url), f"1.{number}"))
    assert whispers.texts == []
    assert list(firing.timeline()).count("acknowledged by Ada Lovelace") == 1


def test_who_comes_second_is_told_who_has_it(
    firing: World, presses: Presses, whispers: Whispers
) -> None:
    firing.acknowledge("grace")
    press(firing, presses, "acknowledge", response_url=whispers.url)
    assert firing.alert.acknowledged_by == "grace"
    assert whispers.texts == ["grace has it already."]


@pytest.mark.parametrize("name", [ADA, "ada.lovelace", "U1"])
def test_who_has_it_already_by_another_name_is_not_told_of_themselves(
    firing: World, presses: Presses, whispers: Whispers, name: str
) -> None:
    firing.acknowledge(name)
    press(firing, presses, "acknowledge", response_url=whispers.url)
    assert whispers.texts == []


@pytest.mark.parametrize("action", ["acknowledge", "escalate"])
def test_a_press_on_a_resolved_alert_is_answered_and_changes_nothing(
    firing: World, presses: Presses, whispers: Whispers, action: str
) -> None:
    value = buttons(firing)[action]["value"]
    actions.resolve(firing.db, firing.group.dedup_key, by="grace", now=firing.now)
    presses.take(a_press(action, value, response_url=whispers.url))
    assert whispers.texts == [f"Cannot {action} a resolved alert."]
    assert firing.alert.state is AlertState.RESOLVED
    assert firing.alert.resolved_by == "grace"


def test_resolving_what_is_resolved_says_so(
    firing: World, presses: Presses, whispers: Whispers
) -> None:
    value = buttons(firing)["resolve"]["value"]
    actions.resolve(firing.db, firing.group.dedup_key, by="grace", now=firing.now)
    presses.take(a_press("resolve", value, response_url=whispers.url))
    assert whispers.texts == ["It was resolved already."]
    assert firing.alert.resolved_by == "grace"


def test_an_unknown_alert_is_answered(world: World, presses: Presses, whispers: Whispers) -> None:
    presses.take(a_press(key="wakeful-of-another", response_url=whispers.url))
    assert whispers.texts == ["There is no alert wakeful-of-another."]


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"id": "U404", "name": "eve", "username": "eve"}, "eve"),
        ({"id": "U404"}, "U404"),
    ],
)
def test_whom_slack_does_not_tell_us_of_takes_it_under_their_handle(
    firing: World, presses: Presses, user: dict[str, str], name: str
) -> None:
    firing.slack.errors["users.info"] = {"ok": False, "error": "missing_scope"}
    press(firing, presses, "acknowledge", user=user)
    assert firing.alert.acknowledged_by == name


def test_who_is_unknown_to_slack_is_told_so_and_changes_nothing(
    firing: World, presses: Presses, whispers: Whispers
) -> None:
    press(firing, presses, "acknowledge", user={"id": "U404"}, response_url=whispers.url)
    assert firing.alert.state is AlertState.FIRING
    assert whispers.texts == ["Slack does not know who you are, so nothing was done."]


def test_without_a_bot_token_a_press_counts_all_the_same(firing: World) -> None:
    presses = Presses(db=firing.db, clock=lambda: firing.now, find=nobody)
    press(firing, presses, "acknowledge")
    assert firing.alert.acknowledged_by == "ada.lovelace"


def test_malformed_payloads_change_nothing_and_are_counted(firing: World, presses: Presses) -> None:
    before = counted("unknown", "malformed")
    presses.take(a_press(actions=7))
    presses.take(a_press(user=None))
    presses.take({})
    assert firing.alert.state is AlertState.FIRING
    assert counted("unknown", "malformed") == before + 2


def test_a_failure_of_ours_is_told_without_its_details(
    whispers: Whispers, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from models.database import connect

    db = connect(f"sqlite:///{tmp_path}/empty.db")  # no tables
    presses = Presses(db=db, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    presses.take(a_press(response_url=whispers.url))
    db.dispose()
    assert whispers.texts == [FAILED]
    assert "no such table" in caplog.text


def test_slack_gone_deaf_does_not_matter(
    world: World, presses: Presses, whispers: Whispers, caplog: pytest.LogCaptureFixture
) -> None:
    whispers.status = 404
    presses.take(a_press(key="unknown", response_url=whispers.url))
    assert "HTTP 404" in caplog.text


def test_what_is_whispered_can_mention_nobody(
    world: World, presses: Presses, whispers: Whispers
) -> None:
    presses.take(a_press(key="<!channel>", response_url=whispers.url))
    assert whispers.texts == ["There is no alert &lt;!channel&gt;."]
