"""The random model: healthy within every target, and broken exactly where it is broken."""

import itertools
from random import Random
from typing import Any

import numpy as np
import pytest

from examples.copilot import prompts
from examples.copilot.approvals import Approvals
from examples.copilot.breaks import HEALTHY, Break, conditions
from examples.copilot.people import TENANTS, Crowd
from examples.copilot.providers import MINI, OPUS, SONNET, token_prices
from tests.copilot import MOVES, breached, measured, plans


def test_the_healthy_copilot_is_within_every_target() -> None:
    values = measured(plans())
    assert values["latency_p95"] < 3.5
    assert values["error_ratio"] < 0.01
    assert values["cost_per_request"] < 0.05
    assert values["cache_hit_ratio"] > 0.30
    assert values["guardrail_ratio"] < 0.05
    assert abs(values["eval_score_drop"]) < 1


@pytest.mark.parametrize("broken", Break)
def test_a_break_moves_its_own_signal_beyond_the_threshold_and_no_other(broken: Break) -> None:
    depth = queue_after(60, broken)
    assert breached(measured(plans(broken), queue_depth=depth)) == {MOVES[broken]}


@pytest.mark.parametrize("broken", Break)
def test_a_break_is_beyond_the_threshold_after_a_minute_of_a_one_minute_window(
    broken: Break,
) -> None:
    made = plans(broken, count=int(180 * conditions([broken]).traffic))
    values = measured(made, queue_depth=queue_after(60, broken))
    assert MOVES[broken] in breached(values)


def test_a_slow_model_has_a_p95_of_about_nine_seconds() -> None:
    assert 8 < measured(plans(Break.SLOW_MODEL))["latency_p95"] < 11


def queue_after(seconds: int, *broken: Break) -> float:
    approvals = Approvals(Random(1))
    for _ in range(seconds):
        approvals.pass_time(1, conditions(broken))
    return approvals.depth


def test_the_queue_of_approvals_grows_past_its_threshold_in_half_a_minute() -> None:
    assert queue_after(30, Break.APPROVAL_BACKLOG) > 200


def test_a_healed_queue_drains_in_a_minute() -> None:
    approvals = Approvals(Random(1), depth=640)
    for _ in range(60):
        approvals.pass_time(1, HEALTHY)
    assert approvals.depth < 50


def test_two_breaks_at_once_keep_both_effects() -> None:
    both = conditions([Break.SLOW_MODEL, Break.COST_SPIKE])
    assert (both.model_slowdown, both.input_factor, both.traffic) == (3.2, 30.0, 2.0)


def test_the_same_seed_makes_the_same_requests() -> None:
    assert plans(count=50) == plans(count=50)


def test_another_seed_makes_other_requests() -> None:
    assert plans(count=50) != plans(count=50, seed=2)


def test_a_step_lies_within_its_parent() -> None:
    for plan in plans(count=500):
        for step in plan.steps[1:]:
            assert step.parent is not None
            parent = plan.steps[step.parent]
            assert parent.start_ms <= step.start_ms
            ended, parent_ended = step.start_ms + step.duration_ms, parent.start_ms
            assert ended <= parent_ended + parent.duration_ms + 1e-6


def test_steps_of_one_parent_do_not_overlap_but_for_the_tools_of_an_agent() -> None:
    for plan in plans(count=200):
        for index in range(len(plan.steps)):
            inside = [
                step
                for step in plan.steps
                if step.parent == index and not step.name.startswith("execute_tool")
            ]
            for first, second in itertools.pairwise(inside):
                assert first.start_ms + first.duration_ms <= second.start_ms + 1e-6


def test_a_whole_request_looks_like_the_waterfall_of_the_seeds() -> None:
    answered = [p for p in plans() if p.request.feature.name == "answers" and len(p.steps) == 10]
    names = [step.name for step in answered[0].steps]
    assert names == [
        "POST /v1/answers",
        "auth and rate limit",
        "input guardrail",
        "cache lookup",
        "retrieval",
        "embed query",
        "vector search",
        "rerank",
        "chat claude-opus-4-7",
        "output guardrail",
    ]
    typical = {
        name: float(np.median([plan.steps[n].duration_ms for plan in answered]))
        for n, name in enumerate(names)
    }
    assert typical["POST /v1/answers"] == pytest.approx(2580, rel=0.05)
    assert typical["auth and rate limit"] == pytest.approx(30, rel=0.05)
    assert typical["input guardrail"] == pytest.approx(200, rel=0.05)
    assert typical["retrieval"] == pytest.approx(220, rel=0.05)
    assert typical["chat claude-opus-4-7"] == pytest.approx(2000, rel=0.05)
    assert typical["output guardrail"] == pytest.approx(70, rel=0.05)
    assert np.median([plan.steps[8].cost_usd for plan in answered]) == pytest.approx(0.025, rel=0.1)


def test_a_cached_answer_calls_no_model() -> None:
    cached = next(plan for plan in plans() if plan.cache_hit)
    assert not any(step.name.startswith("chat") for step in cached.steps)
    assert (cached.input_tokens, cached.output_tokens) == (0, 0)


def test_a_failed_request_shows_the_step_that_failed() -> None:
    failed = next(plan for plan in plans(Break.PROVIDER_ERRORS) if plan.outcome == "error")
    assert [step.error for step in failed.steps if step.name.startswith("chat")] == ["error"]
    assert failed.steps[0].error == "error"
    assert failed.status_code == 502


def test_a_human_may_reject_a_tool_call() -> None:
    rejected = next(plan for plan in plans() if plan.outcome == "user_rejected")
    tool = next(step for step in rejected.steps if step.name == "execute_tool update_ticket")
    assert tool.attributes["approval.outcome"] == "rejected"
    assert str(tool.attributes["approval.id"]).startswith("ap_")
    assert rejected.steps[0].error == ""


def test_a_tenth_of_all_users_is_on_the_candidate_prompt() -> None:
    versions = [prompts.pick(f"user-{n}").version for n in range(2000)]
    assert 0.08 < versions.count(prompts.CANDIDATE.version) / 2000 < 0.12


def test_a_user_keeps_their_prompt() -> None:
    assert {prompts.pick("ada").version for _ in range(20)} == {prompts.pick("ada").version}


def test_a_session_has_several_turns_of_one_user() -> None:
    crowd = Crowd(Random(1))
    asked = [crowd.ask() for _ in range(600)]
    sessions: dict[str, set[str]] = {}
    for request in asked:
        sessions.setdefault(request.session_id, set()).add(request.user_id)
    assert all(len(users) == 1 for users in sessions.values())
    assert 2 < len(asked) / len(sessions) < 6
    assert {request.tenant for request in asked} == set(TENANTS)


@pytest.mark.parametrize("model", [OPUS, SONNET, MINI])
def test_the_price_list_knows_every_model(model: Any) -> None:
    assert all(price > 0 for price in token_prices(model))
