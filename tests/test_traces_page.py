"""The Traces page over a real embedded store: full, empty, down; found by id or by filters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alerts.settings import Settings
from alerts.wiring import Role, Wiring
from app import cached, cached_lookups, cached_traces, wired
from app.trace_search import label
from models.database import connect, migrate
from models.vocabulary import CostSource, SpanStatus
from signals import UnreachableError
from signals.routing import Sources
from signals.traces import Abilities, Trace, TraceQuery, TraceSummary
from signals.traces.embedded import EmbeddedStore
from signals.traces.people import mark
from tests.made_traces import SEED_ID, START, changed, moved, seed_lines, seed_trace, span_id

MINUTE = timedelta(minutes=1)
LLM, GUARDRAILS = span_id("LLM call"), span_id("Input guardrails")


class Down:
    """A trace store that nobody reaches."""

    name = "traces"
    abilities = Abilities()

    def trace(self, trace_id: str) -> Trace | None:
        raise UnreachableError("The trace store did not answer within 10 s.")

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        raise UnreachableError("The trace store did not answer within 10 s.")

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        raise UnreachableError("The trace store did not answer within 10 s.")


@dataclass
class Bench:
    """The page's surroundings, and the time in them, which only tests move."""

    store: EmbeddedStore
    now: datetime

    def holds(self, *traces: Trace) -> None:
        self.store.write([span for trace in traces for span in trace.spans])

    def goes_down(self) -> None:
        wired.set_current(replace(wired.current(), traces=Down(), signals=Sources()))

    def passes(self, span: timedelta) -> None:
        """Let time pass; what was cached is asked for anew."""
        self.now += span
        for cache in (cached_traces.listing, cached_traces.lines, cached_lookups):
            cache.clear()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = EmbeddedStore.open(
        tmp_path / "traces.duckdb", memory_mb=128, retention=timedelta(days=7)
    )
    made = Bench(store=store, now=START + MINUTE)
    db = connect(f"sqlite:///{tmp_path}/wakeful.db")
    migrate(db)
    wiring = Wiring(
        settings=Settings(data_dir=str(tmp_path)),
        role=Role.TOOL,
        db=db,
        signals=Sources((store,)),
        store=store,
        traces=store,
        logs=store.logs,
        clock=lambda: made.now,
    )
    wired.set_current(wiring)
    cached.clear()
    cached_traces.clear()
    yield made
    wiring.close()


def page(**query: str) -> AppTest:
    def script() -> None:
        from app.views import traces

        traces.render()

    at = AppTest.from_function(script, default_timeout=20)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def words(at: AppTest) -> str:
    """Return everything that can be read on the page, but for the rows of the waterfall."""
    said = [
        element.value for kind in (at.markdown, at.code, at.error, at.warning) for element in kind
    ]
    said += [button.label for button in at.button]
    said += [frame.value.to_string() for frame in at.dataframe]
    return "\n".join(said)


def details(at: AppTest) -> str:
    return at.container(key="traces_span").markdown[0].value


# --- one trace


def test_a_link_with_a_trace_id_opens_it(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace=SEED_ID)
    assert metrics(at) == {
        "Latency": "2.58 s",
        "Cost": "≈ $0.0254",
        "Tokens": "1,510",
        "Spans": "9",
        "First token": "412 ms",
        "Outcome": "success",
    }
    assert len(at.get("bidi_component")) == 1


def test_the_slowest_span_is_shown_first(bench: Bench) -> None:
    bench.holds(seed_trace())
    assert "LLM call" in details(page(trace=SEED_ID))


def test_a_link_with_a_span_shows_that_span(bench: Bench) -> None:
    bench.holds(seed_trace())
    assert "Input guardrails" in details(page(trace=SEED_ID, span=GUARDRAILS))


def test_a_link_with_a_span_that_is_gone_still_opens(bench: Bench) -> None:
    bench.holds(seed_trace())
    assert "LLM call" in details(page(trace=SEED_ID, span="f" * 16))


def test_the_parts_that_matter_are_said_in_sentences(bench: Bench) -> None:
    bench.holds(seed_trace())
    said = page(trace=SEED_ID).container(key="traces_hints").markdown[1].value.replace("\\", "")
    assert said.startswith("**LLM call: 78 % of the time, 99 % of the cost**")


def test_pressing_a_hint_shows_its_span_and_puts_it_in_the_url(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace=SEED_ID)
    at.button(key="traces_hint_1").click().run()
    assert "Input guardrails" in details(at)
    assert at.query_params["span"] == GUARDRAILS


def test_the_log_lines_stand_in_the_order_of_time(bench: Bench) -> None:
    bench.holds(seed_trace())
    bench.store.logs.write(list(reversed(seed_lines())))
    lines = page(trace=SEED_ID).container(key="traces_logs").dataframe[0].value
    assert list(lines["Line"]) == [line.body for line in seed_lines()]
    assert list(lines["After ms"]) == [5, 470, 2471]
    assert list(lines["Span"]) == ["HTTP request", "LLM call", "LLM call"]


def test_prompt_and_completion_are_shown_as_they_are(bench: Bench) -> None:
    bench.holds(seed_trace())
    said = [code.value for code in page(trace=SEED_ID).code]
    assert said == ["What does the warranty cover?", "It covers parts for **two** years."]


def test_nobody_is_named(bench: Bench) -> None:
    named = changed(
        seed_trace(),
        "HTTP request",
        attributes={
            "user.id": "jane",
            "enduser.id": "jane@example.org",
            "note": "jane@example.org",
        },
    )
    bench.holds(named)
    at = page(trace=SEED_ID, span=span_id("HTTP request"))
    assert "jane" not in words(at)
    assert mark("jane@example.org") in words(at)


def test_a_failed_span_says_why(bench: Bench) -> None:
    bench.holds(
        changed(seed_trace(), "rerank", status=SpanStatus.ERROR, status_message="503 *upstream*")
    )
    at = page(trace=SEED_ID, span=span_id("rerank"))
    assert at.error[0].value == r"503 \*upstream\*"
    assert at.metric[3].delta == "1 failed"


def test_a_cost_with_an_unpriced_span_is_at_least(bench: Bench) -> None:
    bench.holds(changed(seed_trace(), "LLM call", cost_usd=None, cost_source=CostSource.UNPRICED))
    at = page(trace=SEED_ID)
    assert metrics(at)["Cost"] == "≥ $0.00035"
    assert "cost unknown: there is no price for its tokens" in words(at)


def test_an_orphan_says_that_its_parent_is_missing(bench: Bench) -> None:
    bench.holds(changed(seed_trace(), "Retrieval", parent_id="f" * 16))
    at = page(trace=SEED_ID, span=span_id("Retrieval"))
    assert at.warning[0].value.startswith("Its parent has not arrived")


def test_a_trace_that_is_not_held_says_what_may_be_the_reason(bench: Bench) -> None:
    text = words(page(trace="c" * 32))
    for reason in ("keeps traces for 7 d", "is not there yet", "sampled it out"):
        assert reason in text


def test_a_trace_that_arrives_late_is_shown_at_the_next_look(bench: Bench) -> None:
    at = page(trace=SEED_ID)
    assert not at.metric
    bench.holds(seed_trace())
    bench.passes(MINUTE)
    at.run()
    assert metrics(at)["Latency"] == "2.58 s"


def test_a_trace_stays_visible_with_its_age_while_the_store_is_down(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace=SEED_ID)
    bench.goes_down()
    bench.passes(3 * MINUTE)
    at.run()
    assert metrics(at)["Latency"] == "2.58 s"
    assert "did not answer within 10 s" in at.error[0].value
    assert "3 min ago" in at.error[0].value


def test_closing_a_trace_shows_the_list(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace=SEED_ID, span=LLM)
    at.button(key="traces_close").click().run()
    assert len(at.dataframe[0].value) == 1
    assert "span" not in at.query_params


# --- finding one


def test_a_malformed_id_leaves_the_list_in_sight(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(trace="12345")
    assert "this one has 5" in words(at)
    assert len(at.dataframe[0].value) == 1


def test_64_bit_ids_can_be_told_apart_in_the_list() -> None:
    assert label("0" * 16 + "a" * 16) != label("0" * 16 + "b" * 16)


# --- the list


def test_the_list_shows_latency_cost_with_provenance_tokens_status_and_outcome(
    bench: Bench,
) -> None:
    bench.holds(seed_trace())
    (line,) = page().dataframe[0].value.to_dict("records")
    assert line["Latency"] == pytest.approx(2.58)
    assert line["Cost"] == pytest.approx(0.02535)
    assert (line["Cost is"], line["Tokens"]) == ("computed", 1510)
    assert (line["Status"], line["Outcome"], line["Model"]) == ("✓ ok", "success", "claude-opus-4")


def test_the_order_comes_from_the_url(bench: Bench) -> None:
    slow = changed(moved(seed_trace(), "a" * 32, -MINUTE), "HTTP request", duration_ms=9000.0)
    bench.holds(seed_trace(), slow)
    assert list(page().dataframe[0].value["Latency"]) == pytest.approx([2.58, 9])
    assert list(page(order="Slowest").dataframe[0].value["Latency"]) == pytest.approx([9, 2.58])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"range": "15m"}, ["bad", "good"]),
        ({"errors": "true"}, ["bad"]),
        ({"tenant": "globex"}, ["bad"]),
        ({"slower": "3"}, ["good"]),
        ({"model": "claude-opus-4", "tenant": "acme"}, ["good"]),
        ({"range": "6h"}, ["bad", "good", "old"]),
    ],
)
def test_filters_in_the_url_narrow_the_list(
    bench: Bench, query: dict[str, str], found: list[str]
) -> None:
    bad = changed(
        moved(seed_trace(), "b" * 32, MINUTE / 2),
        "HTTP request",
        name="bad",
        status=SpanStatus.ERROR,
        tenant="globex",
    )
    good = changed(seed_trace(), "HTTP request", name="good", duration_ms=4000.0)
    old = changed(moved(seed_trace(), "c" * 32, -180 * MINUTE), "HTTP request", name="old")
    bench.holds(bad, good, old)
    assert list(page(**query).dataframe[0].value["Request"]) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"tool": "web_fetch"}, ["bad"]),
        ({"session_id": "s-1"}, ["bad"]),
        ({"user": "jane"}, ["bad"]),
        ({"user": mark("jane")}, ["bad"]),
        ({"dearer": "0.03"}, ["good"]),
        ({"prompt_version": "v13"}, ["bad"]),
        ({"order": "Worst score"}, ["bad", "good"]),
    ],
)
def test_what_spans_say_narrows_the_list(
    bench: Bench, query: dict[str, str], found: list[str]
) -> None:
    told = {"session_id": "s-1", "user_id": "jane", "prompt_version": "v13", "name": "bad"}
    bad = changed(moved(seed_trace(), "b" * 32, -MINUTE), "HTTP request", **told)
    bad = changed(bad, "vector search", tool="web_fetch", eval_score=10.0)
    good = changed(seed_trace(), "HTTP request", name="good")
    bench.holds(bad, changed(good, "LLM call", cost_usd=0.04))
    assert list(page(**query).dataframe[0].value["Request"]) == found


def test_a_user_who_is_typed_stands_as_a_mark(bench: Bench) -> None:
    bench.holds(changed(seed_trace(), "HTTP request", user_id="jane"))
    at = page()
    at.text_input(key="user").set_value("jane").run()
    assert at.text_input(key="user").value == mark("jane")
    assert len(at.dataframe[0].value) == 1


def test_only_what_the_store_can_do_is_offered(bench: Bench) -> None:
    bench.goes_down()
    at = page()
    assert at.segmented_control(key="order").options == ["Newest"]
    assert {"tool", "user", "session_id"}.isdisjoint({one.key for one in at.text_input})


def test_filters_that_match_nothing_are_named_and_can_be_cleared(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page(tenant="nobody", errors="true")
    assert "tenant nobody, errors only" in words(at)
    at.button(key="traces_clear").click().run()
    assert len(at.dataframe[0].value) == 1


def test_a_store_without_traces_says_how_to_send_some(bench: Bench) -> None:
    assert "/v1/traces" in words(page())


def test_without_a_store_the_page_says_what_to_set(bench: Bench) -> None:
    wired.set_current(replace(wired.current(), traces=None))
    assert "WAKEFUL_TRACE_STORE_URL" in words(page())


def test_a_list_stays_visible_with_its_age_while_the_store_is_down(bench: Bench) -> None:
    bench.holds(seed_trace())
    at = page()
    bench.goes_down()
    bench.passes(2 * MINUTE)
    at.run()
    assert len(at.dataframe[0].value) == 1
    assert "2 min ago" in at.error[0].value


def test_a_store_that_never_answered_says_so(bench: Bench) -> None:
    bench.goes_down()
    at = page()
    assert "There is no earlier answer to show." in at.error[0].value
    assert not at.dataframe


# --- what the bad ones share, and two traces side by side


def mixed(count: int = 20) -> list[Trace]:
    """Return traces of which every fourth failed, with another prompt."""
    made = []
    for number in range(count):
        bad = number % 4 == 0
        trace = moved(seed_trace(), f"{number + 1:032x}", -number * timedelta(seconds=1))
        status = SpanStatus.ERROR if bad else SpanStatus.OK
        version = "v13" if bad else "v12"
        made.append(changed(trace, "HTTP request", status=status, prompt_version=version))
    return made


def test_what_the_failed_share_is_told_with_the_sizes_of_both_sides(bench: Bench) -> None:
    bench.holds(*mixed())
    at = page(shared="Failed")
    (line,) = at.container(key="traces_sharing").dataframe[0].value.to_dict("records")
    assert (line["Attribute"], line["Value"]) == ("Prompt version", "v13")
    assert (line["Of these"], line["Of the rest"], line["Difference"]) == (100, 0, 100)
    assert "5 failed against 15 others, of this time range in traces" in words(at)
    assert "So few may agree by chance" in words(at)


def test_the_listed_are_held_against_what_their_filters_leave_out(bench: Bench) -> None:
    slow = changed(mixed(1)[0], "HTTP request", duration_ms=9000.0, tenant="globex")
    bench.holds(*mixed()[1:], slow)
    at = page(slower="5", shared="Those listed")
    shown = at.container(key="traces_sharing").dataframe[0].value
    assert "globex" in list(shown["Value"])
    assert "1 listed against 19 others" in words(at)


def test_nothing_is_asked_until_the_bad_ones_are_chosen(bench: Bench) -> None:
    bench.holds(*mixed())
    assert not page().container(key="traces_sharing").dataframe


def test_two_traces_are_compared_by_the_names_of_their_spans(bench: Bench) -> None:
    other = changed(moved(seed_trace(), "b" * 32, -MINUTE), "rerank", duration_ms=1050.0)
    bench.holds(seed_trace(), other)
    at = page(trace=SEED_ID, **{"with": "b" * 32})
    lines = at.container(key="traces_compare").dataframe[0].value
    assert lines["Span"][0] == "rerank"
    assert lines["Time ±"][0] == pytest.approx(1)


def test_a_trace_to_compare_that_is_not_held_says_so(bench: Bench) -> None:
    bench.holds(seed_trace())
    assert "No store has the trace" in words(page(trace=SEED_ID, **{"with": "b" * 32}))
