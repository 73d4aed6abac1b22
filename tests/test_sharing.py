"""What the bad ones share: each value's share among them and among the rest."""

from typing import Any

import pytest

from signals.traces import TraceSummary
from signals.traces.sharing import EXPLAINING, MOST, shares
from signals.traces.summaries import summary_of
from tests.spans import child, root


def trace(*tools: str, **labels: Any) -> TraceSummary:
    whole = root(**labels)
    return summary_of([whole, *(child(whole, tool=tool) for tool in tools)])


def told(selected: list[TraceSummary], rest: list[TraceSummary]) -> list[tuple[str, str]]:
    return [(share.field, share.value) for share in shares(selected, rest)]


def test_a_share_is_of_the_traces_on_its_side() -> None:
    selected = [trace(model="mini"), trace(model="mini"), trace(model="opus"), trace(model="opus")]
    rest = [trace(model="mini"), *(trace(model="opus") for _ in range(9))]
    (share,) = shares(selected, rest)
    assert (share.field, share.value) == ("model", "mini")
    assert (share.selected, share.rest) == (2, 1)
    assert (share.selected_ratio, share.rest_ratio) == (0.5, 0.1)
    assert share.difference == pytest.approx(0.4)


def test_the_greatest_difference_comes_first() -> None:
    selected = [trace(tenant="a", feature="x"), trace(tenant="a", feature="y")]
    rest = [trace(tenant="b", feature="y"), trace(tenant="b", feature="y")]
    assert told(selected, rest) == [("tenant", "a"), ("feature", "x")]


def test_what_all_have_explains_nothing() -> None:
    assert told([trace(model="opus")], [trace(model="opus")]) == []


def test_what_is_rarer_among_the_bad_is_left_out() -> None:
    assert told([trace(tenant="a")], [trace(tenant="a"), trace(tenant="b")]) == [("tenant", "a")]
    assert told([trace(tenant="a"), trace()], [trace(tenant="a")]) == [("tenant", "")]


def test_each_tool_counts_once_a_trace() -> None:
    (share,) = shares([trace("fetch", "fetch", "sql")], [trace("sql")])
    assert (share.field, share.value, share.selected) == ("tools", "fetch", 1)


def test_a_field_that_selected_is_left_out() -> None:
    fields = set(EXPLAINING) - {"outcome"}
    assert shares([trace(outcome="error")], [trace(outcome="success")], fields=fields) == []


def test_no_more_are_told_than_anybody_reads() -> None:
    selected = [trace(tenant=f"t-{number}") for number in range(2 * MOST)]
    assert len(shares(selected, [trace(tenant="other")])) == MOST


@pytest.mark.parametrize("side", [([], [trace()]), ([trace()], []), ([], [])])
def test_without_two_sides_nothing_differs(
    side: tuple[list[TraceSummary], list[TraceSummary]],
) -> None:
    assert shares(*side) == []
