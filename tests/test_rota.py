"""On-call schedules as rows: checked at the door, overridden, swapped, never pulled away."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import policies, rota, rota_changes
from alerts.policies import PolicyDraft
from alerts.rota import RotaError
from alerts.rota_drafts import OverrideDraft, Stint, SwapDraft
from models.tables import OnCallCalendar, OnCallSchedule
from models.vocabulary import RotaSource
from tests.made_rotas import (
    ADA,
    BEN,
    CLEO,
    DAY,
    NOW,
    berlin,
    draft,
    layer,
    name_at,
    override,
    overrides,
    saved,
    told,
)

HOUR = timedelta(hours=1)


def swap(db: Engine, schedule_id: int, first: Stint, second: Stint) -> str:
    made = SwapDraft(first=first, second=second, reason="a wedding")
    return rota_changes.swap(db, schedule_id, made, by="ada", now=NOW)


def stint(person: str, start: str, end: str) -> Stint:
    return Stint(person=person, starts_at=berlin(start), ends_at=berlin(end))


def test_who_is_on_call_is_read_from_the_rows(db: Engine) -> None:
    saved(db)
    assert name_at(db, NOW) == "Ben Okri"
    assert name_at(db, NOW + 7 * DAY) == "Ada Lovelace"


def test_a_schedule_is_read_back_as_it_was_written(sqlite_db: Engine) -> None:
    nights = {"days": [0, 1], "opens": "18:00", "closes": "08:00"}
    written = draft(layers=[layer(), layer(name="nights", weekday=None, windows=[nights])])
    saved_id = rota_changes.save_schedule(sqlite_db, written, by="grace", now=NOW)
    with Session(sqlite_db) as session:
        assert rota.draft_of(session.get_one(OnCallSchedule, saved_id)) == written


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"zone": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
        ({"zone": "../../etc/passwd"}, "is not a time zone"),
        ({"layers": []}, "needs at least one layer"),
        ({"layers": [layer()] * 21}, "at most 20"),
        ({"layers": [layer(people=[])]}, "name at least one person"),
        ({"layers": [layer(people=["Ada"])]}, "'Ada' needs an e-mail address"),
        ({"layers": [layer(people=[ADA, "A. L. <ADA@example.org>"])]}, "is in it twice"),
        ({"layers": [layer(turn="0s")]}, "from an hour to a year"),
        ({"layers": [layer(turn="3650d")]}, "from an hour to a year"),
        ({"layers": [layer(turn="1d")]}, "only turns of whole weeks"),
        ({"layers": [layer(starts_at="2026-01-05T08:00:00")]}, "timezone"),
        ({"layers": [layer(), layer(people=["Ada L <ada@example.org>"])]}, "write them the same"),
        ({"name": "two\nlines"}, "one line"),
        ({"source": "ical", "address": "file:///etc/passwd"}, "starts with https://"),
        ({"source": "ical", "address": "https://"}, "starts with https://"),
        ({"source": "pagerduty", "address": "../users"}, "not the id of a PagerDuty schedule"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        draft(**changes)


def test_two_people_may_share_a_name() -> None:
    namesake = "Ada Lovelace <ada@example.com>"
    assert draft(layers=[layer(people=[ADA, namesake])]).layers[0].people == (ADA, namesake)


def test_a_browsers_word_for_a_calendar_is_understood() -> None:
    made = draft(source="ical", address="webcal://cal.example.org/x.ics", layers=[])
    assert made.address == "https://cal.example.org/x.ics"


def test_a_name_is_given_once(sqlite_db: Engine) -> None:
    saved(sqlite_db)
    with pytest.raises(RotaError, match="already a schedule named 'payments'"):
        saved(sqlite_db)


def test_a_person_taken_out_of_the_rotation_is_on_call_no_more(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    alone = draft(layers=[layer(people=[ADA])])
    rota_changes.save_schedule(sqlite_db, alone, by="grace", now=NOW, schedule_id=schedule_id)
    assert told(sqlite_db, NOW, NOW + 20 * DAY) == "Ada Ada Ada"


def test_an_override_holds_within_its_bounds(db: Engine) -> None:
    schedule_id = saved(db)
    override(db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")
    assert told(db, NOW, NOW + 6 * DAY) == "Ben Cleo Ben"
    assert name_at(db, berlin("2026-06-02 16:59")) == "Cleo Laine"
    assert name_at(db, berlin("2026-06-02 17:00")) == "Ben Okri"


def test_of_two_overrides_the_later_made_wins(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")
    override(sqlite_db, schedule_id, ADA, "2026-06-02 12:00", "2026-06-02 13:00")
    assert told(sqlite_db, NOW, NOW + 6 * DAY) == "Ben Cleo Ada Cleo Ben"


def test_an_override_begins_no_earlier_than_now(sqlite_db: Engine) -> None:
    override(sqlite_db, saved(sqlite_db), CLEO, "2026-05-31 09:00", "2026-06-02 09:00")
    assert [row.starts_at for row in overrides(sqlite_db)] == [NOW]


def test_an_override_that_is_over_is_refused(sqlite_db: Engine) -> None:
    with pytest.raises(RotaError, match="over already"):
        override(sqlite_db, saved(sqlite_db), CLEO, "2026-05-30 09:00", "2026-05-31 09:00")


@pytest.mark.parametrize(
    ("end", "complaint"), [("2026-06-02 08:00", "end after it starts"), ("2028-01-01", "a year")]
)
def test_an_override_that_makes_no_sense_is_refused(end: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        OverrideDraft(person=CLEO, starts_at=berlin("2026-06-02 09:00"), ends_at=berlin(end))


def test_an_override_taken_back_leaves_its_past(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    made = override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-03 09:00")
    during = berlin("2026-06-02 12:00")
    rota_changes.remove_override(sqlite_db, made, by="grace", now=during)
    assert [row.ends_at for row in overrides(sqlite_db)] == [during]
    assert told(sqlite_db, NOW, NOW + 6 * DAY) == "Ben Cleo Ben"


def test_an_override_taken_back_before_it_begins_was_never_there(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    made = override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-03 09:00")
    rota_changes.remove_override(sqlite_db, made, by="grace", now=NOW)
    assert overrides(sqlite_db) == []
    with pytest.raises(RotaError, match="gone"):
        rota_changes.remove_override(sqlite_db, made, by="grace", now=NOW)


def test_history_cannot_be_taken_back(sqlite_db: Engine) -> None:
    made = override(sqlite_db, saved(sqlite_db), CLEO, "2026-06-02 09:00", "2026-06-03 09:00")
    with pytest.raises(RotaError, match="history"):
        rota_changes.remove_override(sqlite_db, made, by="grace", now=NOW + 9 * DAY)


def test_there_is_an_end_to_overrides(sqlite_db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rota_changes, "MOST_OVERRIDES", 1)
    schedule_id = saved(sqlite_db)
    override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 10:00")
    with pytest.raises(RotaError, match="change its layers instead"):
        override(sqlite_db, schedule_id, CLEO, "2026-06-03 09:00", "2026-06-03 10:00")


def test_a_swap_lets_two_people_take_each_others_shift(db: Engine) -> None:
    schedule_id = saved(db)
    bens = stint(BEN, "2026-06-03 00:00", "2026-06-04 00:00")
    adas = stint(ADA, "2026-06-10 00:00", "2026-06-11 00:00")
    swap_id = swap(db, schedule_id, bens, adas)
    assert told(db, NOW, NOW + 13 * DAY) == "Ben Ada Ben Ada Ben Ada"
    assert {(row.swap_id, row.reason) for row in overrides(db)} == {(swap_id, "a wedding")}


def test_a_swap_is_taken_back_as_a_whole(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    bens = stint(BEN, "2026-06-03 00:00", "2026-06-04 00:00")
    swap(sqlite_db, schedule_id, bens, stint(ADA, "2026-06-10 00:00", "2026-06-11 00:00"))
    one = overrides(sqlite_db)[0].id or 0
    rota_changes.remove_override(sqlite_db, one, by="ada", now=NOW)
    assert overrides(sqlite_db) == []


@pytest.mark.parametrize(
    ("first", "complaint"),
    [
        (stint(ADA, "2026-06-03 00:00", "2026-06-04 00:00"), "Ada Lovelace is not on call"),
        (stint(BEN, "2026-06-06 00:00", "2026-06-09 00:00"), "Ben Okri is not on call for all"),
        (stint(CLEO, "2026-06-03 00:00", "2026-06-04 00:00"), "Cleo Laine is not on call"),
        (stint(ADA, "2026-06-08 09:00", "2026-06-08 12:00"), "are Ada Lovelace's already"),
    ],
)
def test_a_swap_needs_two_people_who_are_on_call_then(
    sqlite_db: Engine, first: Stint, complaint: str
) -> None:
    schedule_id = saved(sqlite_db)
    with pytest.raises(RotaError, match=complaint):
        swap(sqlite_db, schedule_id, first, stint(ADA, "2026-06-10 00:00", "2026-06-11 00:00"))
    assert overrides(sqlite_db) == []


def test_a_shift_that_has_begun_is_swapped_from_now_on(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    adas = stint(ADA, "2026-06-08 09:00", "2026-06-15 09:00")
    swap(sqlite_db, schedule_id, stint(BEN, "2026-06-01 09:00", "2026-06-08 09:00"), adas)
    assert min(row.starts_at for row in overrides(sqlite_db)) == NOW


def standard_policy(db: Engine) -> int:
    step = {"channels": ["slack:#llm", "schedule:payments"]}
    return policies.save_policy(db, PolicyDraft.model_validate({"name": "p", "steps": [step]}))


def test_a_schedule_that_a_policy_names_is_neither_deleted_nor_renamed(db: Engine) -> None:
    schedule_id = saved(db)
    standard_policy(db)
    with pytest.raises(RotaError, match="cannot be deleted: the policy p would tell nobody"):
        rota_changes.delete_schedule(db, schedule_id, by="grace")
    with pytest.raises(RotaError, match="cannot be renamed: the policy p would tell nobody"):
        rota_changes.save_schedule(
            db, draft(name="billing"), by="grace", now=NOW, schedule_id=schedule_id
        )
    assert name_at(db, NOW) == "Ben Okri"


def test_a_schedule_is_deleted_with_its_overrides(db: Engine) -> None:
    schedule_id = saved(db)
    override(db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")
    rota_changes.delete_schedule(db, schedule_id, by="grace")
    assert overrides(db) == []
    with pytest.raises(RotaError, match="no schedule named 'payments'"):
        name_at(db, NOW)


def test_a_schedule_that_is_gone_says_so(sqlite_db: Engine) -> None:
    with pytest.raises(RotaError, match="gone"):
        rota_changes.save_schedule(sqlite_db, draft(), by="grace", now=NOW, schedule_id=9)
    with pytest.raises(RotaError, match="gone"):
        rota_changes.delete_schedule(sqlite_db, 9, by="grace")


def test_a_new_feed_address_ends_the_old_one(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    with Session(sqlite_db) as session:
        before = session.get_one(OnCallSchedule, schedule_id).feed_token
    rota_changes.new_feed_token(sqlite_db, schedule_id, by="grace")
    with Session(sqlite_db) as session:
        after = session.get_one(OnCallSchedule, schedule_id).feed_token
    assert before != after
    assert min(len(before), len(after)) >= 32


def test_a_calendar_that_was_never_read_is_no_gap(sqlite_db: Engine) -> None:
    saved(sqlite_db, source="ical", address="https://cal.example.org/x.ics", layers=[])
    with pytest.raises(RotaError, match="the calendar of 'payments' has not been read yet"):
        name_at(sqlite_db, NOW)


def test_a_schedule_kept_in_pagerduty_is_overridden_there(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db, source="pagerduty", address="PI7DH85", layers=[])
    with pytest.raises(RotaError, match="make the override there"):
        override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")


def test_what_another_calendar_said_is_forgotten_with_its_address(sqlite_db: Engine) -> None:
    elsewhere = {"source": RotaSource.ICAL, "layers": []}
    schedule_id = saved(sqlite_db, address="https://a.example.org/x.ics", **elsewhere)
    with Session(sqlite_db) as session:
        session.get_one(OnCallCalendar, schedule_id).read_at = NOW
        session.commit()
    moved = draft(address="https://b.example.org/x.ics", **elsewhere)
    rota_changes.save_schedule(sqlite_db, moved, by="grace", now=NOW, schedule_id=schedule_id)
    with Session(sqlite_db) as session:
        assert session.get_one(OnCallCalendar, schedule_id).read_at is None


def test_a_schedule_of_a_newer_version_gets_a_sentence(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    with Session(sqlite_db) as session:
        session.get_one(OnCallSchedule, schedule_id).layers = [{"kind": "astrology"}]
        session.commit()
    with pytest.raises(RotaError, match="cannot read the schedule payments"):
        name_at(sqlite_db, NOW)


def test_everybody_known_is_listed_once(sqlite_db: Engine) -> None:
    schedule_id = saved(sqlite_db)
    saved(sqlite_db, name="search", layers=[layer(people=[ADA])], people=["Zed <z@example.org>"])
    override(sqlite_db, schedule_id, CLEO, "2026-06-02 09:00", "2026-06-02 17:00")
    with Session(sqlite_db) as session:
        assert rota.known_people(session) == [ADA, BEN, CLEO, "Zed <z@example.org>"]
