import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from alerts import rulefile
from tests.test_rulefile import FILE

SCHEMA = Path(__file__).parent.parent / "docs/rules.schema.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    found = jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(text))
    return [error.message for error in found]


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text() == rulefile.json_schema(), "run python -m scripts.schema"


def test_a_file_that_is_taken_fits_the_schema(schema: dict[str, Any]) -> None:
    assert complaints(schema, FILE) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("for: 2m", "fro: 2m"),
        ("for: 2m", "for: 2 minutes"),
        ("severity: critical", "severity: awful"),
        ("version: 1", "version: 2"),
        ("kind: promql", "kind: promqll"),
        ("name: Errors", "nom: Errors"),
    ],
)
def test_a_typo_does_not_fit(schema: dict[str, Any], before: str, after: str) -> None:
    assert complaints(schema, FILE.replace(before, after)) != []
