"""The copilot itself: what happens to a request between the gateway and the last token.

    gateway -> auth -> input guardrail -> cache -> retrieval -> model -> tool -> output guardrail

Typical times and costs are the seeds' waterfall ("Observability in Production", section 3).
"""

import json
import math
from random import Random

from examples.copilot import agent, texts
from examples.copilot.breaks import Conditions
from examples.copilot.people import Request
from examples.copilot.plan import Draft, Happening, Plan, Value
from examples.copilot.providers import cost_usd
from examples.copilot.stopping import Stopped, step

# Why each guardrail stops a request.
REASONS = {
    "input": ("prompt injection", "personal data", "off topic"),
    "output": ("ungrounded answer", "personal data"),
}
APPROVERS = ("Ada Lovelace", "Grace Hopper", "Linus Pauling")
LEFT_WAITING = 1
RATE_LIMITED = 0.0008
POOR_SEARCHES = 0.05
JUDGED = 0.25
CALLS_TOOL = 0.5
# The provider must begin to answer within this time.
FIRST_TOKEN_DEADLINE_MS = 3000
# How a failing provider fails: what we call it, the HTTP status we answer, its share, its time.
FAILURES = (
    ("error", 502, 0.7, 420.0),
    ("rate_limited", 429, 0.2, 140.0),
    ("timeout", 504, 0.1, float(FIRST_TOKEN_DEADLINE_MS)),
)


class Copilot:
    """Answers requests under some conditions, in made-up time."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._waiting: list[str] = []  # approvals that nobody has decided, the oldest first

    def plan(self, request: Request, odds: Conditions, *, queue_depth: float) -> Plan:
        """Return all that happens to `request`."""
        draft = Draft(request)
        model = request.feature.model
        draft.open(
            f"POST /v1/{request.feature.name}",
            http__request__method="POST",
            http__route="/v1/{feature}",
            gen_ai__request__model=model.name,
            input__value=request.question,
        )
        self._spend(draft, 30)
        outcome, status_code, by, answer = "success", 200, "", ""
        hit: bool | None = None
        try:
            self._authenticate(draft)
            self._guard(draft, "input", odds.blocked * 0.8, 200, 0.0001)
            hit = self._look_up(draft, odds)
            answer = self._answer(draft, odds, hit=hit, queue_depth=queue_depth)
            self._guard(draft, "output", odds.blocked * 0.2, 70, 0.00005)
        except Stopped as stopped:
            outcome, status_code, by = stopped.outcome, stopped.status_code, stopped.by
            answer = texts.REFUSAL if by else ""
        self._spend(draft, 22)
        score = self._judge(request, odds) if outcome == "success" and not by else None
        draft.note(outcome=outcome, http__response__status_code=status_code, output__value=answer)
        if hit is not None:
            draft.note(cache__hit=hit)
        failed = "" if outcome in ("success", "user_rejected") else outcome
        draft.close(error=failed, happenings=_verdict(score, draft.now_ms))
        return Plan(
            request=request,
            steps=draft.steps,
            outcome=outcome,
            status_code=status_code,
            answer=answer,
            stopped_by=by,
            cache_hit=hit,
            eval_score=score,
        )

    def _spend(self, draft: Draft, typical_ms: float) -> None:
        draft.spend(typical_ms * self._spread(0.18))

    def _spread(self, sigma: float) -> float:
        return math.exp(self._rng.gauss(0, sigma))

    def _authenticate(self, draft: Draft) -> None:
        draft.open("auth and rate limit", openinference__span__kind="CHAIN")
        self._spend(draft, 30)
        limited = self._rng.random() < RATE_LIMITED
        draft.close(error="rate_limited" if limited else "")
        if limited:
            raise Stopped("rate_limited", 429)

    def _guard(self, draft: Draft, side: str, odds: float, typical_ms: float, cost: float) -> None:
        stops = self._rng.random() < odds
        draft.open(
            f"{side} guardrail",
            openinference__span__kind="GUARDRAIL",
            guardrail__name=side,
            guardrail__triggered=stops,
            gen_ai__request__model="claude-haiku-4-5",
            gen_ai__usage__cost=cost,
        )
        self._spend(draft, typical_ms)
        if stops:
            draft.note(guardrail__reason=self._rng.choice(REASONS[side]))
            draft.note(input__value=draft.request.question if side == "input" else texts.UNSAID)
        draft.close(cost_usd=cost)
        if stops:
            raise Stopped("success", 200, by=side)

    def _look_up(self, draft: Draft, odds: Conditions) -> bool:
        hit = self._rng.random() < odds.cache_hits
        draft.open("cache lookup", openinference__span__kind="CHAIN", cache__hit=hit)
        self._spend(draft, 8)
        draft.close()
        return hit

    def _answer(self, draft: Draft, odds: Conditions, *, hit: bool, queue_depth: float) -> str:
        request = draft.request
        if hit:
            return texts.answer(request.feature.name, (), self._rng)
        documents = self._retrieve(draft)
        answer = texts.answer(request.feature.name, documents, self._rng)
        # The answer names the first document that it found, and no other.
        draft.note(citations=documents[0] if documents else "")
        if request.feature.tool and self._rng.random() < CALLS_TOOL:
            self._run_agent(draft, odds, answer, queue_depth)
        else:
            self._call_model(draft, odds, answer)
        return answer

    def _run_agent(self, draft: Draft, odds: Conditions, answer: str, queue_depth: float) -> None:
        """Look things up in rounds, answer, act; sometimes another agent has a look at it."""
        rounds = self._rng.choices((1, 2, 3), (0.5, 0.35, 0.15))[0]
        with step(draft, "invoke_agent drafter", **agent.named("drafter")):
            for _ in range(rounds):
                with step(draft, "iteration", openinference__span__kind="CHAIN"):
                    self._call_model(draft, odds, agent.THOUGHT, part=agent.THINKS)
                    draft.side_by_side(agent.look_ups(self._rng))
            with step(draft, "iteration", openinference__span__kind="CHAIN"):
                self._call_model(draft, odds, answer, part=1 - rounds * agent.THINKS)
                self._call_tool(draft, queue_depth)
            if self._rng.random() < agent.REVIEWED:
                with step(draft, "invoke_agent reviewer", **agent.named("reviewer")):
                    agent.review(draft, self._spread(0.2))

    def _retrieve(self, draft: Draft) -> tuple[str, ...]:
        request = draft.request
        is_poor = self._rng.random() < POOR_SEARCHES
        documents = tuple(self._rng.sample(texts.DOCUMENTS, 2 if is_poor else 5))
        parts: tuple[tuple[str, str, float, dict[str, Value], float], ...] = (
            (
                "embed query",
                "EMBEDDING",
                60,
                {"gen_ai__request__model": "text-embedding-3-small", "gen_ai__usage__cost": 5e-5},
                5e-5,
            ),
            ("vector search", "RETRIEVER", 90, {"retrievalChunkCount": 20}, 0.0),
            (
                "rerank",
                "RERANKER",
                50,
                {"gen_ai__request__model": "rerank-v3.5", "gen_ai__usage__cost": 1.5e-4},
                1.5e-4,
            ),
        )
        draft.open("retrieval", openinference__span__kind="RETRIEVER")
        self._spend(draft, 10)
        for name, kind, typical_ms, attributes, cost in parts:
            draft.open(name, openinference__span__kind=kind, **attributes)
            self._spend(draft, typical_ms)
            draft.close(cost_usd=cost)
        self._spend(draft, 10)
        draft.note(
            retrievalChunkCount=len(documents),
            topDocIds=",".join(documents),
            retrieval__chunks__injected=len(documents),
            retrieval__low_confidence=is_poor,
        )
        if request.turn > 1:
            rewritten = texts.REWRITES[request.feature.name]
            draft.note(
                retrieval__query__original=request.question, retrieval__query__rewritten=rewritten
            )
        if is_poor:
            draft.note(retrieval__fallback=texts.FALLBACK)
        draft.close()
        return () if is_poor else documents

    def _call_model(
        self, draft: Draft, odds: Conditions, answer: str, *, part: float = 1.0
    ) -> None:
        """Call the feature's model, for a `part` of the usual time and tokens."""
        feature, model = draft.request.feature, draft.request.feature.model
        draft.open(
            f"chat {model.name}",
            openinference__span__kind="LLM",
            gen_ai__operation__name="chat",
            gen_ai__provider__name=model.provider,
            gen_ai__request__model=model.name,
            gen_ai__request__max_tokens=4096,
            gen_ai__prompt__name="copilot",
            gen_ai__input__messages=_messages(
                ("system", draft.request.prompt.template), ("user", draft.request.question)
            ),
        )
        if self._rng.random() < odds.provider_failures * part:
            self._fail(draft)
        length = self._spread(0.22) * part
        duration_ms = model.median_ms * length * odds.model_slowdown
        tokens = (
            round(feature.input_tokens * self._spread(0.2) * odds.input_factor * part),
            round(feature.output_tokens * length),
        )
        cost = cost_usd(model, *tokens)
        draft.spend(duration_ms)
        draft.note(
            gen_ai__response__model=model.snapshot,
            gen_ai__response__time_to_first_chunk=round(duration_ms * 0.22 / 1000, 4),
            gen_ai__usage__input_tokens=tokens[0],
            gen_ai__usage__output_tokens=tokens[1],
            gen_ai__output__messages=_messages(("assistant", answer)),
        )
        if model.reports_cost:
            draft.note(gen_ai__usage__cost=cost)
        draft.close(cost_usd=cost, tokens=tokens)

    def _fail(self, draft: Draft) -> None:
        outcome, status_code, _, typical_ms = self._rng.choices(
            FAILURES, [share for _, _, share, _ in FAILURES]
        )[0]
        self._spend(draft, typical_ms)
        seen: dict[str, Value] = {
            "exception.type": f"provider.{outcome}",
            "exception.message": f"the provider ended the call: {outcome}",
        }
        happening = Happening(name="exception", at_ms=draft.now_ms, attributes=seen)
        draft.close(error=outcome, happenings=(happening,))
        raise Stopped(outcome, status_code)

    def _call_tool(self, draft: Draft, queue_depth: float) -> None:
        waits = min(0.9, 0.03 + max(0.0, queue_depth - 50) / 700)
        approval = self._rng.choices(
            ("granted", "rejected", "pending"), ((1 - waits) * 0.96, (1 - waits) * 0.04, waits)
        )[0]
        draft.open(
            f"execute_tool {draft.request.feature.tool}",
            openinference__span__kind="TOOL",
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name=draft.request.feature.tool,
            gen_ai__tool__call__arguments=agent.CHANGE,
            approval__queue_depth=round(queue_depth),
        )
        if self._rng.random() < agent.DENIED:
            draft.note(permission__outcome="denied")
            self._spend(draft, 12)
            draft.close(error="permission_denied")
            return
        draft.note(
            permission__outcome="needs_confirmation",
            approval__outcome=approval,
            approval__approver=self._rng.choice(APPROVERS),
            approval__id=self._approval_id(approval),
        )
        draft.open("ask for approval", openinference__span__kind="CHAIN")
        self._spend(draft, 120)
        draft.close()
        if approval == "granted":
            self._spend(draft, 110)
        draft.close()
        if approval == "rejected":
            raise Stopped("user_rejected", 200)

    def _approval_id(self, outcome: str) -> str:
        """Return a new id, or that of a call that waited and is made again with the decision."""
        if outcome != "pending" and len(self._waiting) > LEFT_WAITING:
            return self._waiting.pop(0)
        made = f"ap_{self._rng.getrandbits(32):08x}"
        if outcome == "pending":
            self._waiting.append(made)
        return made

    def _judge(self, request: Request, odds: Conditions) -> float | None:
        if self._rng.random() >= JUDGED:
            return None
        better = 1.0 if request.prompt.version.startswith("2.") else 0.0
        return round(min(100.0, max(0.0, self._rng.gauss(odds.eval_points + better, 6))), 1)


def _verdict(score: float | None, at_ms: float) -> tuple[Happening, ...]:
    if score is None:
        return ()
    attributes: dict[str, Value] = {
        "gen_ai.evaluation.name": "answer quality",
        "gen_ai.evaluation.score.value": score,
    }
    return (Happening(name="gen_ai.evaluation.result", at_ms=at_ms, attributes=attributes),)


def _messages(*said: tuple[str, str]) -> str:
    """Return messages as OpenTelemetry's `gen_ai.input.messages` has them."""
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said]
    )
