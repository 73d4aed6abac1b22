"""Each finding of the rule lint: an example that it finds, and a counterexample that it leaves."""

from collections.abc import Sequence
from typing import Any

import pytest

from alerts.ruledraft import RuleDraft
from alerts.rulelint import Check, Finding, Grade, asked, in_order, itself
from alerts.rulelint.among import Others
from alerts.rulelint.asked import Known
from signals.promql_names import names

ERRORS = {"kind": "threshold", "signal": "error_ratio", "bound": 0.03}
LATENCY = {"kind": "threshold", "signal": "latency_p95", "bound": 8.0}
PAGES = {"kind": "burn_rate", "signal": "error_ratio", "objective": 0.99}
PROMQL = {"kind": "promql", "expression": "up == 0"}


def rule(condition: dict[str, Any] = ERRORS, **fields: Any) -> RuleDraft:
    """Return a rule without any fault of its own."""
    sound = {
        "name": "One",
        "owner": "ada",
        "policy": "p",
        "severity": "critical",
        "runbook_url": "https://example.org/runbook",
        "condition": condition,
    }
    return RuleDraft.model_validate(sound | fields)


def said(findings: Sequence[Finding], check: Check) -> str:
    """Return grade and sentence of the only finding of that check; empty if there is none."""
    found = [str(one) for one in findings if one.check is check]
    assert len(found) <= 1
    return found[0] if found else ""


def alone(condition: dict[str, Any], check: Check, **fields: Any) -> str:
    return said(itself.findings(rule(condition, **fields)), check)


# The rule alone


@pytest.mark.parametrize(
    ("objective", "never"), [(0.9, True), (0.93, True), (0.9306, False), (0.999, False)]
)
def test_a_page_that_a_total_outage_cannot_reach_never_fires(objective: float, never: bool) -> None:
    window = {"long": "1h", "short": "5m", "factor": 14.4}
    condition = PAGES | {"objective": objective, "windows": [window]}
    assert bool(alone(condition, Check.NEVER_FIRES)) is never


def test_what_never_fires_says_what_would() -> None:
    window = {"long": "1h", "short": "5m", "factor": 14.4}
    condition = PAGES | {"objective": 0.93, "windows": [window]}
    assert alone(condition, Check.NEVER_FIRES) == (
        "error: It can never fire, not even when every request fails: 14.4 times a budget of 7 % "
        "is 101 % of them. Lower the factor to 14.2 or less, or raise the objective."
    )


def test_one_pair_of_windows_that_never_fires_is_named() -> None:
    found = alone(PAGES | {"objective": 0.93}, Check.NEVER_FIRES)
    assert found.startswith("warning: Over 1 h and 5 min it can never fire")


@pytest.mark.parametrize("objective", [0.9, 0.93, 0.95, 0.5, 0.1])
def test_the_factor_that_is_advised_can_fire(objective: float) -> None:
    window = {"long": "1h", "short": "5m", "factor": 60}
    advice = alone(PAGES | {"objective": objective, "windows": [window]}, Check.NEVER_FIRES)
    factor = float(advice.partition("factor to ")[2].partition(" ")[0])
    better = PAGES | {"objective": objective, "windows": [window | {"factor": factor}]}
    assert not alone(better, Check.NEVER_FIRES)


@pytest.mark.parametrize(
    ("condition", "never", "always"),
    [
        (ERRORS | {"bound": 1.0}, True, False),
        (ERRORS | {"bound": 0.99}, False, False),
        (ERRORS | {"bound": -0.1}, False, True),
        (ERRORS | {"bound": 0.0}, False, False),
        (ERRORS | {"comparison": "below", "bound": 0.0}, True, False),
        (ERRORS | {"comparison": "below", "bound": 1.5}, False, True),
        (LATENCY | {"comparison": "below", "bound": 0.0}, True, False),
        (LATENCY | {"bound": 1e9}, False, False),
        ({"kind": "threshold", "signal": "eval_score", "bound": 100}, True, False),
        ({"kind": "threshold", "signal": "eval_score_drop", "bound": -5}, False, False),
    ],
)
def test_a_bound_outside_what_a_signal_can_be_is_found(
    condition: dict[str, Any], never: bool, always: bool
) -> None:
    found = bool(alone(condition, Check.NEVER_FIRES)), bool(alone(condition, Check.ALWAYS_FIRES))
    assert found == (never, always)


@pytest.mark.parametrize(("owner", "found"), [("-", True), ("Nobody", True), ("ada", False)])
def test_a_rule_without_an_owner_is_found(owner: str, found: bool) -> None:
    assert bool(alone(ERRORS, Check.NO_OWNER, owner=owner)) is found


@pytest.mark.parametrize(
    ("fields", "grade"),
    [
        ({"runbook_url": ""}, "warning"),
        ({"runbook_url": "", "severity": "warning"}, "hint"),
        ({"runbook_url": "", "annotations": {"runbook_url": "https://example.org"}}, ""),
        ({}, ""),
    ],
)
def test_a_rule_without_a_runbook_is_found(fields: dict[str, Any], grade: str) -> None:
    assert alone(ERRORS, Check.NO_RUNBOOK, **fields).partition(":")[0] == grade


@pytest.mark.parametrize(
    ("by", "found"), [("trace.id", True), ("user_id", True), ("feature", False)]
)
def test_a_split_by_what_has_no_end_is_found(by: str, found: bool) -> None:
    assert bool(alone(ERRORS | {"by": [by]}, Check.CARDINALITY)) is found


# Beside the others


def beside(one: RuleDraft, *others: RuleDraft) -> list[Finding]:
    return Others((other.name, other) for other in (one, *others)).findings(one, one.name)


def test_the_same_condition_twice_is_found() -> None:
    found = said(beside(rule(), rule(name="Other")), Check.DUPLICATE)
    assert found.startswith("warning: The rule 'Other' watches exactly the same")


def test_the_same_promql_in_other_spaces_is_found() -> None:
    spaced = rule({"kind": "promql", "expression": "up  ==\n0"}, name="Other")
    assert said(beside(rule(PROMQL), spaced), Check.DUPLICATE)


def test_the_same_condition_with_another_patience_is_a_hint() -> None:
    found = said(beside(rule(), rule(name="Other", hold="5m")), Check.DUPLICATE)
    assert found.startswith("hint: ")
    assert "only waits 5 min" in found


@pytest.mark.parametrize(
    "other",
    [
        rule(ERRORS | {"bound": 0.04}, name="Other"),
        rule(ERRORS | {"by": ["feature"]}, name="Other"),
        rule(name="Other", enabled=False),
    ],
)
def test_another_condition_or_one_that_is_off_is_no_duplicate(other: RuleDraft) -> None:
    assert not said(beside(rule(), other), Check.DUPLICATE)


def slo(feature: str, **fields: Any) -> RuleDraft:
    return rule(PAGES | {"scope": {"feature": feature}}, name=feature, **fields)


def test_a_fifth_slo_of_an_owner_is_found() -> None:
    found = said(beside(slo("e"), *map(slo, "abcd")), Check.TOO_MANY_SLOS)
    assert found.startswith("warning: ada has 4 SLOs already")


@pytest.mark.parametrize(
    ("one", "others"),
    [
        (slo("d"), [slo(name) for name in "abc"]),
        (slo("e", owner="eve"), [slo(name) for name in "abcd"]),
        (slo("a").model_copy(update={"name": "ticket"}), [slo(name) for name in "abcd"]),
        (slo("e"), [slo("d", enabled=False), *map(slo, "abc")]),
        (rule(), [slo(name) for name in "abcd"]),
    ],
    ids=["a fourth", "of another owner", "a second rule of an SLO", "one is off", "no SLO"],
)
def test_what_is_no_fifth_slo_of_the_owner_is_left(one: RuleDraft, others: list[RuleDraft]) -> None:
    assert not said(beside(one, *others), Check.TOO_MANY_SLOS)


# In PromQL


METRICS = frozenset({"llm_requests_total", "llm_cost_usd_total", "up"})
LABELS = {"llm_requests_total": frozenset({"__name__", "feature", "outcome"})}


def unknown(expression: str) -> list[str]:
    known = Known(metrics=METRICS, labels=LABELS)
    return [one.sentence for one in asked.names(names(expression), known)]


def test_a_metric_that_the_server_does_not_have_finds_its_neighbour() -> None:
    assert unknown("rate(llm_request_total[5m]) > 1") == [
        "The server has had no metric llm_request_total in the last week: did you mean "
        "llm_requests_total?"
    ]


def test_a_label_that_a_metric_does_not_have_is_found() -> None:
    assert unknown('sum by (feature) (llm_requests_total{outcom="error"})') == [
        "llm_requests_total has no label outcom: did you mean outcome?"
    ]


def test_a_group_by_a_label_that_is_not_there_is_found() -> None:
    assert unknown("sum by (tenant) (llm_requests_total)") == [
        "llm_requests_total has no label tenant: it has feature, outcome."
    ]


@pytest.mark.parametrize(
    "expression",
    [
        'sum by (feature) (rate(llm_requests_total{outcome="error"}[5m])) > 1',
        "sum by (tenant) (up)",
        'sum by (t) (label_replace(llm_requests_total, "t", "$1", "feature", "(.*)"))',
        'llm_requests_total{tenant!="x"}',
        "vector(time()) % 20 < 10",
    ],
    ids=["known", "labels not told", "a label made", "holds without it", "no metric"],
)
def test_names_that_are_there_or_cannot_be_known_are_left(expression: str) -> None:
    assert unknown(expression) == []


def test_what_the_parser_complains_of_is_an_error() -> None:
    assert said(asked.syntax("parse error: unexpected end of input"), Check.SYNTAX) == (
        "error: It is refused, so it is never evaluated: parse error: unexpected end of input. "
        "Mend the expression."
    )
    assert asked.syntax("") == []


def test_the_surest_findings_come_first() -> None:
    one = rule(ERRORS | {"bound": 1.0}, owner="-", runbook_url="", severity="info")
    grades = [found.grade for found in in_order(reversed(itself.findings(one)))]
    assert grades == [Grade.ERROR, Grade.WARNING, Grade.HINT]


def test_that_nothing_reached_what_nothing_can_is_not_said_twice() -> None:
    unseen = Finding(check=Check.UNSEEN, grade=Grade.HINT, sentence="Nothing reached it.")
    never = Finding(check=Check.QUANTILE, grade=Grade.ERROR, sentence="It can never fire.")
    assert in_order([unseen, never]) == [never]
    assert in_order([unseen]) == [unseen]
