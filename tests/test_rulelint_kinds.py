"""What the lint says of the kinds drift, absence, budget and composite, and what it leaves."""

from typing import Any

import pytest

from alerts.rulelint import Check, itself, past, quantiles
from alerts.rulelint.past import Traffic
from signals.trust import Bucket
from tests.test_rulelint import alone, beside, rule, said
from tests.test_rulelint_past import lines, looked_back

DRIFT = {"kind": "drift", "signal": "latency_p95", "bound": 0.4}
WORSE = {"kind": "drift", "signal": "error_ratio", "measure": "absolute", "bound": 0.05}
ABSENCE = {"kind": "absence", "signal": "request_rate"}
BUDGET = {"kind": "budget", "amount_usd": 50.0}


def of(*rules: str, needed: str = "all") -> dict[str, Any]:
    return {"kind": "composite", "needed": needed, "rules": list(rules)}


@pytest.mark.parametrize(
    ("condition", "never"),
    [
        (DRIFT, False),
        (DRIFT | {"bound": 5.0}, False),
        (DRIFT | {"comparison": "below", "bound": 0.99}, False),
        (DRIFT | {"comparison": "below", "bound": 1.0}, True),
        (WORSE, False),
        (WORSE | {"bound": 1.0}, True),
        (WORSE | {"signal": "eval_score", "bound": 99.0}, False),
        (WORSE | {"signal": "eval_score", "bound": 100.0}, True),
        (WORSE | {"signal": "latency_p95", "bound": 1000.0}, False),
    ],
)
def test_a_change_for_which_there_is_no_room_never_fires(
    condition: dict[str, Any], never: bool
) -> None:
    assert bool(alone(condition, Check.NEVER_FIRES)) is never


@pytest.mark.parametrize(("requests", "found"), [(0, True), (1, False)])
def test_a_baseline_of_any_size_is_an_anecdote(requests: int, found: bool) -> None:
    condition = DRIFT | {"baseline_requests": requests}
    assert bool(alone(condition, Check.LITTLE_TRAFFIC)) is found


@pytest.mark.parametrize(
    ("condition", "n", "check", "found"),
    [
        (WORSE, 19, Check.ONE_FAILURE, True),
        (WORSE, 20, Check.ONE_FAILURE, False),
        (DRIFT, 19, Check.LITTLE_TRAFFIC, True),
        (DRIFT, 20, Check.LITTLE_TRAFFIC, False),
        (ABSENCE, 4.9, Check.LITTLE_TRAFFIC, True),
        (ABSENCE, 5, Check.LITTLE_TRAFFIC, False),
        (BUDGET, 1, Check.LITTLE_TRAFFIC, False),
        (of("a", "b"), 1, Check.LITTLE_TRAFFIC, False),
    ],
)
def test_too_little_traffic_is_what_the_kind_cannot_do_without(
    condition: dict[str, Any], n: float, check: Check, found: bool
) -> None:
    one = rule(condition)
    traffic = {window: Traffic(labels={}, n=n) for window in past.windows(one.condition)}
    assert bool(said(past.by_traffic(one, traffic), check)) is found


def test_a_lull_that_pages_says_how_usual_it_is() -> None:
    one = rule(ABSENCE)
    traffic = {past.windows(one.condition)[0]: Traffic(labels={"tenant": "acme"}, n=2)}
    assert said(past.by_traffic(one, traffic), Check.LITTLE_TRAFFIC) == (
        "warning: A lull pages for tenant = acme: when it is quiet there are about 2 requests in "
        "10 min, so that none at all is nothing unusual. Lengthen the window to 30 min, or watch "
        "more traffic at once."
    )


@pytest.mark.parametrize(("amount", "grade"), [(2.0, "hint"), (400.0, "warning")])
def test_an_amount_that_nobody_ever_spent_is_found(amount: float, grade: str) -> None:
    one, drawn = rule(BUDGET | {"amount_usd": amount}), lines([0.5, 1.0, 0.8])
    found = said(past.in_hindsight(one, looked_back(one, drawn), drawn), Check.UNSEEN)
    assert found.startswith(f"{grade}: Nothing reached it")


@pytest.mark.parametrize(
    ("bound", "counts", "found"),
    [
        (0.4, (0, 0, 99, 100, 100), "lies between 2 s and 5 s"),  # 40 % of 5 s is 2 s
        (0.4, (0, 99, 100, 100, 100), "lies between 1 s and 2 s"),
        (0.7, (0, 0, 99, 100, 100), ""),
        (0.4, (99, 100, 100, 100, 100), "and 1 s, which is one bucket"),
        (0.4, (0, 0, 0, 0, 100), "lies beyond the histogram's last bucket"),
        (0.4, (0, 0, 0, 0, 0), ""),
    ],
)
def test_a_change_within_one_bucket_cannot_be_told(
    bound: float, counts: tuple[float, ...], found: str
) -> None:
    uppers = (1.0, 2.0, 5.0, 6.0, float("inf"))
    buckets = [Bucket(upper=u, count=c) for u, c in zip(uppers, counts, strict=True)]
    condition = rule(DRIFT | {"bound": bound}).condition
    told = said(quantiles.by_buckets(condition, buckets), Check.QUANTILE)
    assert (found in told) if found else told == ""


DEAD = rule({"kind": "threshold", "signal": "error_ratio", "bound": 1.0}, name="dead")
WELL = rule(name="well")
OFF = rule(DRIFT, name="off", enabled=False)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (of("well", "dead"), "for 'dead' never does"),
        (of("well", "dead", needed="any"), ""),
        (of("dead", needed="any"), "for 'dead' never does"),
        (of("well", "off"), "while 'off' is switched off"),
    ],
)
def test_a_composite_of_what_cannot_fire_is_found(condition: dict[str, Any], found: str) -> None:
    told = said(beside(rule(condition), WELL, DEAD, OFF), Check.NEVER_FIRES)
    assert (found in told) if found else told == ""


def test_a_composite_of_one_rule_is_that_rule() -> None:
    assert said(beside(rule(of("well")), WELL), Check.DUPLICATE).startswith("hint: It fires when")
    assert not said(beside(rule(of("well", "off")), WELL, OFF), Check.DUPLICATE)


@pytest.mark.parametrize("condition", [DRIFT, ABSENCE, BUDGET, of("well", "off")])
def test_a_sound_rule_of_any_kind_has_no_finding(condition: dict[str, Any]) -> None:
    assert itself.findings(rule(condition)) == []


def test_promql_split_by_request_has_no_end() -> None:
    condition = {
        "kind": "promql",
        "expression": "sum by (user_id) (rate(errors_total[5m])) > 1",
    }
    assert alone(condition, Check.CARDINALITY).startswith("warning: One alert for each user_id")
