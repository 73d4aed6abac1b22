"""Saved searches: a name, an owner, and what the URL says; kept for everyone."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app import saved_searches
from app.saved_searches import SearchError
from tests.house import House, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, toasts

__all__ = ["house", "house_template"]

FAILED = {"errors": "true", "range": "6h"}


def save(session: Session, name: str = "Failed", query: dict[str, str] = FAILED) -> bool:
    return saved_searches.save(session, name=name, query=query, owner="ana", now=NOON)[1]


def test_saved_twice_is_saved_once(db: Engine) -> None:
    with Session(db) as session:
        assert [save(session), save(session)] == [True, False]
        assert [one.name for one in saved_searches.every(session)] == ["Failed"]


def test_a_name_stands_for_one_search(db: Engine) -> None:
    with Session(db) as session:
        save(session)
        with pytest.raises(SearchError, match="Another search is called Failed"):
            save(session, query={"slower": "5"})


@pytest.mark.parametrize(
    ("name", "query"), [(" \n ", FAILED), ("All", {})], ids=["no name", "no filter"]
)
def test_what_would_help_nobody_is_refused(db: Engine, name: str, query: dict[str, str]) -> None:
    with Session(db) as session, pytest.raises(SearchError):
        save(session, name, query)


def test_a_name_that_is_taken_is_not_given_again(db: Engine) -> None:
    with Session(db) as session:
        save(session, "One")
        other, _ = saved_searches.save(session, name="Two", query=FAILED, owner="ana", now=NOON)
        with pytest.raises(SearchError, match="Another search is called One"):
            saved_searches.rename(session, other.id or 0, "One")


def test_the_filters_chosen_are_saved_and_a_link_opens_them(house: House) -> None:
    at = opened("traces")
    at.toggle(key="errors").set_value(True).run()
    at.number_input(key="slower").set_value(2.5).run()
    at.text_input(key="traces_saved_name").input("Slow and failed")
    at.button(key="traces_save").click().run()
    assert toasts(at) == ["Slow and failed is saved."]

    linked = opened("traces", saved="1")
    assert linked.toggle(key="errors").value is True
    assert linked.number_input(key="slower").value == 2.5
    assert linked.button(key="traces_saved_1").help == "Saved by ana"


def test_a_search_is_renamed_and_removed_on_the_page(house: House) -> None:
    with Session(house.wiring.db) as session:
        save(session)
    at = opened("traces")
    at.text_input(key="traces_saved_rename_1").input("Broken").run()
    assert at.button(key="traces_saved_1").label == "Broken"
    at.button(key="traces_saved_remove_1").click().run()
    assert toasts(at) == ["Removed."]
    with Session(house.wiring.db) as session:
        assert saved_searches.every(session) == []


def test_a_link_to_a_search_that_is_gone_says_so(house: House) -> None:
    assert "gone" in opened("traces", saved="99").warning[0].value


def test_a_person_named_by_an_attribute_becomes_a_mark_on_the_page(house: House) -> None:
    at = opened("traces")
    at.text_input(key="attribute").input("enduser.id=jane@example.org, route=/chat").run()
    shown = at.text_input(key="attribute").value
    assert shown.startswith("user_id=user ")
    assert shown.endswith(", route=/chat")
    assert "jane" not in shown


def test_an_attribute_that_is_no_pair_is_said(house: House) -> None:
    at = opened("traces", attribute="route")
    assert "name=value" in at.warning[0].value
