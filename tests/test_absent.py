"""Why a trace is not to be seen: one sentence for each reason."""

from datetime import timedelta
from typing import Any

import pytest

from app.absent import SAMPLED, SAMPLED_OUT, reasons
from signals.traces import Abilities
from signals.traces.several import Finding, State
from tests.spans import NOON

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def finding(state: State = State.NOTHING, error: str = "", **abilities: Any) -> Finding[Any]:
    return Finding(store="tempo", state=state, error=error, abilities=Abilities(**abilities))


def said(one: Finding[Any], ago: timedelta | None = None) -> str:
    return "\n".join(reasons([one], logged_at=NOON - ago if ago else None, now=NOON))


@pytest.mark.parametrize(
    ("one", "ago", "sentence"),
    [
        (finding(retention=7 * DAY), None, "keeps traces for 7 d, and drops older ones"),
        (
            finding(retention=7 * DAY),
            8 * DAY,
            "It has expired in the store “tempo”, which keeps traces for 7 d",
        ),
        (finding(retention=7 * DAY), DAY, "it has not expired"),
        (finding(), None, "does not say how long it keeps traces"),
        (finding(), 8 * DAY, "does not say how long it keeps traces"),
        (finding(lag=MINUTE), None, "up to 1 min behind: it may not have come yet"),
        (finding(lag=MINUTE), MINUTE, "it may not have come yet"),
        (finding(lag=MINUTE), 5 * MINUTE, "so that it should have come by now"),
        (finding(), None, "as soon as it has taken them"),
        (finding(State.FAILED, "no answer within 12 s"), None, "no answer within 12 s."),
        (finding(State.SEARCHING), None, "The store “tempo” is still searching."),
        (finding(), DAY, "The request took place"),
        (finding(), None, SAMPLED),
    ],
)
def test_each_reason_is_a_sentence(one: Finding[Any], ago: timedelta | None, sentence: str) -> None:
    assert sentence in said(one, ago)


@pytest.mark.parametrize("state", [State.FAILED, State.SEARCHING])
def test_a_store_that_has_not_spoken_is_not_said_to_lack_it(state: State) -> None:
    assert "does not have it" not in said(finding(state, retention=DAY))
    assert SAMPLED not in said(finding(state, retention=DAY))


def test_each_store_has_its_own_reasons() -> None:
    mixed = [finding(retention=DAY), finding(State.FAILED, "refused")]
    assert len(reasons(mixed, logged_at=None, now=NOON)) == 5


def test_a_trace_that_our_own_sampling_removed_needs_no_other_reason() -> None:
    found = reasons([finding(retention=7 * DAY)], logged_at=NOON, now=NOON, sampled_out=True)
    assert found == [SAMPLED_OUT]


def test_it_may_be_in_a_store_that_nobody_asked() -> None:
    assert "only “tempo” was asked" in said(finding())
