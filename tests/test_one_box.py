"""The one box of the Traces page: from what was pasted to the trace, or to why there is none."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from app import wired
from models.tables import Alert, Policy, Rule
from models.vocabulary import AlertState, Severity
from signals.redact import pseudonym
from signals.traces import Abilities, Trace
from signals.traces.people import mark
from signals.traces.several import Several
from tests.made_traces import SEED_ID, START, changed, moved, seed_lines, seed_trace
from tests.test_several_stores import Shelf, shelf
from tests.test_traces_page import Bench, bench, metrics, page
from tests.test_traces_page import words as written

__all__ = ["bench"]

OTHER_ID = "a" * 32
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JANE = pseudonym("jane@example.org")


def asked_for(**names: str) -> Trace:
    return changed(seed_trace(), "HTTP request", **names)


def words(at: AppTest) -> str:
    return written(at).replace("\\", "")


@pytest.fixture
def tempo(bench: Bench) -> Iterator[Shelf]:
    """A store that is asked beside the embedded one."""
    found = shelf("tempo", abilities=Abilities(lag=MINUTE))
    several = Several([bench.store, found], patience=timedelta(seconds=6))
    wired.set_current(replace(wired.current(), traces=several, several=several))
    yield found
    found.close()


@pytest.mark.parametrize(
    "text",
    [
        "request_id=req-42 failed",
        "req-42",
        "https://shop.example/chat?session=s-1",
        '{"level":"error","sessionId":"s-1"}',
        "user: jane@example.org",
        mark(JANE),
    ],
)
def test_a_name_that_one_trace_has_opens_it(bench: Bench, text: str) -> None:
    bench.holds(asked_for(request_id="req-42", session_id="s-1", user_id=JANE))
    assert metrics(page(trace=text))["Latency"] == "2.58 s"


def test_the_traces_of_a_session_are_listed(bench: Bench) -> None:
    first = asked_for(session_id="s-1")
    bench.holds(first, moved(first, OTHER_ID, -HOUR))
    at = page(trace="session=s-1")
    assert len(at.dataframe[0].value) == 2
    assert "The 2 traces of session s-1" in words(at)


def test_a_user_is_shown_and_linked_by_a_mark(bench: Bench) -> None:
    first = asked_for(user_id=JANE)
    bench.holds(first, moved(first, OTHER_ID, -HOUR))
    at = page()
    at.text_input(key="trace").set_value("user: jane@example.org").run()
    assert f"The 2 traces of {mark(JANE)}" in words(at)
    assert "jane" not in words(at) + str(at.text_input(key="trace").value)


def test_a_name_that_nobody_has_says_so_over_the_list(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace="req-43")
    assert "has seen no request, session or user of that name in the last 7 d" in words(at)
    assert len(at.dataframe[0].value) == 1


def test_a_trace_is_opened_from_the_store_that_has_it(bench: Bench, tempo: Shelf) -> None:
    tempo.holds = seed_trace()
    at = page(trace=SEED_ID)
    assert metrics(at)["Latency"] == "2.58 s"
    assert "read from tempo" in words(at)


def test_a_store_that_is_down_is_named_beside_one_that_lacks_the_trace(
    bench: Bench, tempo: Shelf
) -> None:
    tempo.error = "Tempo refuses the connection"
    text = words(page(trace=SEED_ID))
    assert "No answer from “tempo”: Tempo refuses the connection" in text
    assert "The store “traces” does not have it" in text


def test_a_slow_store_holds_up_no_answer_of_another(bench: Bench, tempo: Shelf) -> None:
    bench.holds(seed_trace())
    tempo.opens.clear()
    assert "read from traces" in words(page(trace=SEED_ID))


def test_a_slow_store_is_said_to_be_searching(bench: Bench, tempo: Shelf) -> None:
    tempo.opens.clear()
    assert "The store “tempo” is still searching" in words(page(trace=SEED_ID))


def test_log_lines_tell_that_a_trace_has_expired(bench: Bench) -> None:
    bench.store.logs.write(seed_lines())
    bench.passes(8 * DAY)
    at = page(trace=SEED_ID)
    assert "It has expired in the store “traces”, which keeps traces for 7 d" in words(at)
    assert "request accepted" in words(at)


def test_a_huge_text_is_cut_and_says_so(bench: Bench) -> None:
    at = page(trace=f"{SEED_ID} {'x' * 30_000}")
    assert "Only the first 20,000 characters" in at.warning[0].value


def test_both_sides_of_what_the_bad_share_come_from_one_store(bench: Bench) -> None:
    unable = shelf("jaeger", abilities=Abilities(orders=()))
    several = Several([unable, bench.store])
    wired.set_current(replace(wired.current(), traces=several, several=several))
    bench.holds(asked_for(tenant="globex"), moved(seed_trace(), OTHER_ID, -MINUTE))
    text = words(page(tool="none", shared="Slowest tenth"))
    assert "1 slowest against 1 others, of this time range in traces" in text


def test_a_trace_stays_in_sight_while_its_store_is_asked_again(bench: Bench, tempo: Shelf) -> None:
    tempo.holds = seed_trace()
    at = page(trace=SEED_ID)
    tempo.opens.clear()
    bench.passes(MINUTE)
    at.run()
    assert metrics(at)["Latency"] == "2.58 s"
    assert not at.error


# --- what stood round it


def alert(bench: Bench, name: str, *, begin: datetime, end: datetime | None, **labels: str) -> None:
    """Let an alert on the p95 latency have been wrong from `begin` to `end`."""
    with Session(wired.current().db) as session:
        session.add(Policy(id=1, name="p", steps=[]))
        session.flush()
        rule = Rule(
            id=1,
            name=name,
            owner="team",
            severity=Severity.ERROR,
            condition={"kind": "threshold", "signal": "latency_p95", "bound": 2},
            policy_id=1,
            updated_at=START,
            updated_by="test",
            next_evaluation_at=START,
        )
        session.add(rule)
        session.flush()
        session.add(
            Alert(
                rule_id=1,
                fingerprint=name,
                labels=labels,
                severity=Severity.ERROR,
                value=3.0,
                state=AlertState.RESOLVED if end else AlertState.FIRING,
                active_at=begin,
                fired_at=begin,
                resolved_at=end,
            )
        )
        session.commit()


def involved(bench: Bench) -> str:
    bench.holds(seed_trace())
    box = page(trace=SEED_ID).container(key="traces_alerts")
    return "\n".join(one.value for one in box.markdown)


def test_an_alert_on_the_traffic_of_the_request_is_shown(bench: Bench) -> None:
    alert(bench, "slow chat", begin=START - MINUTE, end=None, feature="chat")
    assert "slow chat" in involved(bench)


def test_an_alert_that_began_just_after_was_decided_on_it(bench: Bench) -> None:
    alert(bench, "slow", begin=START + 4 * MINUTE, end=None)
    bench.now = START + HOUR
    assert "slow" in involved(bench)


@pytest.mark.parametrize(
    ("begin", "end", "labels"),
    [
        (START - MINUTE, None, {"feature": "search"}),
        (START - HOUR, START - MINUTE, {}),
        (START + HOUR, None, {}),
    ],
    ids=["other traffic", "over before", "long after"],
)
def test_an_alert_that_it_does_not_fall_into_is_not_shown(
    bench: Bench, begin: datetime, end: datetime | None, labels: dict[str, str]
) -> None:
    alert(bench, "elsewhere", begin=begin, end=end, **labels)
    assert "No alert was open" in involved(bench)


def test_the_time_round_it_is_drawn_in_its_part_of_the_traffic(bench: Bench) -> None:
    bench.holds(seed_trace())
    bench.passes(10 * MINUTE)
    at = page(trace=SEED_ID)
    assert "feature chat, model claude-opus-4" in words(at)
    assert len(at.get("vega_lite_chart")) == 2
    assert "(/overview?range=15m&feature=chat&model=claude-opus-4)" in words(at)
