from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import inbox, intake, policies, rulebook, rulefile
from alerts.rulecode.complaints import RuleCodeError
from models.database import read_only

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = """
version: 1
policies:
  - name: standard
    repeat: 1
    steps:
      - {after: 0s, channels: ["slack:#llm-alerts"]}
      - {after: 1h30m, channels: ["pagerduty:default", "person:ada@example.org"]}
rules:
  - name: Errors
    owner: ada
    severity: critical
    condition: {kind: threshold, signal: error_ratio, bound: 0.03, window: 5m, scope: {feature: a}}
    for: 2m
    policy: standard
  - name: Budget
    owner: bob
    condition: {kind: burn_rate, signal: error_ratio, objective: 0.99}
    policy: standard
  - name: Raw
    owner: bob
    condition: {kind: promql, expression: "up == 0"}
    labels: {team: search}
    policy: standard
  - name: Slower
    owner: bob
    condition: {kind: drift, signal: latency_p95, bound: 0.4, offset: 1d, baseline_requests: 50}
    policy: standard
  - name: Dear
    owner: bob
    condition: {kind: budget, amount_usd: 50, pace: 1h, scope: {tenant: acme}}
    policy: standard
  - name: Gone
    owner: bob
    condition: {kind: absence, signal: request_rate, by: [tenant], window: 1h, seen_within: 7d}
    policy: standard
"""


def test_what_is_exported_imports_to_the_same(db: Engine) -> None:
    intake.load(db, FILE, by="ada", now=NOW)
    with Session(read_only(db)) as session:
        first = rulefile.dump(session)
    intake.load(db, first, by="ada", now=NOW)
    with Session(read_only(db)) as session:
        assert rulefile.dump(session) == first
    written, read = rulefile.parse(FILE), rulefile.parse(first)
    assert read.policies == written.policies
    assert read.rules == sorted(written.rules, key=lambda rule: rule.name)


def test_importing_twice_makes_nothing_twice(db: Engine) -> None:
    intake.load(db, FILE, by="ada", now=NOW)
    intake.load(db, FILE, by="ada", now=NOW)
    with Session(read_only(db)) as session:
        assert (len(rulebook.rules(session)), len(policies.policies(session))) == (6, 1)
        assert inbox.firing_now(session) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("a: [", "not YAML", id="broken YAML"),
        pytest.param("- a", "must start with `version: 1`", id="a list"),
        pytest.param("version: 2", "version", id="another version"),
        pytest.param(
            FILE.replace("for: 2m", "fro: 2m"),
            "line 14, rule 1 (Errors): fro: Extra inputs",
            id="typo",
        ),
        pytest.param(FILE.replace("5m", "5 minutes"), "is not a duration", id="duration"),
        pytest.param(FILE.replace("error_ratio", "vibes"), "no signal 'vibes'", id="signal"),
        pytest.param(FILE.replace("0.99", "99"), "less than 1", id="percent for a ratio"),
        pytest.param(FILE.replace("slack:#llm-alerts", "sms:1"), "not a channel", id="channel"),
        pytest.param(
            FILE.replace("policy: standard", "policy: x"), "no policy named 'x'", id="policy"
        ),
        pytest.param(FILE.replace("name: Raw", "name: Errors"), "more than once", id="twice"),
        pytest.param("version: 1\nx: " + "a" * 5_000_001, "larger than 5 MB", id="huge"),
        pytest.param("version: 1\nx: " + "[" * 3000, "nested more than 50 deep", id="deep"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_whole(
    sqlite_db: Engine, text: str, complaint: str
) -> None:
    with pytest.raises(RuleCodeError) as raised:
        intake.load(sqlite_db, text, by="ada", now=NOW)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
    with Session(read_only(sqlite_db)) as session:
        assert rulebook.rules(session) == []
