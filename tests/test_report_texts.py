"""What the weekly reports say: the spend of a calendar week, and each owner's digest."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import digest, policies, rulebook, spend_report
from alerts.policies import PolicyDraft
from alerts.reports import Addressed, Schedule
from alerts.rulebook import RuleDraft
from app import dashboard_owners, dashboards
from models.tables import Alert, Dashboard, Rule
from models.vocabulary import AlertState, Severity
from signals import QueryError
from signals.traces.embedded import EmbeddedStore
from tests.spans import DAY, HOUR, bill, child, root
from tests.world import POLICY, RULE

URL = "http://127.0.0.1:8501"
MONDAY = datetime(2026, 3, 9, 8, tzinfo=UTC)  # the week before is 2 to 8 March
SCHEDULE = Schedule(channel="slack:#finance")


def pays(store: EmbeddedStore, usd: float | None, at: datetime, **labels: Any) -> None:
    request = root(at, **labels)
    store.write([request, child(request, model=labels.get("model"), **bill(usd))])


def lines(store: EmbeddedStore | None) -> list[str]:
    (one,) = spend_report.written(store, SCHEDULE, MONDAY, base_url=URL)
    return [one.bulletin.title, *one.bulletin.lines]


# Spend


def test_the_report_is_of_the_calendar_week_that_is_over(store: EmbeddedStore) -> None:
    pays(store, 1.0, datetime(2026, 2, 22, 12, tzinfo=UTC))
    pays(store, 2.0, datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    pays(store, 4.0, datetime(2026, 3, 2, tzinfo=UTC))
    pays(store, 8.0, datetime(2026, 3, 8, 23, 59, tzinfo=UTC))
    pays(store, 16.0, datetime(2026, 3, 9, tzinfo=UTC))
    said = lines(store)
    assert said[0] == "LLM spend, Mar 2 to 8, 2026: $12.00"
    assert "Against the week before: +$10.00 (+500 %)" in said


def test_the_report_names_the_dearest_and_what_moved(store: EmbeddedStore) -> None:
    pays(store, 1.0, MONDAY - 15 * DAY)
    pays(store, 3.0, MONDAY - 3 * DAY, feature="chat", tenant="acme", outcome="success")
    pays(store, 1.0, MONDAY - 3 * DAY, feature="search", tenant="acme", outcome="error")
    said = lines(store)
    assert "By feature: chat $3.00, search $1.00" in said
    assert "Moved most by tenant: acme +$4.00 (new)" in said
    assert any("$4.00 per success (1 of 2 that say how they turned out)" in one for one in said)


def test_a_week_that_traces_do_not_reach_back_through_is_said_to_be_cut(
    store: EmbeddedStore,
) -> None:
    pays(store, 3.0, datetime(2026, 3, 3, 9, 30, tzinfo=UTC))
    said = lines(store)
    assert "Traces go back only to Tue Mar 3, 09:30: the week cost more." in said
    assert not any(one.startswith("Against") for one in said)


def test_calls_without_a_price_make_the_sum_a_floor(store: EmbeddedStore) -> None:
    pays(store, 3.0, MONDAY - 3 * DAY)
    pays(store, None, MONDAY - 3 * DAY)
    said = lines(store)
    assert said[0].endswith("≥ $3.00")
    assert "The sum is a floor: 50 % of calls have no price." in said


def test_the_sum_of_a_sample_is_said_to_be_an_estimate(store: EmbeddedStore) -> None:
    pays(store, 3.0, MONDAY - 3 * DAY, weight=10)
    said = lines(store)
    assert said[0].endswith("$30.00")
    assert "Requests were sampled, and the sum is an estimate: $0.00 to $85.78." in said


def test_a_week_without_requests_is_no_week_of_zero(store: EmbeddedStore) -> None:
    assert lines(store)[0] == "LLM spend, Mar 2 to 8, 2026: no requests"


def test_without_the_embedded_store_the_report_says_what_to_set() -> None:
    with pytest.raises(QueryError, match="WAKEFUL_TRACE_STORE_URL"):
        lines(None)


def test_the_week_is_of_the_zone_of_the_schedule() -> None:
    sunday_evening = datetime(2026, 3, 8, 23, tzinfo=UTC)  # Monday in Berlin
    assert spend_report.week_before(sunday_evening, "Europe/Berlin") == date(2026, 3, 2)
    assert spend_report.week_before(sunday_evening, "UTC") == date(2026, 2, 23)


# Digest


def owned(session: Session, title: str, owner: str, reviewed: datetime = MONDAY) -> Dashboard:
    draft = dashboards.new_draft(title, "Is it well?")
    made = dashboards.create(session, draft, owner=owner, by=owner, now=reviewed)
    made.reviewed_at, made.reviewed_by = reviewed, owner
    session.add(made)
    session.commit()
    return made


def told(db: Engine) -> dict[str, Addressed]:
    found = digest.written(db, SCHEDULE, MONDAY, base_url=URL)
    return {one.about: one for one in found}


def test_each_owner_hears_of_their_own_dashboards(db: Engine) -> None:
    with Session(db) as session:
        owned(session, "Bot", "Ana Lima", MONDAY - DAY)
        owned(session, "Search", "Bo", MONDAY - 100 * DAY)
    found = told(db)
    assert found["Ana Lima"].bulletin.lines[0] == "Bot: reviewed by Ana Lima, Mar 8"
    assert "not reviewed for 100 days" in found["Bo"].bulletin.lines[0]


def test_who_is_named_by_an_address_is_told_directly(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        owned(session, "Bot", "ana@example.org")
        owned(session, "Search", "Bo")
    found = told(sqlite_db)
    assert found["ana@example.org"].channel == "slack-dm:ana@example.org"
    assert found["Bo"].channel == "slack:#finance"


def test_who_is_gone_is_told_nothing_and_the_channel_is(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        owned(session, "Bot", "Ana Lima")
        dashboard_owners.depart(session, "Ana Lima", by="bo", now=MONDAY)
    found = told(sqlite_db)
    assert list(found) == [""]
    assert found[""].bulletin.lines[0] == "Bot: Ana Lima is gone"


def test_what_is_offered_to_somebody_waits_in_their_digest(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        made = owned(session, "Bot", "Ana Lima")
        dashboard_owners.offer(session, made.slug, to_owner="Bo", by="Ana Lima", now=MONDAY)
    assert "Offered to you, and unanswered: Bot" in told(sqlite_db)["Bo"].bulletin.lines


def test_an_owner_hears_how_often_their_rules_fired(sqlite_db: Engine) -> None:
    policies.save_policy(sqlite_db, PolicyDraft.model_validate(POLICY))
    rulebook.save_rule(sqlite_db, RuleDraft.model_validate(RULE), by="ada", now=MONDAY - 9 * DAY)
    with Session(sqlite_db) as session:
        rule = session.exec(select(Rule)).one()
        for number, at in enumerate((MONDAY - HOUR, MONDAY - 6 * DAY, MONDAY - 8 * DAY)):
            session.add(fired(rule, at, number))
        session.commit()
    assert told(sqlite_db)["ada"].bulletin.lines == (
        "You own no dashboard.",
        "Your rules fired 2 times in these seven days:",
        "Errors: 2",
    )


def fired(rule: Rule, at: datetime, number: int) -> Alert:
    return Alert(
        rule_id=rule.id,
        fingerprint=str(number),
        labels={},
        severity=Severity.ERROR,
        value=1.0,
        state=AlertState.RESOLVED,
        active_at=at - timedelta(minutes=2),
        fired_at=at,
        resolved_at=at + timedelta(minutes=5),
    )
