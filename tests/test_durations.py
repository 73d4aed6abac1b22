import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from alerts import durations
from alerts.durations import Duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        ("250ms", timedelta(milliseconds=250)),
        ("1y", timedelta(days=365)),
        ("1y2w3d4h5m6s7ms", timedelta(382, 14706, 7000)),
        ("000000000000000000000000000001m", timedelta(minutes=1)),
    ],
)
def test_a_duration_is_read_as_prometheus_reads_it(text: str, expected: timedelta) -> None:
    assert durations.parse(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 m", " 5m", "-5m", "1.5h", "5m1h", "1h1h", "m", "٣m"])
def test_what_prometheus_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write 90s"):
        durations.parse(text)


@pytest.mark.parametrize("text", ["293y", "1000000w", "9" * 5000 + "s"])
def test_what_no_clock_will_see_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than 292 years"):
        durations.parse(text)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=1), "1d"),
        (timedelta(days=8), "8d"),
        (timedelta(days=14), "2w"),
        (timedelta(days=365), "1y"),
        (timedelta(milliseconds=1500), "1s500ms"),
    ],
)
def test_a_duration_is_written_as_prometheus_writes_it(span: timedelta, text: str) -> None:
    assert durations.write(span) == text


@settings(max_examples=200, derandomize=True)
@given(st.integers(0, 9_000_000_000_000))
def test_what_is_written_reads_the_same(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert durations.parse(durations.write(span)) == span


def test_a_field_forgives_the_spaces_around_what_someone_typed() -> None:
    class Form(BaseModel):
        window: Duration

    form = Form.model_validate({"window": " 5m "})
    assert json.loads(form.model_dump_json()) == {"window": "5m"}
