"""Ids in every spelling, and what a store tells that makes no sense."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.waterfall.layout import lay_out
from models.vocabulary import SpanStatus
from signals.address import Address, AddressError, parse
from signals.cut_json import mended
from signals.traces import Span
from signals.traces.bounds import MAX_SPANS
from signals.traces.ids import MalformedIdError, as_uuid, span_id, trace_id
from signals.traces.otlp_json import spans_of, value_of
from signals.traces.told import WARNING, Told, assembled, iso_nanoseconds, span_of, status_of

ID = "5b8efff798038103d269b633813fc60c"
NOON_NS = 1_772_452_800 * 10**9


@pytest.mark.parametrize(
    "written",
    [
        ID,
        ID.upper(),
        f"  {ID}\n",
        f"0x{ID}",
        as_uuid(ID),
        as_uuid(ID).upper(),
        "W47/95gDgQPSabYzgT/GDA==",
        "W47_95gDgQPSabYzgT_GDA==",
        "W47/95gDgQPSabYzgT/GDA",
    ],
)
def test_a_trace_id_is_32_hex_digits_however_it_is_written(written: str) -> None:
    assert trace_id(written) == ID


@pytest.mark.parametrize(
    "written", ["ab54a98ceb1f0a", "00ab54a98ceb1f0a", "AKtUqYzrHwo=", f"{'0' * 18}ab54a98ceb1f0a"]
)
def test_a_64_bit_id_and_one_without_its_zeros_are_filled_up(written: str) -> None:
    assert trace_id(written) == "0" * 18 + "ab54a98ceb1f0a"


@pytest.mark.parametrize("written", ["", "hello", "g" * 32, ID + "0", "a b", "W47/95gDgQPS"])
def test_what_is_no_id_is_refused_in_a_sentence(written: str) -> None:
    with pytest.raises(MalformedIdError, match="32 hexadecimal digits"):
        trace_id(written)


@pytest.mark.parametrize("written", ["0" * 32, "0" * 16, "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_zeros_are_no_trace(written: str) -> None:
    with pytest.raises(MalformedIdError, match="zeros"):
        trace_id(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("00f067aa0ba902b7", "00f067aa0ba902b7"),
        ("APBnqgupArc=", "00f067aa0ba902b7"),
        ("f067aa0ba902b7", "00f067aa0ba902b7"),
        ("00000000-0000-0000-00f0-67aa0ba902b7", "00f067aa0ba902b7"),
        ("", None),
        (None, None),
        ("0000000000000000", None),
    ],
)
def test_a_span_id_is_16_hex_digits(written: str | None, expected: str | None) -> None:
    assert span_id(written) == expected


def test_a_vendors_own_span_id_is_the_same_wherever_it_is_named() -> None:
    own = span_id("1f0c9a52-93a1-4f6e-8f0b-0c8f6a3f7d11")
    assert own == span_id("1F0C9A52-93A1-4F6E-8F0B-0C8F6A3F7D11")
    assert own != span_id("1f0c9a52-93a1-4f6e-8f0b-0c8f6a3f7d12")
    assert len(own or "") == 16


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, SpanStatus.ERROR),
        ("2", SpanStatus.ERROR),
        ("STATUS_CODE_ERROR", SpanStatus.ERROR),
        ("Error", SpanStatus.ERROR),
        ("ERROR", SpanStatus.ERROR),
        (1, SpanStatus.OK),
        ("Ok", SpanStatus.OK),
        ("SUCCESS", SpanStatus.OK),
        ("Unset", SpanStatus.UNSET),
        (None, SpanStatus.UNSET),
        ("sideways", SpanStatus.UNSET),
    ],
)
def test_a_status_is_read_in_every_spelling(code: Any, status: SpanStatus) -> None:
    assert status_of(code) is status


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("2026-03-02T12:00:00Z", NOON_NS),
        ("2026-03-02T12:00:00", NOON_NS),
        ("2026-03-02T13:00:00.5+01:00", NOON_NS + 500_000_000),
        ("2026-03-02T12:00:00.123456789Z", NOON_NS + 123_456_789),
    ],
)
def test_a_time_is_read_to_the_nanosecond(written: str, nanoseconds: int) -> None:
    assert iso_nanoseconds(written) == nanoseconds


def made(number: int = 1, **changes: Any) -> Span:
    fields: dict[str, Any] = {
        "trace_id": ID,
        "span_id": f"{number:016x}",
        "parent_id": None,
        "name": "step",
        "start_ns": NOON_NS,
        "duration_ms": 5.0,
    }
    return span_of(Told(**{**fields, **changes}))


def test_a_span_that_ends_before_it_starts_is_shown_and_marked() -> None:
    span = made(duration_ms=-3.0)
    assert span.duration_ms == 0
    assert "ended before it started" in span.attributes[WARNING]


@pytest.mark.parametrize("start", [-5, 0, 2**63, 10**25])
def test_a_start_that_is_no_time_is_shown_and_bounded(start: int) -> None:
    span = made(start_ns=start)
    assert span.started_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("duration", [1e300, float("inf"), float("nan")])
def test_a_duration_that_is_no_time_is_shown_and_marked(duration: float) -> None:
    span = made(duration_ms=duration)
    assert span.duration_ms == 0
    assert span.attributes[WARNING] == "its duration is no time"


def test_a_span_from_the_future_is_shown_where_it_says_it_is() -> None:
    assert made(start_ns=NOON_NS + 10**18).started_at > datetime(2050, 1, 1, tzinfo=UTC)


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    assert made(parent_id=f"{1:016x}").parent_id is None


def test_parents_in_a_circle_are_drawn() -> None:
    trace = assembled(ID, [made(1, parent_id=f"{2:016x}"), made(2, parent_id=f"{1:016x}")])
    assert trace is not None
    assert len(lay_out(trace).rows) == 2


def test_of_two_spans_with_one_id_the_first_counts() -> None:
    trace = assembled(ID, [made(1, name="first"), made(1, name="second"), made(2)])
    assert trace is not None
    assert [span.name for span in trace.spans] == ["first", "step"]


def test_no_more_spans_are_taken_than_can_be_drawn() -> None:
    drawn = iter(made(n + 1) for n in range(MAX_SPANS * 20))
    trace = assembled(ID, drawn)
    assert trace is not None
    assert (len(trace.spans), trace.cut) == (MAX_SPANS, True)
    assert next(drawn).span_id == f"{MAX_SPANS + 2:016x}"


def test_what_is_no_span_is_left_out() -> None:
    broken: list[Any] = [
        None,
        {"scopeSpans": "no"},
        {"scopeSpans": [{"spans": [{}, {"traceId": "zz"}, {"traceId": ID, "spanId": ""}]}]},
        {"resource": {"attributes": {"not": "a list"}}, "scopeSpans": [{"spans": None}]},
    ]
    assert list(spans_of(broken)) == []
    assert list(spans_of("nonsense")) == []


def test_values_nested_beyond_reason_are_cut() -> None:
    value: Any = {"stringValue": "deep"}
    for _ in range(50):
        value = {"arrayValue": {"values": [value]}}
    assert "nested too deep" in str(value_of(value))


@pytest.mark.parametrize("cut", range(22, 75))
def test_json_that_was_cut_off_is_made_whole(cut: int) -> None:
    text = '{"a": [{"b": "x\\"]}"}, {"b": [1, 2]}, {"b": {"c": null}}, {"b": 4}]}'
    found = json.loads(mended(text[:cut]))["a"]
    assert found == [{"b": 'x"]}'}, {"b": [1, 2]}, {"b": {"c": None}}, {"b": 4}][: len(found)]


def test_json_without_a_whole_item_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole item"):
        mended('{"a": [{"b": "x')


def test_an_address_keeps_its_secrets_to_itself() -> None:
    found = parse("langfuse+https://pk:s%40cret@host:444/base/?name=eu", {"langfuse"})
    assert found == Address(
        kind="langfuse",
        url="https://host:444/base",
        place="host:444",
        path="base",
        username="pk",
        password="s@cret",
        params={"name": "eu"},
    )
    assert found.name == "eu"
    assert "cret" not in repr(found)


@pytest.mark.parametrize(
    "line", ["", "tempo", "tempo://h", "tempo+ftp://h", "loki+http://h", "tempo+http://u:pw@ h"]
)
def test_an_address_that_is_none_is_a_sentence_without_its_secrets(line: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(line, {"tempo"})
    assert "pw" not in str(caught.value)


def test_durations_are_bounded_by_what_a_clock_can_hold() -> None:
    span = made(start_ns=2**62, duration_ms=9e11)
    assert span.started_at + timedelta(milliseconds=span.duration_ms) < datetime.max.replace(
        tzinfo=UTC
    )
