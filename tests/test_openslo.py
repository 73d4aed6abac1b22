import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.rulecode import openslo, promfile, slothrules
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PROMETHEUS_2_42
from alerts.rulecode.slo import Burn
from tests.prometheus import program

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLO = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: answers
  labels: {team: llm, tags: [a, b]}
spec:
  description: Answers without an error.
  service: copilot
  indicatorRef: errors
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Good, target: 0.995}]
  alertPolicies:
    - alertPolicyRef: fast
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: prom, spec: {query: "sum(rate(bad[{{.window}}]))"}}}
    total: {metricSource: {type: Prometheus, spec: {query: "sum(rate(all[{{.window}}]))"}}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  alertWhenBreaching: true
  alertWhenNoData: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: someone}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec:
  description: The budget burns.
  severity: page
  condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus, connectionDetails: {url: "http://prometheus:9090"}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: copilot}
spec: {description: An assistant.}
"""


METRIC = SLO[SLO.index("  ratioMetric:") : SLO.index("---\napiVersion: openslo/v1\nkind: AlertPol")]


def without(part: str, instead: str = "") -> str:
    assert part in SLO
    return SLO.replace(part, instead, 1)


def said(text: str) -> str:
    with pytest.raises(RuleCodeError) as raised:
        openslo.parse(text)
    return " ".join(map(str, raised.value.complaints))


def test_documents_that_refer_to_each_other_become_one_slo() -> None:
    (slo,) = openslo.parse(SLO).slos
    assert (slo.service, slo.name, slo.objective, slo.period, slo.calendar) == (
        "copilot",
        "answers",
        0.995,
        28 * DAY,
        False,
    )
    assert slo.labels == {"team": "llm", "tags": "a,b"}
    assert slo.indicator.errors(HOUR) == "(sum(rate(bad[1h])))\n/\n(sum(rate(all[1h])))"


def test_an_alert_condition_is_one_window() -> None:
    (alert,) = openslo.parse(SLO).slos[0].alerts
    assert alert.burns == (Burn(long=HOUR, short=None, factor=14.4),)
    assert (alert.name, alert.severity, alert.hold) == ("fast", "page", timedelta(minutes=5))
    assert alert.alert_on_no_data is True
    assert alert.annotations == {"summary": "The budget burns."}


def test_what_has_no_place_here_is_remarked_on() -> None:
    remarks = openslo.parse(SLO).remarks
    assert [str(remark) for remark in remarks] == [
        "line 15, group 'answers': whom to notify is a policy of ours, not its targets"
    ]


def test_each_objective_is_an_slo_of_its_own() -> None:
    text = without("{displayName: Good, target: 0.995}", "{target: 0.9}, {targetPercent: 99.9}")
    assert [(slo.name, slo.objective) for slo in openslo.parse(text).slos] == [
        ("answers-1", 0.9),
        ("answers-2", 0.999),
    ]


def test_good_events_and_stored_ratios_are_turned_into_errors() -> None:
    good = openslo.parse(without("    bad:", "    good:")).slos[0]
    assert good.indicator.errors(HOUR) == "1 - ((sum(rate(bad[1h])))\n/\n(sum(rate(all[1h]))))"
    ratio = SLO[
        SLO.index("    counter: true") : SLO.index("---\napiVersion: openslo/v1\nkind: AlertP")
    ]
    raw = '    rawType: success\n    raw: {metricSource: {spec: {query: "avg(ok[{{.window}}])"}}}\n'
    (stored,) = openslo.parse(SLO.replace(ratio, raw)).slos
    assert stored.indicator.errors(HOUR) == "(1 - (avg(ok[1h])))"


def test_a_threshold_is_missed_on_the_other_side() -> None:
    metric = SLO[
        SLO.index("  ratioMetric:") : SLO.index("---\napiVersion: openslo/v1\nkind: AlertP")
    ]
    text = SLO.replace(metric, "  thresholdMetric: {metricSource: {spec: {query: p95}}}\n").replace(
        "target: 0.995", "op: lte, value: 0.8, target: 0.995"
    )
    (slo,) = openslo.parse(text).slos
    assert slo.indicator.errors(HOUR) == "(avg_over_time(((p95) > bool 0.8)[1h:]))"


def test_time_slices_are_counted_by_their_own_share_of_errors() -> None:
    text = without("Occurrences", "Timeslices").replace(
        "target: 0.995", "target: 0.995, timeSliceTarget: 0.98, timeSliceWindow: 5m"
    )
    (slo,) = openslo.parse(text).slos
    share = "(sum(rate(bad[5m])))\n/\n(sum(rate(all[5m])))"
    assert slo.indicator.errors(HOUR) == f"(avg_over_time((({share}) > bool 0.02)[1h:5m]))"


def test_a_calendar_month_is_kept_as_one() -> None:
    window = '{duration: 1M, calendar: {startTime: "2026-01-01 00:00:00", timeZone: UTC}}'
    (slo,) = openslo.parse(without("{duration: 4w, isRolling: true}", window)).slos
    assert (slo.period, slo.calendar) == (30 * DAY, True)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("openslo/v1", "openslo/v2", "line 2: apiVersion 'openslo/v2': only openslo/v1 is read"),
        ("kind: SLO", "kind: SLOO", "kind 'SLOO' is none of DataSource, SLO"),
        ("name: answers", "name: Answers!", "'Answers!' is no name"),
        ("indicatorRef: errors", "indicatorRef: x", "group 'answers': there is no SLI named"),
        ("alertPolicyRef: fast", "alertPolicyRef: x", "there is no AlertPolicy named 'x'"),
        ("conditionRef: burns", "conditionRef: x", "there is no AlertCondition named 'x'"),
        ("target: 0.995", "target: 99.5", "an objective must be between 0 and 1"),
        ("target: 0.995", "displayName: x", "is there twice"),
        ("target: 0.995", "op: lte", "an objective has one of 'target' and 'targetPercent'"),
        ("Occurrences", "RatioTimeslices", "budgeting by 'RatioTimeslices' is not known here"),
        ("duration: 4w", "duration: 4 weeks", "'duration' must be like 5m"),
        ("bad[{{.window}}]", "bad[5m]", "'bad' needs {{.window}} where its query's window stands"),
        ("type: Prometheus, spec", "type: Datadog, spec", "'total' is asked of Datadog, not of P"),
        ("{type: Prometheus, conn", "{type: CloudWatch, conn", "'bad' is asked of CloudWatch"),
        ("threshold: 14.4", "threshold: 0", "condition 'burns' needs a 'threshold' above 0"),
        ("  service: copilot\n", "", "an SLO needs a 'service'"),
        ("kind: burnrate, op: gt", "kind: burnrate, op: lt", "a burn rate alerts above, not 'lt'"),
    ],
)
def test_what_is_wrong_is_said(before: str, after: str, complaint: str) -> None:
    assert complaint in said(without(before, after))


def test_what_is_sound_is_taken_if_asked() -> None:
    other = SLO[: SLO.index("---")].replace("answers", "broken").replace("0.995", "2")
    reading = openslo.parse(f"{SLO}---{other}", lenient=True)
    assert [slo.name for slo in reading.slos] == ["answers"]
    assert {complaint.group for complaint in reading.complaints} == {"broken"}


def test_promtool_accepts_every_expression(tmp_path: Path) -> None:
    sliced = without("Occurrences", "Timeslices").replace(
        "target: 0.995", "target: 0.995, timeSliceTarget: 0.98, timeSliceWindow: 5m"
    )
    (slo,) = openslo.parse(sliced).slos
    text = promfile.write(slothrules.rules(slo), dialect=PROMETHEUS_2_42)
    (tmp_path / "rules.yml").write_text(text)
    done = subprocess.run(
        [program("promtool"), "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SUCCESS" in done.stdout, done.stderr
