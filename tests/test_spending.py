"""What requests cost, added up by the embedded store: each rule against spans made for it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.vocabulary import CostSource, SpanKind
from signals import QueryError
from signals.traces.embedded import EmbeddedStore
from signals.traces.spending import MAX_ROWS, Bar, Spend, SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, bill, child, root

LATELY = NOON - HOUR
BEFORE = NOON - 2 * DAY - HOUR
COMPUTED = CostSource.COMPUTED


def asking(by: str | None = None, **scope: str) -> SpendQuery:
    """Return the question about two days up to NOON, in two bars, and the two before them."""
    return SpendQuery(
        edges=(NOON - 2 * DAY, NOON - DAY),
        end=NOON,
        before=(NOON - 4 * DAY, NOON - 2 * DAY),
        by=by,
        scope=tuple(sorted(scope.items())),
    )


def rows(store: EmbeddedStore, by: str, **scope: str) -> dict[str | None, Spend]:
    return {row.value: row for row in store.spend(asking(by, **scope)).rows}


def whole(store: EmbeddedStore, **scope: str) -> Spend:
    (row,) = store.spend(asking(**scope)).rows
    return row


def pays(store: EmbeddedStore, usd: float | None, at: datetime = LATELY, **labels: Any) -> None:
    """Store a request whose one model call cost `usd`."""
    request = root(at, **labels)
    store.write([request, child(request, model=labels.get("model"), **bill(usd))])


# Whose money it is


def test_spend_goes_to_the_value_of_the_request(store: EmbeddedStore) -> None:
    pays(store, 2.0, feature="chat")
    pays(store, 1.0, feature="chat")
    pays(store, 0.5, feature="search")
    found = rows(store, "feature")
    assert {value: row.usd for value, row in found.items()} == {"chat": 3.0, "search": 0.5}
    assert (found["chat"].requests, found["chat"].per_request) == (2, 1.5)


def test_the_dearest_comes_first(store: EmbeddedStore) -> None:
    for tenant, usd in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        pays(store, usd, tenant=tenant)
    assert list(rows(store, "tenant")) == ["b", "c", "a"]


def test_what_was_dearer_before_does_not_come_first_for_that(store: EmbeddedStore) -> None:
    pays(store, 1.0, tenant="a")
    pays(store, 9.0, BEFORE, tenant="a")
    pays(store, 2.0, tenant="b")
    assert list(rows(store, "tenant")) == ["b", "a"]


def test_what_says_no_value_is_a_row_of_its_own(store: EmbeddedStore) -> None:
    pays(store, 2.0)
    assert rows(store, "tenant")[None].usd == 2.0


def test_each_model_is_charged_its_own_calls(store: EmbeddedStore) -> None:
    request = root(LATELY, model="large")
    store.write(
        [
            request,
            child(request, model="large", **bill(2.0)),
            child(request, model="small", **bill(0.25)),
        ]
    )
    found = rows(store, "model")
    assert {value: (row.usd, row.requests) for value, row in found.items()} == {
        "large": (2.0, 1),
        "small": (0.25, 1),
    }
    assert whole(store).requests == 1


def test_a_paid_tool_is_not_charged_to_the_model(store: EmbeddedStore) -> None:
    request = root(LATELY)
    store.write(
        [
            request,
            child(request, model="large", **bill(2.0)),
            child(request, kind=SpanKind.TOOL, **bill(0.5)),
        ]
    )
    assert {value: row.usd for value, row in rows(store, "model").items()} == {
        "large": 2.0,
        None: 0.5,
    }


def test_a_call_without_a_prompt_version_has_that_of_its_request(store: EmbeddedStore) -> None:
    request = root(LATELY)
    store.write(
        [request, child(request, prompt_version="v7", **bill(1.0)), child(request, **bill(0.5))]
    )
    assert rows(store, "prompt_version")["v7"].usd == 1.5


def test_a_root_that_repeats_its_calls_counts_once(store: EmbeddedStore) -> None:
    request = root(LATELY, **bill(9.0))
    store.write([request, child(request, **bill(2.0))])
    assert whole(store).usd == 2.0


def test_a_root_that_alone_knows_the_bill_is_believed(store: EmbeddedStore) -> None:
    request = root(LATELY, **bill(9.0))
    store.write([request, child(request, **bill(None))])
    found = whole(store)
    assert (found.usd, found.unpriced) == (9.0, 0)


def test_of_a_trace_with_two_roots_no_cost_counts_twice(store: EmbeddedStore) -> None:
    request = root(LATELY, feature="chat")
    twin = root(LATELY, trace_id=request.trace_id, feature="chat")
    store.write([request, twin, child(request, **bill(2.0))])
    assert rows(store, "feature")["chat"].usd == 2.0


def test_a_scope_narrows_money_and_requests_alike(store: EmbeddedStore) -> None:
    pays(store, 2.0, feature="chat", environment="prod")
    pays(store, 5.0, feature="chat", environment="test")
    found = rows(store, "feature", environment="prod")["chat"]
    assert (found.usd, found.requests) == (2.0, 1)


def test_a_model_as_scope_means_its_own_calls(store: EmbeddedStore) -> None:
    request = root(LATELY, tenant="acme")
    store.write(
        [
            request,
            child(request, model="large", **bill(2.0)),
            child(request, model="small", **bill(0.25)),
        ]
    )
    found = rows(store, "tenant", model="small")["acme"]
    assert (found.usd, found.requests) == (0.25, 1)


# What is known of it


def test_a_sum_says_how_much_of_it_was_reported(store: EmbeddedStore) -> None:
    request = root(LATELY)
    store.write([request, child(request, **bill(3.0)), child(request, **bill(1.0, COMPUTED))])
    assert whole(store).reported_ratio == 0.75


def test_calls_without_a_price_are_counted_and_cost_nothing_known(store: EmbeddedStore) -> None:
    pays(store, None, feature="chat")
    found = rows(store, "feature")["chat"]
    assert (found.usd, found.per_request, found.unpriced, found.unpriced_ratio) == (
        None,
        None,
        1,
        1,
    )


def test_an_empty_store_has_no_row_and_no_zero(store: EmbeddedStore) -> None:
    assert store.spend(asking("feature")).rows == ()
    assert store.spend(asking()).rows == ()
    assert store.held_since() is None


def test_requests_that_cost_nothing_known_have_no_cost(store: EmbeddedStore) -> None:
    store.write([root(LATELY)])
    found = whole(store)
    assert (found.usd, found.requests, found.reported_ratio) == (None, 1, None)


def test_failures_are_paid_for_by_what_turned_out_well(store: EmbeddedStore) -> None:
    for outcome in ("success", "error", "user_rejected", None):
        pays(store, 1.0, outcome=outcome)
    found = whole(store)
    assert (found.concluded, found.successes, found.per_success) == (3, 1, 4.0)


def test_without_a_success_there_is_no_cost_per_success(store: EmbeddedStore) -> None:
    pays(store, 1.0, outcome="error")
    assert whole(store).per_success is None


def test_spend_is_split_by_how_requests_turned_out(store: EmbeddedStore) -> None:
    pays(store, 1.0, outcome="success")
    pays(store, 3.0, outcome="error")
    assert {value: row.usd for value, row in rows(store, "outcome").items()} == {
        "error": 3.0,
        "success": 1.0,
    }


# When


def test_the_period_before_is_told_apart(store: EmbeddedStore) -> None:
    pays(store, 2.0, feature="chat")
    pays(store, 5.0, BEFORE, feature="chat")
    found = rows(store, "feature")["chat"]
    assert (found.usd, found.before_usd, found.requests) == (2.0, 5.0, 1)


def test_what_has_ceased_is_still_listed(store: EmbeddedStore) -> None:
    pays(store, 5.0, BEFORE, feature="old")
    found = rows(store, "feature")["old"]
    assert (found.usd, found.before_usd, found.requests) == (None, 5.0, 0)


def test_a_period_begins_with_its_start_and_ends_before_its_end(store: EmbeddedStore) -> None:
    pays(store, 1.0, NOON - 2 * DAY)
    pays(store, 2.0, NOON)
    assert whole(store).usd == 1.0


def test_between_the_periods_nothing_counts(store: EmbeddedStore) -> None:
    pays(store, 1.0, NOON - 2 * DAY - MINUTE)
    query = SpendQuery(
        edges=(NOON - 2 * DAY,), end=NOON, before=(NOON - 4 * DAY, NOON - 3 * DAY), by="tenant"
    )
    assert store.spend(query).rows == ()


def test_bars_hold_what_was_spent_from_edge_to_edge(store: EmbeddedStore) -> None:
    pays(store, 1.0, NOON - DAY - timedelta(microseconds=1))
    pays(store, 2.0, NOON - DAY)
    pays(store, 4.0, BEFORE)
    assert store.bars(asking(), ()) == [
        Bar(edge=0, value=None, rest=True, usd=1.0),
        Bar(edge=1, value=None, rest=True, usd=2.0),
    ]


def test_bars_name_what_is_shown_and_join_the_rest(store: EmbeddedStore) -> None:
    for tenant, usd in (("acme", 4.0), ("b", 1.0), ("c", 2.0), (None, 0.5)):
        pays(store, usd, tenant=tenant)
    found = {(bar.value, bar.rest): bar.usd for bar in store.bars(asking("tenant"), ["acme", None])}
    assert found == {("acme", False): 4.0, (None, False): 0.5, (None, True): 3.0}


def test_the_oldest_span_says_how_far_back_the_store_goes(store: EmbeddedStore) -> None:
    pays(store, 1.0, BEFORE)
    assert store.held_since() == BEFORE


# Bounds


def test_rows_are_bounded_and_counted(store: EmbeddedStore) -> None:
    store.write(
        [
            root(LATELY, kind=SpanKind.LLM, tenant=f"t{n}", **bill(n / 100))
            for n in range(MAX_ROWS + 50)
        ]
    )
    found = store.spend(asking("tenant"))
    assert (len(found.rows), found.values) == (MAX_ROWS, MAX_ROWS + 50)
    assert found.rows[0].value == f"t{MAX_ROWS + 49}"


def test_labels_that_spend_does_not_have_are_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="spend has no label 'user_id'; there are feature, tenant"):
        store.spend(asking("user_id"))


def test_a_period_without_bars_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="1 to 120 bars"):
        store.spend(SpendQuery(edges=(NOON,), end=NOON, before=(NOON - DAY, NOON)))
