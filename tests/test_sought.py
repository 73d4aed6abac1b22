"""What people paste into the one box, and what is made of it."""

from time import process_time

import pytest

from app.sought import MAX_TEXT, MOST_IDS, MOST_NAMES, malformed, seek
from signals.redact import pseudonym
from signals.traces.people import mark
from tests.made_traces import SEED_ID

SPAN = "0123456789abcdef"
REQUEST = "9b2e1c7a-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    "text",
    [
        SEED_ID,
        SEED_ID.upper(),
        f"  {SEED_ID}\n",
        "5eed5eed-5eed-5eed-5eed-5eed5eed5eed",
        f"see https://wakeful.example/traces?trace={SEED_ID}&span={SPAN}",
        f"https://langfuse.example/project/p/traces/{SEED_ID}?display=details",
        f"https://grafana.example/explore?left=%7B%22query%22%3A%22{SEED_ID}%22%7D",
        f'{{"span_id": "{SPAN}", "trace_id": "{SEED_ID}"}}',
        f"2026-03-01 12:00:00 ERROR [copilot,{SEED_ID},{SPAN}] upstream timed out",
        f"traceparent: 00-{SEED_ID}-{SPAN}-01",
        f"00-{SEED_ID}-{SPAN}-01",
        "Xu1e7V7tXu1e7V7tXu1e7Q==",
        "Xu1e7V7tXu1e7V7tXu1e7Q",
        "traceId: Xu1e7V7tXu1e7V7tXu1e7Q==, the answer looks wrong",
    ],
)
def test_the_trace_id_comes_first_in_whatever_was_pasted(text: str) -> None:
    assert seek(text).trace_ids[0] == SEED_ID


def test_the_id_of_a_span_is_not_taken_for_that_of_a_trace() -> None:
    assert seek(f"traceparent: 00-{SEED_ID}-{SPAN}-01").trace_ids == (SEED_ID,)
    assert seek(f"span_id={SPAN} trace_id={SEED_ID}").trace_ids == (SEED_ID,)


def test_an_id_that_is_called_a_trace_id_comes_before_another() -> None:
    found = seek(f"request_id={REQUEST} trace={SEED_ID}")
    assert found.trace_ids == (SEED_ID, REQUEST.replace("-", ""))
    assert found.names == (("request_id", REQUEST),)


def test_a_64_bit_id_is_filled_up_with_zeros() -> None:
    assert seek("AB0123456789ABCDEF").trace_ids == ("0" * 14 + "ab0123456789abcdef",)


@pytest.mark.parametrize("text", ["", "hello", "12345", "0" * 32, "f" * 40, "decade of façades"])
def test_what_holds_no_trace_id_finds_none(text: str) -> None:
    assert seek(text).trace_ids == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("request_id=req-42", [("request_id", "req-42")]),
        ("X-Request-Id: req-42", [("request_id", "req-42")]),
        ('{"requestId":"req-42","level":"error"}', [("request_id", "req-42")]),
        ("session.id = s-1", [("session_id", "s-1")]),
        ("https://langfuse.example/project/p/sessions/s-1?tab=x", [("session_id", "s-1")]),
        ("https://x.example/chat?conversation=c%2D9&x=1", [("session_id", "c-9")]),
        ("gen_ai.conversation.id: c-9", [("session_id", "c-9")]),
        ("user_id=u-7 wrote in", [("user_id", mark("u-7"))]),
        (mark("u-7"), [("user_id", mark("u-7"))]),
        ("user=jane@example.org", [("user_id", mark(pseudonym("jane@example.org")))]),
        (
            "req-42",
            [("request_id", "req-42"), ("session_id", "req-42"), ("user_id", mark("req-42"))],
        ),
        ("jane@example.org", [("user_id", mark(pseudonym("jane@example.org")))]),
        ("the answer looks wrong", []),
        ("0" * 32, []),
        ("", []),
    ],
)
def test_requests_sessions_and_users_are_read_where_they_are_called_so(
    text: str, names: list[tuple[str, str]]
) -> None:
    assert list(seek(text).names) == names


def test_a_uuid_may_be_a_request_as_well_as_a_trace() -> None:
    found = seek(REQUEST)
    assert found.trace_ids == (REQUEST.replace("-", ""),)
    assert found.names[0] == ("request_id", REQUEST)


def test_nobody_is_named_by_what_is_searched_for() -> None:
    assert "jane" not in repr(seek("user: jane@example.org"))


@pytest.mark.parametrize(
    "text",
    [
        "trace" * 200_000,
        "trace: " * 150_000,
        "a" * 1_000_000,
        "%" * 1_000_000,
        f"{SPAN}-" * 60_000,
        "request = " * 100_000,
        "user 0123456789 " * 60_000,
        "\x00\ud800" * 500_000,
        "-".join([SEED_ID] * 30_000),
    ],
)
def test_hostile_and_huge_text_is_bounded(text: str) -> None:
    began = process_time()
    found = seek(text)
    assert process_time() - began < 0.5
    assert found.cut
    assert len(found.trace_ids) <= MOST_IDS
    assert len(found.names) <= MOST_NAMES


def test_only_the_first_part_of_a_long_text_is_looked_at() -> None:
    assert seek("x " * MAX_TEXT + SEED_ID).trace_ids == ()


def test_a_malformed_id_says_what_is_wrong_with_it() -> None:
    assert "this one has 5" in malformed("12345")
    assert "zeros" in malformed("0" * 32)
    assert "There is no trace id in that" in malformed("hello")
