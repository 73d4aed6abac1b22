"""The seven steps from a complaint to the cause, over a real embedded store."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts.settings import Settings
from alerts.wiring import Role, Wiring
from app import cached, cached_traces, case_notes, case_report, wired
from app.case import gather
from app.case_evidence import QUESTIONS, Step
from app.case_notes import CaseNoteError
from models.database import connect, migrate
from models.tables import CaseNote
from models.vocabulary import SpanStatus
from signals.routing import Sources
from signals.traces.embedded import EmbeddedStore
from tests.made_traces import SEED_ID, START, changed, moved, seed_lines, seed_trace
from tests.memory_source import NOON
from tests.pages import opened, text, toasts

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A page over a store with nothing in it."""
    held = EmbeddedStore.open(tmp_path / "traces.duckdb", memory_mb=128)
    db = connect(f"sqlite:///{tmp_path}/wakeful.db")
    migrate(db)
    wiring = Wiring(
        settings=Settings(data_dir=str(tmp_path), user="ana"),
        role=Role.TOOL,
        db=db,
        signals=Sources((held,)),
        store=held,
        traces=held,
        logs=held.logs,
        clock=lambda: START + MINUTE,
    )
    wired.set_current(wiring)
    cached.clear()
    cached_traces.clear()
    yield held
    wiring.close()


def holds_the_seed(store: EmbeddedStore) -> None:
    store.write(seed_trace().spans)
    store.logs.write(seed_lines())


def keep(page: AppTest, step: Step, said: str) -> AppTest:
    page.text_area(key=f"investigate_note_{step}").input(said)
    return page.button(key=f"investigate_note_{step}_keep").click().run()


def test_each_step_shows_its_evidence_by_itself(store: EmbeddedStore) -> None:
    holds_the_seed(store)
    said = text(opened("investigate", request=SEED_ID))
    for evidence in (
        "HTTP request took 2.58 s and cost ≈ $0.0254.",
        "LLM call: 78 % of the time, 99 % of the cost.",
        "The prompt has the version v12.",
        "claude-opus-4 answered, from 1,200 tokens to 310.",
        "gen_ai.request.temperature = 0.2.",
        "vector search took 90 ms.",
        "WARN: slow completion: 2000 ms",
        "No alert was open in its time and its part of the traffic.",
        "There are too few to tell",
    ):
        assert evidence in said
    for number, question in enumerate(QUESTIONS.values(), start=1):
        assert f"**{number}. {question}" in said


def test_a_user_is_told_by_a_mark_only(store: EmbeddedStore) -> None:
    holds_the_seed(store)
    assert "jane" not in text(opened("investigate", request=SEED_ID))


def test_the_steps_where_something_is_odd_are_named_first(store: EmbeddedStore) -> None:
    store.write(changed(seed_trace(), "rerank", status=SpanStatus.ERROR).spans)
    assert "Something is odd at step 1, 4." in text(opened("investigate", request=SEED_ID))


def test_a_failed_request_is_held_against_those_that_did_not_fail(store: EmbeddedStore) -> None:
    for number in range(12):
        trace = moved(seed_trace(), f"{number + 1:032x}", number * timedelta(seconds=1))
        if number < 6:
            trace = changed(trace, "HTTP request", status=SpanStatus.ERROR, prompt_version="v13")
        store.write(trace.spans)
    said = text(opened("investigate", request=f"{1:032x}"))
    assert "prompt version v13: 100 % of the 6 failed, 0 % of the 6 others." in said


def test_a_note_is_kept_for_everybody_and_pressed_twice_it_is_one(store: EmbeddedStore) -> None:
    holds_the_seed(store)
    page = keep(opened("investigate", request=SEED_ID), Step.PROMPT, "v12 is *new*")
    assert toasts(page) == ["Noted."]
    assert toasts(keep(page, Step.PROMPT, "v12 is *new*")) == ["That was noted already."]
    other = text(opened("investigate", request=SEED_ID))
    assert other.count("v12 is *new*") == 1
    assert "ana, just now" in other


def test_requests_that_were_noted_of_are_found_again(store: EmbeddedStore) -> None:
    holds_the_seed(store)
    keep(opened("investigate", request=SEED_ID), Step.LOGS, "too slow")
    start = opened("investigate")
    assert "too slow" in text(start)
    start.button(key="investigate_open_1").click().run()
    assert "HTTP request took 2.58 s" in text(start)


def test_notes_outlive_their_trace(store: EmbeddedStore) -> None:
    with Session(wired.current().db) as session:
        case_notes.add(
            session, trace_id="c" * 32, step="logs", text="it was the index", author="ana", now=NOON
        )
    said = text(opened("investigate", request="c" * 32))
    assert "is not here" in said
    assert "it was the index" in said


def test_what_is_no_id_is_said(store: EmbeddedStore) -> None:
    assert (
        opened("investigate", request="the answer looks wrong")
        .warning[0]
        .value.startswith("There is no")
    )


def test_the_report_has_every_step_with_its_notes(store: EmbeddedStore) -> None:
    holds_the_seed(store)
    case = gather(SEED_ID)
    assert case is not None
    note = CaseNote(
        trace_id=SEED_ID, step="prompt", text="new\n# not a title", author="ana", at=START
    )
    told = case_report.markdown(
        SEED_ID, case.evidence, [note], url="http://wakeful/investigate", now=START
    )
    assert told.count("\n## ") == 7
    assert "- The prompt has the version v12.\n" in told
    assert "> new\n> \\# not a title\n>\n> ana, 2026-03-01 12:00 UTC" in told


@pytest.mark.parametrize("said", [" \n", "x" * 4_001], ids=["empty", "too long"])
def test_a_note_that_helps_nobody_is_refused(db: Engine, said: str) -> None:
    with Session(db) as session, pytest.raises(CaseNoteError):
        case_notes.add(session, trace_id=SEED_ID, step="logs", text=said, author="ana", now=NOON)
