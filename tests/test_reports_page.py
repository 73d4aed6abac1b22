"""The page of weekly reports: last week's spend, digests, the schedule, and what was sent."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import report_delivery, reports, running, spend_report
from alerts.reports import Schedule
from app import cached_reports, dashboards, report_words, wired
from models.tables import Report
from models.vocabulary import ReportKind
from tests.house import House, empty_house, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text, toasts
from tests.spans import DAY, bill, child, root
from tests.spans import opened as kept_for

__all__ = ["empty_house", "house", "house_template"]

MONDAY = NOON.date() - timedelta(days=NOON.weekday())
LAST_WEEK = MONDAY - timedelta(days=7)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cached_reports.clear()
    yield
    cached_reports.clear()


def last_week(house: House, usd: float = 3.0, **labels: Any) -> None:
    """Store a request that cost `usd` in the calendar week that is over."""
    at = NOON - timedelta(days=NOON.weekday() + 3)
    request = root(at, **labels)
    assert house.wiring.store is not None
    house.wiring.store.write([request, child(request, **bill(usd))])


def keep(house: House, kind: ReportKind = ReportKind.SPEND, *, on: bool = True) -> None:
    schedule = Schedule(channel="slack:#finance")
    reports.keep(house.wiring.db, kind, schedule, on=on, by="ana", now=house.now)


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_page_is_last_week_for_finance(empty_house: House) -> None:
    last_week(empty_house, 3.0, feature="chat")
    last_week(empty_house, 1.0, feature="search")
    page = opened("reports")
    assert metrics(page)["Spend"] == "$4.00"
    assert list(page.table[0].value["Feature"]) == ["chat", "search"]
    assert list(page.table[0].value["Share"]) == ["75.0 %", "25.0 %"]


@pytest.mark.parametrize(
    ("days", "weekday", "said"),
    [
        (
            7,
            0,
            "after its week begins, and lacks the first 8 h: set `WAKEFUL_TRACE_RETENTION_DAYS`",
        ),
        (7, 2, "lacks the first 2 d 8 h: set `WAKEFUL_TRACE_RETENTION_DAYS` to 10 or more, or to"),
        (8, 0, ""),
        (None, 6, ""),
    ],
)
def test_a_schedule_says_what_will_be_gone_by_then(
    days: int | None, weekday: int, said: str
) -> None:
    schedule = Schedule(channel="slack:#finance", weekday=weekday)
    found = report_words.thinness(schedule, timedelta(days=days) if days else None)
    assert said in found
    assert bool(said) is bool(found)


def test_the_schedule_warns_of_traces_that_are_kept_too_shortly(
    empty_house: House, tmp_path: Path
) -> None:
    (tmp_path / "week").mkdir()
    with kept_for(tmp_path / "week", retention=timedelta(days=7)) as store:
        wired.set_current(replace(empty_house.wiring, store=store))
        assert "Traces are kept for 7 d" in text(opened("reports"))
        assert "Traces are kept" not in text(opened("reports", report="Digest"))


def test_a_week_without_requests_says_so(empty_house: House) -> None:
    assert "No requests in this week" in text(opened("reports"))


def test_without_the_store_the_page_says_what_to_set(empty_house: House) -> None:
    wired.set_current(replace(empty_house.wiring, store=None))
    assert "WAKEFUL_TRACE_STORE_URL" in text(opened("reports"))


def test_the_csv_has_every_split_and_the_total(empty_house: House) -> None:
    last_week(empty_house, 3.0, feature="=cmd()", tenant="acme")
    assert empty_house.wiring.store is not None
    report = spend_report.read(empty_house.wiring.store, LAST_WEEK, "UTC")
    rows = list(csv.DictReader(io.StringIO(report_words.as_csv(report))))
    found = {(row["split"], row["value"]): row["spend_usd"] for row in rows}
    assert found["total", ""] == "3.0"
    assert found["feature", "'=cmd()"] == "3.0"
    assert found["tenant", "acme"] == "3.0"
    assert rows[0]["before_usd"] == ""


def test_nobody_is_told_until_somebody_says_where(empty_house: House) -> None:
    assert "Not sent: switched off." in text(opened("reports"))


def test_the_schedule_is_kept_from_the_form(empty_house: House) -> None:
    page = opened("reports")
    page.toggle(key="reports_spend_on").set_value(True)
    page.text_input(key="reports_spend_channel").set_value("slack:#money")
    page.selectbox(key="reports_spend_weekday").set_value("Tuesday")
    page.button[0].click().run()
    with Session(empty_house.wiring.db) as session:
        kept = session.get_one(Report, ReportKind.SPEND)
    assert (kept.channel, kept.weekday, kept.hour) == ("slack:#money", 1, 8)
    assert kept.due_at is not None
    assert "Sent Tuesdays at 08:00 (UTC) to Slack" in text(page)


def test_a_place_that_is_none_is_refused_in_a_sentence(empty_house: House) -> None:
    page = opened("reports")
    page.text_input(key="reports_spend_channel").set_value("finance")
    page.button[0].click().run()
    assert toasts(page)[0].startswith("Nothing was changed")
    with Session(empty_house.wiring.db) as session:
        assert session.get(Report, ReportKind.SPEND) is None


def test_with_the_engine_off_the_page_says_that_nothing_is_sent(empty_house: House) -> None:
    keep(empty_house)
    assert "No engine runs" in text(opened("reports"))


def test_with_an_engine_it_does_not(empty_house: House) -> None:
    keep(empty_house)
    running.beat(empty_house.wiring.db, "engine", now=empty_house.now)
    assert "No engine runs" not in text(opened("reports"))


def test_what_is_overdue_says_why(empty_house: House) -> None:
    keep(empty_house)
    with Session(empty_house.wiring.db) as session:
        report = session.get_one(Report, ReportKind.SPEND)
        report.due_at, report.error = NOON - DAY, "the trace store is closed"
        session.add(report)
        session.commit()
    running.beat(empty_house.wiring.db, "engine", now=empty_house.now)
    assert "not written: the trace store is closed" in text(opened("reports"))


def test_what_was_sent_stands_here_and_among_the_deliveries(house: House) -> None:
    keep(house)
    reports.ask_now(house.wiring.db, ReportKind.SPEND, by="ana", now=house.now)
    reports.write_due(house.wiring.db, house.wiring.writers, now=house.now)
    report_delivery.deliver_next(house.wiring.db, house.wiring.usable, now=house.now, by="engine")
    here = opened("reports").dataframe[0].value
    assert here["Answer"][0] == "slack is not configured: see the settings table"
    assert len(opened("deliveries").dataframe) == 2


def test_the_digest_shows_what_each_owner_would_be_told(empty_house: House) -> None:
    with Session(empty_house.wiring.db) as session:
        draft = dashboards.new_draft("Bot", "Is it well?")
        dashboards.create(session, draft, owner="Ana Lima", by="Ana Lima", now=NOON)
    said = text(opened("reports", report="Digest"))
    assert "Weekly digest for Ana Lima" in said
    assert "Bot: reviewed by Ana Lima" in said
