"""The timeline of a group, told in the thread of its post."""

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import actions, audit
from alerts.outbox import THREAD_WAIT
from alerts.selfwatch import SelfWatch
from models.tables import Remark
from signals import Query
from tests.world import MINUTE, SECOND, World

SOON = THREAD_WAIT + SECOND
LIMITED = {"ok": False, "error": "ratelimited"}


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


@pytest.fixture
def firing(world: World) -> World:
    world.minutes(3, value=0.2)
    return world


def told(world: World) -> list[str]:
    """What the threads were told, a line each, without the times."""
    return [line for reply in world.slack.threads for line in lines(reply["text"])]


def lines(text: str) -> list[str]:
    return [line.partition("> ")[2] or line for line in text.splitlines()]


def test_a_thread_tells_that_it_fires_and_who_was_told(firing: World) -> None:
    assert told(firing) == [
        "firing: Error rate reached 20 % (alert above 5 % over 5 min) for feature=chat",
        "step 1: slack:#llm",
    ]
    (reply,) = firing.slack.threads
    assert reply["channel"] + "/" + reply["thread_ts"] in firing.slack.posts
    assert "reply_broadcast" not in reply


def test_a_thread_tells_everything_once_to_the_end(firing: World) -> None:
    before = len(told(firing))
    firing.acknowledge("ada")
    firing.minutes(1, value=0.2)
    actions.note(
        firing.db, firing.alert.id or 0, author="ada", text="a bad\ndeploy", now=firing.now
    )
    firing.deliver()
    firing.minutes(3, value=0.0)
    assert told(firing)[before:] == [
        "acknowledged by ada",
        "ada notes: a bad deploy",
        "resolved: it no longer holds",
    ]
    firing.minutes(5, value=0.0)
    assert len(told(firing)) == before + 3


def test_a_note_changes_nothing_but_the_thread(firing: World) -> None:
    firing.slack.calls.clear()
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.deliver()
    assert firing.slack.calls == ["chat.postMessage"]
    assert told(firing)[-1] == "ada notes: looking"


def test_what_happens_at_once_is_one_reply(firing: World) -> None:
    before = len(firing.slack.threads)
    for number in range(5):
        firing.now += SECOND
        actions.note(
            firing.db, firing.alert.id or 0, author="ada", text=f"note {number}", now=firing.now
        )
    firing.deliver()
    assert len(firing.slack.threads) == before + 1
    assert len(told(firing)) == 2 + 5


def test_what_is_too_much_for_a_reply_is_counted(firing: World) -> None:
    with Session(firing.db) as session:
        for number in range(300):
            text = f"remark {number}"
            session.add(
                Remark(group_id=firing.group.id or 0, at=firing.now, actor="ada", text=text)
            )
        session.commit()
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="oh", now=firing.now)
    firing.deliver()
    reply = lines(firing.slack.threads[-1]["text"])
    assert (len(reply), reply[-1]) == (21, "and 281 more")
    assert firing.deliver_next("slack_thread", after=MINUTE) is None


def test_alerts_of_a_group_that_change_together_are_one_line(world: World) -> None:
    world.policy(group_by=["alertname"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert told(world)[0] == "firing (2 alerts)"


def test_a_channel_that_could_not_be_told_is_said_in_the_thread(world: World) -> None:
    world.policy(steps=[{"after": "0s", "channels": ["slack:#llm", "slack:#nowhere"]}])
    world.minutes(4, value=0.2)
    refused = "could not tell slack:#nowhere: Slack refused chat.postMessage to #nowhere: channel_"
    assert sum(line.startswith(refused) for line in told(world)) == 1


def test_a_reply_waits_until_the_channel_has_its_posts(firing: World) -> None:
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.slack.errors["chat.postMessage"] = LIMITED
    firing.values = {"search": 0.3}
    firing.minutes(3, value=0.2)
    del firing.slack.errors["chat.postMessage"]
    before = len(firing.slack.threads)
    firing.now += MINUTE
    assert firing.deliver_next("slack_thread") is None
    assert len(firing.slack.threads) == before
    firing.deliver()
    assert len(firing.slack.threads) > before


def test_a_post_that_was_deleted_takes_its_thread_with_it_and_another_begins(
    firing: World,
) -> None:
    firing.slack.posts.clear()
    before = len(firing.slack.threads)
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.deliver()
    assert firing.slack.posts == {}
    assert firing.ledger(threads=True)[-1] == "trigger slack-thread:#llm settled"
    firing.now += SECOND
    firing.acknowledge("ada")
    firing.deliver()
    assert len(firing.slack.posts) == 1
    assert told(firing)[-2:] == ["ada notes: looking", "acknowledged by ada"]
    assert len(firing.slack.threads) == before + 1


def test_a_post_that_was_never_written_has_no_thread(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "is_archived"}
    world.minutes(3, value=0.2)
    assert "slack-thread:#llm" not in world.outbox()
    assert world.slack.threads == []


def test_a_reply_that_is_refused_for_good_is_tried_once_and_not_told_of(firing: World) -> None:
    firing.slack.errors["chat.postMessage"] = {
        "ok": False,
        "error": "restricted_action_thread_locked",
    }
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.deliver()
    firing.minutes(1, value=0.2)
    refused = [entry for entry in firing.ledger(threads=True) if entry.endswith("refused")]
    assert refused == ["trigger slack-thread:#llm refused"]


def test_a_reply_that_waits_or_is_refused_calls_nobody(firing: World) -> None:
    refused = {"ok": False, "error": "restricted_action_thread_locked"}
    firing.slack.errors["chat.postMessage"] = refused
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.deliver()
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="late", now=firing.now)
    with Session(firing.db) as session:
        late = audit.audit(session, now=firing.now + 10 * MINUTE)
    assert {one.what: one.count for one in late}["message"] == 0
    broken = Query(signal="channel_broken", window=MINUTE, by=("channel",))
    samples = SelfWatch(db=firing.db).read(broken, at=firing.now).samples
    assert [sample.labels["channel"] for sample in samples] == ["slack:#llm"]


def test_killed_before_its_record_a_reply_is_written_once_more_and_no_more(firing: World) -> None:
    actions.note(firing.db, firing.alert.id or 0, author="ada", text="looking", now=firing.now)
    firing.now += SOON
    claim = firing.claim("slack_thread")
    firing.jobs.usable.notifiers["slack-thread"].send("#llm", claim.message)  # and killed
    firing.now += MINUTE
    firing.jobs.engine_id = "another"
    firing.deliver()
    firing.minutes(2, value=0.2)
    assert told(firing).count("ada notes: looking") == 2


def test_nothing_in_a_timeline_can_mention_or_link(firing: World) -> None:
    text = "<!channel> <https://evil.example|click>"
    actions.note(firing.db, firing.alert.id or 0, author="<@U1>", text=text, now=firing.now)
    firing.deliver()
    said = firing.slack.threads[-1]["text"]
    assert "&lt;@U1&gt; notes: &lt;!channel&gt; &lt;https://evil.example|click&gt;" in said
