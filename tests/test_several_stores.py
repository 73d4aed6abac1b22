"""Several stores at once: whoever is slow or down holds up nobody."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from signals import QueryError, UnreachableError
from signals.traces import MAX_ATTRIBUTES, Abilities, Order, Trace, TraceQuery, TraceSummary
from signals.traces.several import Several, State
from tests.spans import NOON, root

MOMENT = timedelta(seconds=0.2)
LONG = timedelta(seconds=20)
TRACE = Trace(trace_id="a" * 32, spans=(root(),))
QUERY = TraceQuery(start=NOON - timedelta(hours=1), end=NOON)


@dataclass
class Shelf:
    """A store in memory; `opens` holds its answers back until it is set."""

    name: str
    holds: Trace | None = None
    error: str = ""
    opens: threading.Event = field(default_factory=threading.Event)
    abilities: Abilities = field(default_factory=Abilities)
    calls: int = 0

    def trace(self, trace_id: str) -> Trace | None:
        self.calls += 1
        self.opens.wait(10)
        if self.error:
            raise UnreachableError(self.error)
        return self.holds

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        if query.order not in self.abilities.orders:
            raise QueryError(f"{self.name} cannot list so")
        return []

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        return [f"{self.name}'s"]

    def web_url(self, trace_id: str) -> str | None:
        return None

    def check(self) -> str:
        return f"{self.name} answers"

    def close(self) -> None:
        self.opens.set()


def shelf(name: str, **changes: Any) -> Shelf:
    found = Shelf(name=name, **changes)
    found.opens.set()
    return found


@contextmanager
def several(*stores: Shelf, patience: timedelta = LONG, threads: int = 4) -> Iterator[Several]:
    found = Several(stores, patience=patience, threads=threads)
    try:
        yield found
    finally:
        found.close()


def test_each_store_has_its_own_finding() -> None:
    stuck = Shelf(name="stuck")
    stores = (
        shelf("has it", holds=TRACE),
        shelf("has not"),
        shelf("down", error="down is down"),
        stuck,
    )
    with several(*stores) as asked:
        inquiry = asked.look_up(TRACE.trace_id)
        findings = inquiry.findings(within=MOMENT)
        states = {finding.store: finding.state for finding in findings}
        assert states == {
            "has it": State.FOUND,
            "has not": State.NOTHING,
            "down": State.FAILED,
            "stuck": State.SEARCHING,
        }
        assert findings[0].answer == TRACE
        assert findings[2].error == "down is down"
        assert not inquiry.done


def test_a_page_that_looks_again_sees_what_came_meanwhile() -> None:
    late = Shelf(name="late", holds=TRACE)
    with several(late, shelf("quick")) as asked:
        inquiry = asked.look_up(TRACE.trace_id)
        assert inquiry.findings(within=MOMENT)[0].state is State.SEARCHING
        late.opens.set()
        assert inquiry.findings(within=LONG)[0].answer == TRACE
        assert inquiry.done


def test_looking_does_not_wait() -> None:
    with several(Shelf(name="stuck")) as asked:
        inquiry = asked.look_up(TRACE.trace_id)
        began = monotonic()
        inquiry.findings()
        assert monotonic() - began < 0.1


def test_a_store_that_is_too_late_has_failed_for_good() -> None:
    late = Shelf(name="late", holds=TRACE)
    with several(late, patience=MOMENT) as asked:
        inquiry = asked.look_up(TRACE.trace_id)
        (finding,) = inquiry.findings(within=LONG)
        assert (finding.state, finding.error) == (State.FAILED, "late did not answer within 0.2 s")
        late.opens.set()
        assert inquiry.findings(within=MOMENT)[0].state is State.FAILED


def test_a_stuck_store_is_not_asked_without_end() -> None:
    stuck = Shelf(name="stuck")
    with several(stuck, patience=MOMENT, threads=2) as asked:
        for _ in range(4):
            (finding,) = asked.look_up(TRACE.trace_id).findings(within=LONG)
        assert finding.error == "stuck is still busy with what it was asked before"
        assert stuck.calls == 2


def test_a_trace_comes_from_whoever_has_it_without_waiting_for_the_others() -> None:
    with several(Shelf(name="stuck"), shelf("has it", holds=TRACE)) as asked:
        began = monotonic()
        assert asked.trace(TRACE.trace_id) == TRACE
        assert monotonic() - began < 2


def test_a_trace_that_nobody_has_is_none_only_if_all_could_tell() -> None:
    with several(shelf("one"), shelf("two")) as asked:
        assert asked.trace(TRACE.trace_id) is None
    with (
        several(shelf("one"), shelf("two", error="two is down")) as asked,
        pytest.raises(UnreachableError, match="two is down"),
    ):
        asked.trace(TRACE.trace_id)


def test_a_list_comes_from_the_first_store_that_can_make_it() -> None:
    dear = Abilities(orders=(Order.DEAREST,))
    with several(shelf("new"), shelf("dear", abilities=dear)) as asked:
        query = TraceQuery(start=QUERY.start, end=QUERY.end, order=Order.DEAREST)
        assert asked.search(query) == []
        slow = TraceQuery(start=QUERY.start, end=QUERY.end, order=Order.SLOWEST)
        with pytest.raises(QueryError, match="new cannot list the slowest"):
            asked.search(slow)


def test_a_store_that_cannot_says_so_beside_those_that_can() -> None:
    dear = Abilities(orders=(Order.DEAREST,))
    with several(shelf("new"), shelf("dear", abilities=dear)) as asked:
        findings = asked.find(QUERY).findings(within=LONG)
    assert [finding.state for finding in findings] == [State.NOTHING, State.FAILED]
    assert findings[1].error == "dear cannot list so"


def test_together_they_can_what_any_of_them_can() -> None:
    first = Abilities(filters=frozenset({"model"}), retention=timedelta(days=7))
    second = Abilities(orders=(Order.SLOWEST,), retention=timedelta(days=30), some=True)
    with several(shelf("a", abilities=first), shelf("b", abilities=second)) as asked:
        abilities = asked.abilities
    assert abilities.filters == {"model"}
    assert abilities.orders == (Order.NEWEST, Order.SLOWEST)
    assert abilities.retention == timedelta(days=30)
    assert abilities.some


def test_an_attribute_is_asked_of_the_first_store_that_can_compare_it() -> None:
    narrows = frozenset({"attributes"})
    first = Abilities(narrows=narrows, untold=frozenset({"kind", "user_id"}), most_attributes=1)
    second = Abilities(narrows=narrows, untold=frozenset({"user_id"}))
    with several(shelf("a", abilities=first), shelf("b", abilities=second), shelf("c")) as asked:
        abilities = asked.abilities
        assert abilities.untold == {"user_id"}
        assert abilities.most_attributes == MAX_ATTRIBUTES
        assert asked.search(replace(QUERY, attributes=(("kind", "tool"),))) == []
        assert asked.search(replace(QUERY, attributes=(("x", "1"), ("y", "2")))) == []
        with pytest.raises(QueryError, match=r"a cannot .* user_id, .*b cannot .*c cannot .* any"):
            asked.search(replace(QUERY, attributes=(("user_id", "u"),)))
