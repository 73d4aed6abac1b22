from typing import Any

from alerts.rulecode.changes import Change, What, diff

RULE: dict[str, Any] = {
    "name": "Errors",
    "for": "5m",
    "condition": {"kind": "threshold", "signal": "error_ratio", "bound": 0.02},
    "labels": {"team": "search"},
    "enabled": True,
}


def changed(**fields: Any) -> dict[str, Any]:
    return {**RULE, **fields}


def test_a_set_that_stayed_the_same_has_no_changes() -> None:
    assert diff([RULE], [dict(RULE)]) == []


def test_each_field_says_what_it_was_and_what_it_is() -> None:
    new = changed(
        condition={**RULE["condition"], "bound": 0.05},
        labels={"owner": "ada"},
        enabled=False,
        **{"for": "10m"},
    )
    (change,) = diff([RULE], [new])
    assert str(change).splitlines() == [
        "changed 'Errors'",
        "  for: 5m -> 10m",
        "  condition.bound: 0.02 -> 0.05",
        "  labels.team: search, gone",
        "  enabled: true -> false",
        "  labels.owner: ada, new",
    ]


def test_added_and_removed_rules_are_named() -> None:
    other = changed(name="Latency", **{"for": "1m"})
    assert diff([RULE], [other]) == [
        Change(what=What.REMOVED, name="Errors"),
        Change(what=What.ADDED, name="Latency"),
    ]


def test_a_rule_that_only_changed_its_name_was_renamed() -> None:
    (change,) = diff([RULE], [changed(name="Failures")])
    assert str(change) == "renamed 'Failures' (was 'Errors')"


def test_an_empty_field_is_no_field() -> None:
    assert diff([RULE], [changed(summary="", annotations={})]) == []


def test_a_long_value_is_cut_and_stays_on_its_line() -> None:
    (change,) = diff([RULE], [changed(summary="a\nb" * 500)])
    assert len(str(change)) < 300
    assert len(str(change).splitlines()) == 2
