from datetime import timedelta

import pytest

from alerts.conditions import Promql
from alerts.datastates import DataStates
from alerts.rulecode import openslo, promreading, sloth
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.taken import RECORDING, Defaults, Taken, from_slos, to_drafts
from alerts.ruledraft import RuleDraft
from models.vocabulary import Severity
from tests import made_rules
from tests.test_openslo import SLO
from tests.test_sloth import SPEC

DEFAULTS = Defaults(owner="ada", policy="standard")
FILE = """
groups:
  - name: llm
    interval: 1m
    limit: 5
    labels: {dc: eu}
    rules:
      - alert: Errors
        expr: sum(rate(errors[5m])) > 0.02
        for: 10m
        keep_firing_for: 5m
        labels: {severity: page, team: search}
        annotations:
          summary: "{{ $value | humanizePercentage }} fail"
          runbook_url: https://runbooks.example.org/errors
      - record: errors:rate5m
        expr: sum(rate(errors[5m]))
"""


def taken(text: str) -> list[Taken]:
    return to_drafts(promreading.parse(text).file, DEFAULTS)


def named(*rules: tuple[str, str, str]) -> list[str]:
    """Return the names that alerts get, each given by name, severity and group."""
    groups: dict[str, list[PromRule]] = {}
    for name, severity, group in rules:
        labels = {"severity": severity} if severity else {}
        groups.setdefault(group, []).append(PromRule(alert=name, expr="up", labels=labels))
    file = PromFile(groups=tuple(PromGroup(name=n, rules=tuple(r)) for n, r in groups.items()))
    return [one.name for one in to_drafts(file, DEFAULTS)]


def test_an_alert_becomes_a_draft_that_the_rulebook_takes() -> None:
    draft = RuleDraft.model_validate(taken(FILE)[0].draft)
    assert draft.condition == Promql(expression="sum(rate(errors[5m])) > 0.02")
    assert (draft.name, draft.owner, draft.policy) == ("Errors", "search", "standard")
    assert (draft.severity, draft.data_states) == (Severity.CRITICAL, DataStates())
    assert (draft.hold, draft.keep_firing) == (timedelta(minutes=10), timedelta(minutes=5))
    assert draft.interval == timedelta(minutes=1)
    assert draft.annotations["summary"] == "{{ $value | humanizePercentage }} fail"
    assert draft.summary == ""
    assert draft.runbook_url == "https://runbooks.example.org/errors"
    assert draft.labels == {"dc": "eu", "severity": "page", "team": "search"}


def test_a_recording_rule_is_not_taken_and_says_why() -> None:
    record = taken(FILE)[1]
    assert (record.name, record.complaint, record.draft) == ("errors:rate5m", RECORDING, {})


def test_what_works_differently_here_is_noted() -> None:
    text = FILE.replace("page", "sev0").replace("https://", "wiki:")
    assert taken(text)[0].notes == (
        "severity 'sev0' is none of ours: warning is taken",
        "runbook 'wiki:runbooks.example.org/errors' is no link",
        "the group's limit of 5 alerts is not applied",
    )


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("severity: page", Severity.CRITICAL),
        ("severity: Critical", Severity.CRITICAL),
        ("severity: error", Severity.ERROR),
        ("severity: ticket", Severity.WARNING),
        ("severity: warning", Severity.WARNING),
        ("severity: info", Severity.INFO),
        ("priority: P1", Severity.CRITICAL),
        ("other: x", Severity.WARNING),
    ],
)
def test_a_severity_is_found_in_the_labels(text: str, severity: Severity) -> None:
    assert taken(FILE.replace("severity: page", text))[0].draft["severity"] == severity


def test_an_owner_is_found_in_the_labels_or_given() -> None:
    assert taken(FILE.replace("team: search", "owner: bob"))[0].draft["owner"] == "bob"
    assert taken(FILE.replace("team: search", "x: y"))[0].draft["owner"] == "ada"


@pytest.mark.parametrize(
    ("alert", "name"),
    [("a" * 121, "a" * 80), (" a\n b", "a b"), ("\x07", "unnamed"), ("é🎉", "é🎉")],
)
def test_a_name_that_fits_no_page_is_made_to_fit_beside_the_files_own(
    alert: str, name: str
) -> None:
    file = PromFile(groups=(PromGroup(name="g", rules=(PromRule(alert=alert, expr="up"),)),))
    (one,) = to_drafts(file, DEFAULTS)
    assert (one.name, one.draft["alertname"]) == (name, alert)
    RuleDraft.model_validate(one.draft)


@pytest.mark.parametrize(
    ("interval", "every"), [("100ms", "1s"), ("1500ms", "2s"), ("30d", "1d"), ("1m", "1m")]
)
def test_a_group_is_evaluated_as_often_as_can_be_and_says_so(interval: str, every: str) -> None:
    (one, _) = taken(FILE.replace("interval: 1m", f"interval: {interval}"))
    assert one.draft["interval"] == every
    assert (f"evaluated every {every}" in one.notes) is (interval != every)


def test_names_of_the_same_alert_are_told_apart_by_severity_group_or_number() -> None:
    assert named(("A", "page", "g"), ("B", "page", "g")) == ["A", "B"]
    assert named(("A", "page", "g"), ("A", "ticket", "g")) == ["A (page)", "A (ticket)"]
    assert named(("A", "page", "g"), ("A", "page", "h")) == ["A (g)", "A (h)"]
    assert named(("A", "", "g"), ("A", "", "g")) == ["A (g)", "A (g) 2"]
    assert len(set(named(("A", "x", "g"), ("A", "y", "g"), ("A (x)", "", "h")))) == 3


def test_an_slo_becomes_a_draft_for_each_of_its_alerts() -> None:
    found = from_slos(sloth.parse(SPEC).slos, DEFAULTS)
    drafts = [RuleDraft.model_validate(one.draft) for one in found]
    assert [draft.name for draft in drafts] == [
        "CopilotErrors (critical)",
        "CopilotErrors (warning)",
    ]
    assert [draft.severity for draft in drafts] == [Severity.CRITICAL, Severity.WARNING]
    assert drafts[0].labels["slo"] == "availability"
    assert drafts[0].runbook_url == "https://runbooks.example.org/errors"


def test_an_slo_that_alerts_on_silence_is_told_that_this_takes_a_rule_of_its_own() -> None:
    (one,) = from_slos(openslo.parse(SLO).slos, DEFAULTS)
    assert RuleDraft.model_validate(one.draft).summary == "The budget burns."
    assert any("add an absence rule" in note for note in one.notes)


def test_every_draft_is_one_that_the_rulebook_takes_under_a_name_of_its_own() -> None:
    for file in made_rules.some_files():
        drafts = [RuleDraft.model_validate(t.draft) for t in to_drafts(file, DEFAULTS) if t.draft]
        names = [draft.name for draft in drafts]
        assert len(names) == len(set(names))
