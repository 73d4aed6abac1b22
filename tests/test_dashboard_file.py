"""Dashboards as files: what goes out comes in the same, and nothing of a broken file is taken."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sqlalchemy import Engine
from sqlmodel import Session

from alerts.rulecode.complaints import RuleCodeError
from app import dashboard_file, dashboards
from tests.memory_source import NOON

SCHEMA = Path(__file__).parent.parent / "docs/dashboards.schema.json"
FILE = """\
version: 1
dashboards:
  - title: Checkout bot
    owner: Ada Lovelace
    purpose: Is it well?
    variables: [feature, tenant]
    panels:
      - signals: [latency_p50, latency_p95, latency_p99]
        width: full
        slo: true
      - title: Queue
        kind: steps
        promql: sum(queue_depth{feature=~"$feature"})
        unit: count
        threshold: 200
      - title: Slow calls
        kind: area
        by: [tenant]
        measure:
          aggregate: ratio
          where: [kind = llm]
          part: [duration_ms > 8000]
  - title: Second
    owner: Grace
    panels:
      - {kind: stat, signals: [approval_queue_depth]}
"""


def taken(session: Session, text: str) -> list[str]:
    return [one.what for one in dashboard_file.take(session, text, by="ana", now=NOON)]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    found = jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(text))
    return [error.message for error in found]


def test_what_is_taken_goes_out_and_comes_in_unchanged(db: Engine) -> None:
    with Session(db) as session:
        assert taken(session, FILE) == ["new", "new"]
        written = dashboard_file.dump(dashboards.every(session))

        assert taken(session, written) == ["unchanged", "unchanged"]
        assert dashboard_file.dump(dashboards.every(session)) == written
    panels = yaml.safe_load(written)["dashboards"][0]["panels"]
    expected = yaml.safe_load(FILE)["dashboards"][0]["panels"]
    assert panels[1] == expected[1] | {"unit": "count"}
    assert panels[2] == expected[2]


def test_a_dashboard_that_is_here_changes_and_keeps_its_owner(db: Engine) -> None:
    with Session(db) as session:
        taken(session, FILE)
        changed = FILE.replace("threshold: 200", "threshold: 300").replace("Ada Lovelace", "Ben")

        first, second = dashboard_file.take(session, changed, by="ana", now=NOON)

        row = dashboards.known(session, "checkout-bot")
    assert (first.what, second.what) == ("changed", "unchanged")
    assert [str(one) for one in first.differences] == ["panels.Queue.threshold: 200.0 -> 300.0"]
    assert "Ada Lovelace stays its owner" in first.note
    assert (row.owner, row.version) == ("Ada Lovelace", 2)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("kind: area", "kind: pie", "line 17: dashboard 'Checkout bot': panel 3, kind: 'pie'"),
        (
            "    purpose:",
            "    porpoise:",
            "line 5: dashboard 'Checkout bot': porpoise: there is no",
        ),
        (
            "        width:",
            "        with:",
            "line 9: dashboard 'Checkout bot': panel 1, with: there",
        ),
        ("[kind = llm]", "[colour = red]", "line 21: dashboard 'Checkout bot': panel 3, measure"),
        ("latency_p50, ", "latency_p42, ", "line 8: dashboard 'Checkout bot': panel 1, signals"),
        ("    owner: Grace\n", "", "line 23: dashboard 'Second': owner: Field required"),
        ("title: Second", "title: checkout BOT", "line 23: dashboard 'checkout BOT' is there more"),
        ("title: Second", "title: '!!!'", "line 23: dashboard '!!!': The title needs a letter"),
        ("version: 1", "version: 2", "line 1: not a dashboard file"),
        ("dashboards:", "dashboard:", "has no field 'dashboard'"),
        ("purpose: Is it well?", "owner: Ben", "line 5: 'owner' is there twice: first on line 4"),
        ("[feature, tenant]", "[colour]", "line 6: dashboard 'Checkout bot': nobody can choose"),
        ("purpose: Is it well?", "purpose: [", "not YAML"),
    ],
)
def test_a_broken_file_says_where_and_why(before: str, after: str, said: str) -> None:
    with pytest.raises(RuleCodeError) as refused:
        dashboard_file.read(FILE.replace(before, after, 1))

    assert any(said in str(one) for one in refused.value.complaints), refused.value.complaints


def test_nothing_is_taken_of_a_file_that_is_broken_at_its_end(db: Engine) -> None:
    with Session(db) as session:
        with pytest.raises(RuleCodeError):
            taken(session, FILE.replace("approval_queue_depth", "gone"))

        assert dashboards.every(session) == []


def test_every_thing_that_is_wrong_is_said_at_once() -> None:
    text = FILE.replace("kind: area", "kind: pie").replace("slo: true", "sloe: true")

    with pytest.raises(RuleCodeError) as refused:
        dashboard_file.read(text)

    assert [one.line for one in refused.value.complaints] == [10, 17]


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(RuleCodeError, match="larger than 1 MB"):
        dashboard_file.read("a" * 1_000_001)


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text() == dashboard_file.json_schema(), "run python -m scripts.schema"


def test_a_file_that_is_taken_fits_the_schema(schema: dict[str, Any]) -> None:
    assert complaints(schema, FILE) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: area", "kind: pie"),
        ("width: full", "with: full"),
        ("width: full", "width: wide"),
        ("version: 1", "version: 2"),
        ("    owner: Grace\n", ""),
        ("aggregate: ratio", "aggregate: average"),
    ],
)
def test_a_typo_does_not_fit_the_schema(schema: dict[str, Any], before: str, after: str) -> None:
    assert complaints(schema, FILE.replace(before, after)) != []
