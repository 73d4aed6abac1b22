"""A source that hangs holds no page up: what fires is there, what was known has its age."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from alerts.wiring import Wiring
from app import cached, signal_card, wired
from signals import Query, Reading
from tests.memory_source import NOON, MemorySource, wiring_of

MINUTE = timedelta(minutes=1)


class Hanging(MemorySource):
    """A source that answers only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()

    def read(self, query: Query, *, at: datetime) -> Reading:
        assert self.gate.wait(60)
        return super().read(query, at=at)


@pytest.fixture
def source() -> Hanging:
    return Hanging()


@pytest.fixture
def wiring(source: Hanging, tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, source)
    wired.set_current(made)
    cached.clear()
    yield made
    source.gate.set()
    cached.clear()
    made.close()


def overview() -> None:
    from app.views import overview

    overview.render()


def sources() -> None:
    from app.views import sources

    sources.render()


def shown(script: Callable[[], None]) -> str:
    """Return the text of the page; far less than one question's patience is waited for."""
    page = AppTest.from_function(script, default_timeout=30).run()
    assert not page.exception
    said = [one.value for kind in (page.markdown, page.warning, page.error) for one in kind]
    return "\n".join([*said, *(f"{one.label} {one.value} {one.delta}" for one in page.metric)])


@pytest.mark.parametrize("script", [overview, sources], ids=["overview", "sources"])
def test_a_page_is_drawn_while_its_source_hangs(wiring: Wiring, script: Callable[[], None]) -> None:
    assert "prometheus is slow" in shown(script)


def test_a_number_without_an_answer_is_none_and_says_why(wiring: Wiring) -> None:
    said = shown(overview)
    assert "Latency p95 — :material/hourglass_top: slow source" in said
    assert "nothing is firing" in said


def test_what_was_known_stays_while_its_source_hangs(wiring: Wiring, source: Hanging) -> None:
    source.gate.set()
    before = shown(overview)
    source.gate.clear()
    signal_card.known.clear()
    wired.set_current(replace(wiring, clock=lambda: NOON + MINUTE))
    said = shown(overview)
    value = before.split("Latency p95 ")[1].split(" :material")[0]
    assert f"Latency p95 {value} :material" in said
    assert "as of 1 min ago" in said
