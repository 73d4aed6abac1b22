import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.rulecode import templates
from alerts.rulecode.gotemplate.literals import unquote
from alerts.rulecode.templates import Firing
from tests.made_templates import Maker
from tests.prometheus import program

LABELS = {"__name__": "up", "job": "x", "instance": "h.example.org:9"}
SEEDS = (1, 2, 3)
EACH_SEED = 400
# Go's addresses differ from run to run; promtool has no external URL; Go 1.19 cannot count.
NOT_COMPARABLE = ("0xc0", "range can't iterate", "nil pointer dereference")


def ask(expression: str) -> Sequence[tuple[Mapping[str, str], float]]:
    return [(LABELS, 1.5)] if expression == "up" else []


FIRING = Firing(
    labels=LABELS,
    value=1.5,
    now=datetime(2026, 1, 1, tzinfo=UTC),
    external_labels={"dc": "eu"},
    ask=ask,
)
TABLE = {
    "plain {text}": "plain {text}",
    "{{ $labels.job }} is {{ $value }}": "x is 1.5",
    "{{ .Labels.job }} is {{ .Value }} in {{ $externalLabels.dc }}": "x is 1.5 in eu",
    "{{ $labels.nope }}|{{ index $labels `job` }}": "|x",
    "{{ 1 }} {{ 1.0 }} {{ 1e6 }} {{ 1e-7 }}": "1 1 1e+06 1e-07",
    "{{ 'a' }} {{ 0x1F }} {{ 1_000 }} {{ true }}": "97 31 1000 true",
    "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}": "high",
    "{{ if eq $labels.job `y` }}y{{ else if eq $labels.job `x` `z` }}x{{ end }}": "x",
    "{{ with $x := $labels.job }}{{ . }}{{ $x }}{{ end }}": "xx",
    "{{ with $labels.nope }}a{{ else }}b{{ end }}": "b",
    "{{ range $k, $v := $externalLabels }}{{ $k }}={{ $v }};{{ end }}": "dc=eu;",
    "{{ range $labels }}{{ . }} {{ end }}": "up h.example.org:9 x ",
    "{{ range query `up` }}{{ .Labels.job }}:{{ .Value }}{{ end }}": "x:1.5",
    "{{ range query `none` }}x{{ else }}none{{ end }}": "none",
    "{{ range $labels }}{{ if eq . `up` }}{{ continue }}{{ end }}{{ . }}{{ break }}{{ end }}": (
        "h.example.org:9"
    ),
    "{{ query `up` | first | value }} {{ query `up` | first | label `job` }}": "1.5 x",
    "a  {{- ` b ` -}}  c": "a b c",
    "{{/* why */}}{{- /* why */ -}} x": "x",
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}": "2",
    "{{ define `t` }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template `t` (args 1 `b`) }}": "1-b",
    "{{ and 1 0 }} {{ or `` `b` }} {{ not 0 }}": "0 b true",
    "{{ len `é` }} {{ slice `abcd` 1 3 }}": "2 bc",
    "{{ lt 1 2 }} {{ le 2 2 }} {{ gt `b` `a` }}": "true true true",
    "{{ ge 1.5 2.5 }} {{ ne 1 2 }}": "false true",
    "{{ printf `%s %q %d %05.1f` `a` `b` 3 2.25 }}": 'a "b" 3 002.2',
    "{{ printf `%x %t %v %%` `z` true 1.5 }}": "7a true 1.5 %",
    "{{ printf `%d` 1.5 }} {{ printf `%s` }}": "%!d(float64=1.5) %!s(MISSING)",
    "{{ printf `` 1 }}": "%!(EXTRA int=1)",
    "{{ print 1 2 `a` 3 }} {{ println `x` 1 }}": "1 2a3 x 1\n",
    "{{ html `<b>&` }} {{ js `it's` }} {{ urlquery `a b` }}": "&lt;b&gt;&amp; it\\'s a+b",
    "{{ humanize 1234567.0 }} {{ humanize 0.012 }}": "1.235M 12m",
    "{{ humanize `1e9` }} {{ humanize 0 }}": "1G 0",
    "{{ humanize1024 1048576.0 }} {{ humanize1024 0.5 }}": "1Mi 0.5",
    "{{ humanizeDuration 93784.5 }}": "1d 2h 3m 4s",
    "{{ humanizeDuration 61 }} {{ humanizeDuration -0.012 }}": "1m 1s -12ms",
    "{{ 0.12345 | humanizePercentage }} {{ humanizePercentage `-1` }}": "12.35% -100%",
    "{{ humanizeTimestamp 1435065584.128 }}": "2015-06-23 13:19:44.128 +0000 UTC",
    "{{ (toTime 1435065584.128).Format `Mon 2 Jan 06 15:04:05.000 -0700` }}": (
        "Tue 23 Jun 15 13:19:44.128 +0000"
    ),
    "{{ (toTime `0`).Year }} {{ (toTime 0).Weekday }}": "1970 Thursday",
    "{{ toUpper `aé` }} {{ toLower `AÉ` }}": "AÉ aé",
    "{{ title `it's foo-bar_baz` }}": "It'S Foo-Bar_baz",
    "{{ match `a+` `baab` }} {{ match `^a` `ba` }}": "true false",
    "{{ reReplaceAll `(.*):(\\d+)` `$2@${1}` $labels.instance }}": "9@h.example.org",
    "{{ stripPort $labels.instance }} {{ stripPort `[::1]:80` }}": "h.example.org ::1",
    "{{ stripDomain $labels.instance }} {{ stripDomain `192.0.2.1:80` }}": "h:9 192.0.2.1:80",
    "{{ parseDuration `1h2m10ms` | printf `%.2f` }}": "3720.01",
    "{{ graphLink `up{a='b'}` }}": "/graph?g0.expr=up%7Ba%3D%27b%27%7D&g0.tab=0",
    "{{ tableLink `up` }}": "/graph?g0.expr=up&g0.tab=1",
    "{{ safeHtml `<b>` }}": "<b>",
    "{{ $externalLabels }}": "map[dc:eu]",
}


SHOWN = re.compile(
    r'alertname: A(\d+), time: 0s,.*?Annotations:\{(?:a=)?("?(?:[^"\\]|\\.)*"|)\}', re.DOTALL
)


def outcomes(folder: Path, texts: Sequence[str]) -> list[str]:
    """Return what Prometheus makes of each template, in two calls of promtool for all.

    A template that it refuses to load comes back as the reason.
    """
    rules = [rule(n, text) for n, text in enumerate(texts)]
    refused = {
        int(number): reason
        for number, reason in re.findall(
            r'"A(\d+)": annotation "a": (.*)', promtool(folder, rules, "check")
        )
    }
    loaded = [rule(n, text) for n, text in enumerate(texts) if n not in refused]
    said = promtool(folder, loaded, "test")
    found = SHOWN.findall(said)
    made = {int(number): unquote(text) if text else "" for number, text in found}
    assert len(refused) + len(made) == len(texts), said[:2000]
    return [refused.get(n) or made[n] for n in range(len(texts))]


def rule(number: int, text: str) -> dict[str, Any]:
    return {"alert": f"A{number}", "expr": "up", "annotations": {"a": text}}


def promtool(folder: Path, rules: list[dict[str, Any]], command: str) -> str:
    tests = {
        "rule_files": ["rules.yml"],
        "tests": [
            {
                "interval": "1m",
                "external_labels": {"dc": "eu"},
                "input_series": [
                    {"series": 'up{job="x",instance="h.example.org:9"}', "values": "1.5"}
                ],
                # Every alert is expected not to be there, so that promtool shows all of them.
                "alert_rule_test": [
                    {"eval_time": "0m", "alertname": r["alert"], "exp_alerts": []} for r in rules
                ],
            }
        ],
    }
    groups = {"groups": [{"name": "g", "rules": rules}]}
    for name, data in (("rules.yml", groups), ("test.yml", tests)):
        (folder / name).write_text(yaml.safe_dump(data, width=100_000), encoding="utf-8")
    asked = ["check", "rules", "rules.yml"] if command == "check" else ["test", "rules", "test.yml"]
    done = subprocess.run(
        [program("promtool"), *asked], cwd=folder, capture_output=True, check=False
    )
    return (done.stdout + done.stderr).decode("utf-8", "surrogateescape")


def ours(number: int, text: str) -> str:
    name = f"A{number}"
    return templates.check(name, text) or templates.render(name, text, FIRING)


@pytest.mark.parametrize("text", TABLE)
def test_a_template_renders(text: str) -> None:
    assert templates.render("A", text, FIRING) == TABLE[text]


def test_prometheus_renders_the_table_the_same(tmp_path: Path) -> None:
    assert outcomes(tmp_path, list(TABLE)) == list(TABLE.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_prometheus_makes_the_same_of_any_template(tmp_path: Path, seed: int) -> None:
    maker = Maker(seed)
    texts = [maker.template() for _ in range(EACH_SEED)]
    theirs = outcomes(tmp_path, texts)
    mine = [ours(number, text) for number, text in enumerate(texts)]
    differ = [
        (text, them, me)
        for text, them, me in zip(texts, theirs, mine, strict=True)
        if them != me and not any(mark in them for mark in NOT_COMPARABLE)
    ]
    assert differ == []
    assert sum("error" not in them for them in theirs) > EACH_SEED / 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ .Nope }}", "at <.Nope>: can't evaluate field Nope in type struct {"),
        ("{{ query `none` | first }}", "error calling first: first() called on vector with no ele"),
        ("{{ humanize `one` }}", 'strconv.ParseFloat: parsing "one": invalid syntax'),
        (
            "{{ reReplaceAll `(` `` `a` }}",
            "regexp: Compile(`(`): error parsing regexp: missing clo",
        ),
        ("{{ eq 1 `a` }}", "error calling eq: incompatible types for comparison"),
        ("{{ template `x` }}", 'template "x" not defined'),
        ("{{", "error parsing template __alert_A: template: __alert_A:1: unclosed action"),
        ("{{ nope }}", 'function "nope" not defined'),
    ],
)
def test_what_cannot_be_rendered_says_why_as_prometheus_does(text: str, reason: str) -> None:
    said = templates.render("A", text, FIRING)
    assert said.startswith("<error expanding template: ")
    assert reason in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ define `a` }}{{ template `a` }}{{ end }}{{ template `a` }}", "maximum template depth"),
        (
            "{{ $x := `aaaaaaaaaa` }}" + "{{ $x = print $x $x }}" * 40,
            "longer than 65536 characters",
        ),
        ("{{ printf `%1000000d` 1 }}", "longer than 65536 characters"),
        ("{{ printf `%.999999f` 1.5 }}", "longer than 65536 characters"),
        ("{{ reReplaceAll `.` $x `a` }}", "undefined variable"),
        ("{{ range $labels }}" * 50 + "x" + "{{ end }}" * 50, "steps"),
        ("{{ range 1000000000 }}x{{ end }}", "takes more than 20000 steps"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested more than 60 deep"),
        ("{{ if true }}" * 2000 + "{{ end }}" * 2000, "nested more than 60 deep"),
        ("{{ 1 }}" * 20_000, "longer than 65536 characters"),
        ("{{ match `((a{100}){100}){100}` `a` }}", "invalid repeat count"),
        ("{{ match `(x+x+)+y` `" + "x" * 5000 + "` }}", "false"),
        ("{{ reReplaceAll `` `" + "y" * 1000 + "` `" + "x" * 1000 + "` }}", "longer than 65536"),
    ],
)
def test_no_template_runs_away(text: str, reason: str) -> None:
    assert reason in templates.render("A", text, FIRING)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ now | printf `%.0f` }}", "1767225600"),
        ("{{ urlQueryEscape `a b` }}", "a+b"),
        ("{{ toDuration 3661.5 }} {{ toDuration 0.002 }}", "1h1m1.5s 2ms"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ with `` }}a{{ else with `b` }}{{ . }}{{ end }}", "b"),
        ("{{ externalURL }} {{ pathPrefix }}", "http://wakeful:9090/path /path"),
    ],
)
def test_what_newer_prometheus_adds_is_known(text: str, expected: str) -> None:
    about = replace(FIRING, external_url="http://wakeful:9090/path")
    assert templates.render("A", text, about) == expected


def test_a_query_that_nothing_answers_says_so() -> None:
    alone = Firing(labels={}, value=1, now=FIRING.now)
    assert "nothing here answers queries" in templates.render("A", "{{ query `up` }}", alone)


def test_an_alert_has_the_labels_that_prometheus_gives_it(tmp_path: Path) -> None:
    texts = {"job": "{{ $labels.nope }}", "team": "{{ $labels.job }}-team", "instance": "one"}
    mine = templates.alert_labels("A", texts, FIRING)
    assert mine == {"alertname": "A", "team": "x-team", "instance": "one"}
    said = promtool(tmp_path, [{"alert": "A", "expr": "up", "labels": texts}], "test")
    assert 'Labels:{alertname="A", instance="one", team="x-team"}' in said


def test_every_label_and_annotation_of_an_alert_is_rendered() -> None:
    texts = {"team": "{{ $labels.job }}-team", "plain": "as it is", "bad": "{{ end }}"}
    rendered = templates.render_all("A", texts, FIRING)
    assert (rendered["team"], rendered["plain"]) == ("x-team", "as it is")
    assert rendered["bad"].startswith("<error expanding template: error parsing template")
