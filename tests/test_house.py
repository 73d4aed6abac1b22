"""The rules of the house, kept by machine."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from alerts import channels, decision
from alerts.settings import Settings
from alerts.wired_channels import usable_channels
from models.tables import Alert, Group, SQLModel
from signals.catalog import CATALOG
from signals.packs import PACKS, Pack
from signals.units import render

ROOT = Path(__file__).parent.parent
DOCS = ("README.md", "ARCHITECTURE.md")


@pytest.mark.parametrize(
    ("names", "row"),
    [(decision.LIFECYCLE, Alert), (decision.CURSOR, Group), (decision.STANDING, Group)],
)
def test_rows_carry_what_the_core_knows(names: set[str], row: type[SQLModel]) -> None:
    assert names <= set(row.model_fields)


def test_every_time_is_stored_with_its_zone() -> None:
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if "DateTime" in repr(column.type):
                assert repr(column.type) == "UTCDateTime()", f"{table}.{column.name}"


@pytest.mark.parametrize("document", DOCS)
def test_what_the_documents_name_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    named = re.findall(r"`((?:tests|docs|examples|signals|alerts|app|models)/[\w/.-]+)`", text)
    linked = re.findall(r"\]\(((?!https?:)[^)#]+)\)", text)
    missing = [path for path in {*named, *linked} if not (ROOT / path).exists()]
    assert missing == []


def test_every_channel_kind_can_be_told_or_looked_up_once_set_up(sqlite_db: Engine) -> None:
    settings = Settings(
        slack_bot_token="xoxb-1",
        pagerduty_routing_key="k" * 32,
        pagerduty_api_token="t",
        apprise_urls="mail=mailto://user:password@example.com",
    )
    usable = usable_channels(settings, sqlite_db)
    kinds = {*channels.KINDS, *channels.FOLLOWING}
    assert {*usable.notifiers, *usable.directories} == kinds


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_every_golden_signal_has_its_promql_or_what_would_give_it(pack: Pack) -> None:
    about_the_application = {signal.name for signal in CATALOG.values() if not signal.own}
    assert {*pack.signals, *pack.without} == about_the_application


def test_every_bound_of_the_catalog_can_be_read_aloud() -> None:
    for signal in CATALOG.values():
        if signal.breach:
            assert render(signal.breach.bound, signal.unit)


def test_no_source_file_has_grown_past_reading() -> None:
    rooms = ("app", "alerts", "signals", "models", "examples", "bench", "scripts")
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in files
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > 350
    ]
    assert long == []
