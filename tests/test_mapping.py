"""A user's own PromQL for a signal: judged at the door, written, and asked before any pack."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import mappings
from alerts.mappings import KNOWN_FOR, KnownMappings
from models.tables import SignalMapping
from models.vocabulary import DataState
from signals import Query, QueryError
from signals.mapping import MappingDraft, OwnMapping, check, own
from signals.prometheus import Prometheus, PrometheusAccess
from tests.fake_prometheus import AT, FakePrometheus, error_of, failure, serving, success, vector

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES_5 = timedelta(minutes=5)
PROMQL = "sum by ($by) (rate(my_calls_total{$scope}[$window])) * $seconds"


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        yield fake


def draft(**changes: object) -> MappingDraft:
    fields = {"signal": "request_rate", "promql": PROMQL, "labels": {"model": "llm.model"}}
    return MappingDraft.model_validate(fields | changes)


def asked(draft: MappingDraft, *by: str, **scope: str) -> str:
    query = Query(signal=draft.signal, window=MINUTES_5, scope=tuple(sorted(scope.items())), by=by)
    return own(draft).ask(query).promql


def test_each_placeholder_stands_for_its_part_of_the_question() -> None:
    assert asked(draft()) == "sum by () (rate(my_calls_total{}[5m])) * 300"
    assert asked(draft(labels={"model": "m"}), "model", model="a") == (
        'sum by (m) (rate(my_calls_total{m="a",}[5m])) * 300'
    )


def test_a_label_with_dots_is_quoted() -> None:
    assert 'by ("llm.model")' in asked(draft(), "model")
    assert '{"llm.model"="a",}' in asked(draft(), model="a")


def test_a_value_with_quotes_and_newlines_stays_one_value() -> None:
    odd = 'a "b"\n\\ $window }'
    assert '{"llm.model"="a \\"b\\"\\n\\\\ $window }",}' in asked(draft(), model=odd)


def test_answers_come_back_under_our_names(fake: FakePrometheus) -> None:
    fake.answer(success([{"metric": {"llm.model": "a"}, "value": [0, "1"]}]))
    mine: Mapping[str, OwnMapping] = {"request_rate": own(draft())}
    query = Query(signal="request_rate", window=MINUTES_5, by=("model",))
    with closing(Prometheus(PrometheusAccess(url=fake.url), own=lambda: mine)) as server:
        reading = server.read(query, at=AT)
    assert reading.samples[0].labels == {"model": "a"}
    assert fake.seen[0]["query"].startswith('sum by ("llm.model")')


def test_a_mapping_does_not_fall_back_to_a_pack_for_a_label_it_lacks(fake: FakePrometheus) -> None:
    mine = {"request_rate": own(draft())}
    with closing(Prometheus(PrometheusAccess(url=fake.url), own=lambda: mine)) as server:
        assert not server.answers(Query(signal="request_rate", window=MINUTES_5, by=("feature",)))
        assert server.answers(Query(signal="error_ratio", window=MINUTES_5, by=("feature",)))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"signal": "happiness"}, "there is no signal happiness; there are latency_p50"),
        ({"promql": " "}, "at least 1 character"),
        ({"promql": "x" * 10_001}, "at most 10000 characters"),
        ({"promql": "up{$scpoe}"}, "$scpoe is no placeholder; there are $scope, $window"),
        ({"promql": 'label_replace(up, "a", "$1", "b", "(.*)")'}, "write $$ for the character"),
        ({"promql": "up"}, "it must contain $scope and $by"),
        ({"promql": "up{$scope}"}, "it must contain $by"),
        ({"labels": {"model": "a b"}}, "a label's name is one word"),
        ({"labels": {"model": ""}}, "a label's name is one word"),
        ({"labels": {"model": "x", "tenant": "x"}}, "cannot be the same one of the server's"),
        ({"labels": {f"l{i}": f"m{i}" for i in range(21)}}, "at most 20 items"),
        ({"owner": "me"}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_door(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        draft(**changes)
    assert complaint in str(caught.value)


def test_a_syntax_error_is_told_in_the_servers_words_with_its_place(fake: FakePrometheus) -> None:
    fake.answer(failure("bad_data", "1:42: parse error: unclosed left parenthesis"), 400)
    error = error_of(lambda: check(draft(), fake.connect(), at=AT))
    assert isinstance(error, QueryError)
    assert str(error).endswith("refused the query: 1:42: parse error: unclosed left parenthesis")


def test_several_series_are_not_a_signal(fake: FakePrometheus) -> None:
    fake.answer(success(vector("1", "2", "NaN")))
    error = error_of(lambda: check(draft(), fake.connect(), at=AT))
    assert "it yields 3 series where one value is wanted" in str(error)


def test_the_labels_are_tried_as_well(fake: FakePrometheus) -> None:
    fake.answer(success(vector("3")))
    assert check(draft(), fake.connect(), at=AT).samples[0].value == 3
    plain, split = (params["query"] for params in fake.seen)
    assert ("llm.model" in plain, 'by ("llm.model")' in split) == (False, True)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_division_by_no_requests_is_no_traffic(fake: FakePrometheus, value: str) -> None:
    fake.answer(success(vector(value)))
    assert check(draft(), fake.connect(), at=AT).state is DataState.NO_TRAFFIC


def test_a_mapping_is_written_replaced_and_removed(db: Engine) -> None:
    mappings.save_mapping(db, draft(), by="ada", now=NOW)
    mappings.save_mapping(db, draft(promql="sum(up)", labels={}), by="bob", now=NOW + MINUTES_5)
    with Session(db) as session:
        (row,) = mappings.mappings(session)
        assert (row.promql, row.labels, row.updated_by) == ("sum(up)", {}, "bob")
        assert row.updated_at == NOW + MINUTES_5
    assert mappings.remove_mapping(db, "request_rate")
    assert not mappings.remove_mapping(db, "request_rate")


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_what_another_process_saved_is_used_within_seconds(sqlite_db: Engine) -> None:
    clock = Time()
    known = KnownMappings(sqlite_db, clock)
    assert known() == {}
    mappings.save_mapping(sqlite_db, draft(), by="ada", now=NOW)
    assert known() == {}
    clock.now += KNOWN_FOR
    assert known()["request_rate"].labels == {"model": "llm.model"}


def test_what_this_process_saved_is_used_at_once(sqlite_db: Engine) -> None:
    known = KnownMappings(sqlite_db, lambda: NOW)
    known()
    mappings.save_mapping(sqlite_db, draft(), by="ada", now=NOW)
    known.forget()
    assert set(known()) == {"request_rate"}


def test_a_database_that_does_not_answer_leaves_what_was_known(sqlite_db: Engine) -> None:
    clock = Time()
    known = KnownMappings(sqlite_db, clock)
    mappings.save_mapping(sqlite_db, draft(), by="ada", now=NOW)
    known()
    with sqlite_db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE signalmapping")
    clock.now += KNOWN_FOR
    assert set(known()) == {"request_rate"}


def test_a_mapping_of_a_later_version_is_refused_in_a_sentence(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        row = SignalMapping(
            signal="request_rate", promql="up{$later}", labels={}, updated_by="x", updated_at=NOW
        )
        session.add(row)
        session.commit()
    found = KnownMappings(sqlite_db, lambda: NOW)()["request_rate"]
    with pytest.raises(QueryError, match="write it anew on the page Sources"):
        found.ask(Query(signal="request_rate", window=MINUTES_5))
