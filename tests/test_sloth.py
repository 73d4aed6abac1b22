import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.rulecode import promfile, sloth, slothrules
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PROMETHEUS_2_42
from alerts.rulecode.slo import Burn, expression, workbook
from tests.prometheus import program

SPEC = """
version: prometheus/v1
service: copilot
labels: {team: llm}
slos:
  - name: availability
    objective: 99.9
    description: Answers without an error.
    labels: {tier: "1"}
    sli:
      events:
        error_query: sum(rate(requests_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(requests_total[{{ .window }}]))
    alerting:
      name: CopilotErrors
      labels: {category: availability}
      annotations: {runbook: "https://runbooks.example.org/errors"}
      page_alert: {labels: {severity: critical}}
      ticket_alert: {labels: {severity: warning}, for: 10m}
"""
K8S = """
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: copilot}
spec:
  service: copilot
  slos:
    - name: latency
      objective: 99
      sli: {raw: {errorRatioQuery: "1 - avg(fast[{{.window}}])"}}
      alerting: {pageAlert: {disable: true}, ticketAlert: {disable: true}}
"""
WEEK = """
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 7d
  page:
    quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}
    slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}
"""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_a_spec_becomes_an_slo_with_ratios_and_four_windows() -> None:
    (slo,) = sloth.parse(SPEC).slos
    assert (slo.service, slo.name, slo.objective, slo.period) == (
        "copilot",
        "availability",
        0.999,
        30 * DAY,
    )
    assert slo.labels == {"team": "llm", "tier": "1"}
    page, ticket = slo.alerts
    assert page.burns == (
        Burn(long=HOUR, short=5 * MINUTE, factor=14.4),
        Burn(long=6 * HOUR, short=30 * MINUTE, factor=6),
    )
    assert ticket.burns == (
        Burn(long=DAY, short=2 * HOUR, factor=3),
        Burn(long=3 * DAY, short=6 * HOUR, factor=1),
    )
    assert (page.labels, ticket.hold) == (
        {"category": "availability", "severity": "critical"},
        10 * MINUTE,
    )


def test_a_shorter_month_burns_at_the_workbooks_own_rates() -> None:
    windows = workbook(28 * DAY)
    factors = [w.burn(windows.period).factor for w in (*windows.page, *windows.ticket)]
    assert factors == [13.44, 5.6, 2.8, 0.933333333]


def test_windows_of_the_file_itself_are_used_for_their_period() -> None:
    (slo,) = sloth.parse(f"{SPEC}---{WEEK}", period=7 * DAY).slos
    assert [burn.factor for burn in slo.alerts[0].burns] == [13.44, 3.5]


def test_a_kubernetes_spec_is_read_in_camel_case() -> None:
    (slo,) = sloth.parse(K8S).slos
    assert slo.indicator.errors(HOUR) == "(1 - avg(fast[1h]))"
    assert slo.alerts == ()


def test_several_documents_are_several_specs() -> None:
    assert [slo.name for slo in sloth.parse(f"{SPEC}---{K8S}").slos] == ["availability", "latency"]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("99.9", "0.999.9", "line 7, group 'availability': 'objective' must be a number"),
        ("99.9", "100", "an objective is a percentage between 0 and 100"),
        ("[{{ .window }}]", "[5m]", "'total_query' needs {{.window}} where its window stands"),
        ("      events:", "      plugin: {id: a/b}\n      events:", "an SLI has one of 'events', "),
        ("name: availability", "name: a b", "'a b' is no name: letters, digits"),
        ("prometheus/v1", "prometheus/v2", "no Sloth spec: its version must be 'prometheus/v1'"),
        ("      name: CopilotErrors\n", "", "alerting needs a 'name', or both its alerts disabled"),
        ("for: 10m", "for: soon", "'soon' is not a duration"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_slo(
    before: str, after: str, complaint: str
) -> None:
    with pytest.raises(RuleCodeError) as raised:
        sloth.parse(SPEC.replace(before, after))
    assert complaint in " ".join(map(str, raised.value.complaints))


def test_an_slo_that_only_sloth_can_read_is_left_out_and_the_rest_taken() -> None:
    plugin = """
  - name: other
    objective: 99
    sli: {plugin: {id: sloth-common/http, options: {a: b}}}
    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
"""
    reading = sloth.parse(SPEC + plugin, lenient=True)
    assert [slo.name for slo in reading.slos] == ["availability"]
    assert [complaint.reason for complaint in reading.complaints] == [
        "its SLI is the plugin 'sloth-common/http', which only Sloth can run"
    ]


def test_what_has_no_place_here_is_remarked_on() -> None:
    reading = sloth.parse(SPEC + "slo_plugins: {chain: []}\n")
    assert [str(remark) for remark in reading.remarks] == [
        "line 20: 'slo_plugins' of a spec is not taken"
    ]


def test_an_alert_is_one_expression_that_needs_no_recording_rule() -> None:
    (slo,) = sloth.parse(SPEC).slos
    bad, total = 'sum(rate(requests_total{code=~"5.."}[%s]))', "sum(rate(requests_total[%s]))"
    sides = [
        f"(\n({bad % window})\n/\n({total % window})\n) > ({factor} * 0.001)"
        for factor, windows in (("14.4", ("5m", "1h")), ("6", ("30m", "6h")))
        for window in windows
    ]
    assert expression(slo, slo.alerts[0]) == (
        f"({sides[0]}\nand\n{sides[1]})\nor\n({sides[2]}\nand\n{sides[3]})"
    )


def test_the_rules_for_prometheus_are_grouped_and_named_as_sloth_does() -> None:
    (slo,) = sloth.parse(SPEC).slos
    groups = slothrules.rules(slo).groups
    assert [group.name for group in groups] == [
        "sloth-slo-sli-recordings-copilot-availability",
        "sloth-slo-meta-recordings-copilot-availability",
        "sloth-slo-alerts-copilot-availability",
    ]
    windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
    assert [rule.record for rule in groups[0].rules] == [
        f"slo:sli_error:ratio_rate{window}" for window in windows
    ]
    assert [rule.record for rule in groups[1].rules] == [
        "slo:objective:ratio",
        "slo:error_budget:ratio",
        "slo:time_period:days",
        "slo:current_burn_rate:ratio",
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
        "sloth_slo_info",
    ]
    assert groups[0].rules[0].labels == {
        "sloth_id": "copilot-availability",
        "sloth_service": "copilot",
        "sloth_slo": "availability",
        "sloth_window": "5m",
        "team": "llm",
        "tier": "1",
    }


def test_a_sloth_alert_holds_both_windows_of_a_pair_against_its_factor() -> None:
    (slo,) = sloth.parse(SPEC).slos
    page = slothrules.rules(slo).groups[2].rules[0]
    ids = '{sloth_id="copilot-availability", sloth_service="copilot", sloth_slo="availability"}'
    lines = [line.strip() for line in page.expr.splitlines()]
    assert lines == [
        "(",
        f"(slo:sli_error:ratio_rate5m{ids} > (14.4 * 0.001))",
        "and ignoring (sloth_window)",
        f"(slo:sli_error:ratio_rate1h{ids} > (14.4 * 0.001))",
        ")",
        "or ignoring (sloth_window)",
        "(",
        f"(slo:sli_error:ratio_rate30m{ids} > (6 * 0.001))",
        "and ignoring (sloth_window)",
        f"(slo:sli_error:ratio_rate6h{ids} > (6 * 0.001))",
        ")",
    ]
    assert page.labels["sloth_severity"] == "page"


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    (slo,) = sloth.parse(SPEC).slos
    text = promfile.write(slothrules.rules(slo), dialect=PROMETHEUS_2_42)
    (tmp_path / "rules.yml").write_text(text)
    done = subprocess.run(
        [program("promtool"), "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SUCCESS: 17 rules found" in done.stdout, done.stderr
