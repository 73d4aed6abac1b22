"""The running copilot: what is broken now, who asks, and how the last minute went."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import httpx2

from examples.copilot.approvals import Approvals
from examples.copilot.breaks import Break, Conditions, conditions
from examples.copilot.feedback import AFTER, tell, words
from examples.copilot.people import Crowd, Request, daily_shape
from examples.copilot.pipeline import Copilot
from examples.copilot.plan import Plan

REQUESTS_PER_SECOND = 3.0
REMEMBERED_SECONDS = 60
# Until then Prometheus has seen every counter at zero. Otherwise the rates of a sum and of its
# count, which Prometheus extrapolates each for itself, would give wrong means for some minutes.
SETTLING_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class Minute:
    """How the requests of the last minute went; None where nothing was."""

    requests: int
    p95_seconds: float | None
    failed: int
    cost_usd: float | None


@dataclass(slots=True)
class World:
    """Everything that changes while the copilot runs."""

    rng: Random
    requests_per_second: float = REQUESTS_PER_SECOND
    broken: set[Break] = field(default_factory=set)
    crowd: Crowd = field(init=False)
    copilot: Copilot = field(init=False)
    approvals: Approvals = field(init=False)
    _recent: deque[tuple[float, Plan]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.crowd = Crowd(self.rng)
        self.copilot = Copilot(self.rng)
        self.approvals = Approvals(self.rng)

    @property
    def odds(self) -> Conditions:
        """Return the conditions under which requests are answered now."""
        return conditions(self.broken)

    def plan(self, request: Request) -> Plan:
        """Return what happens to a request that arrives now."""
        plan = self.copilot.plan(request, self.odds, queue_depth=self.approvals.depth)
        self._recent.append((time.monotonic(), plan))
        return plan

    def last_minute(self) -> Minute:
        """Return how the requests that arrived in the last minute went."""
        while self._recent and self._recent[0][0] < time.monotonic() - REMEMBERED_SECONDS:
            self._recent.popleft()
        plans = [plan for _, plan in self._recent]
        slowest = sorted(plan.duration_ms for plan in plans)
        return Minute(
            requests=len(plans),
            p95_seconds=slowest[int(len(plans) * 0.95)] / 1000 if plans else None,
            failed=sum(plan.outcome in ("error", "timeout", "rate_limited") for plan in plans),
            cost_usd=sum(plan.cost_usd for plan in plans) / len(plans) if plans else None,
        )

    def next_pause(self, at: datetime) -> float:
        """Return the seconds until somebody asks again: people come at random, more by day."""
        rate = self.requests_per_second * daily_shape(at) * self.odds.traffic
        return self.rng.expovariate(rate)


async def traffic(world: World, client: httpx2.AsyncClient, wakeful: str | None) -> None:
    """Ask without end, as people do: nobody waits for the answer of somebody else.

    Args:
        world: Who asks, and when.
        client: Of the copilot.
        wakeful: Where people's verdicts on answers go; None for nowhere.
    """
    asking: set[asyncio.Task[None]] = set()
    await asyncio.sleep(SETTLING_SECONDS)
    while True:
        await asyncio.sleep(world.next_pause(datetime.now(UTC)))
        task = asyncio.create_task(_ask(world, client, world.crowd.ask(), wakeful))
        asking.add(task)
        task.add_done_callback(asking.discard)


async def _ask(
    world: World, client: httpx2.AsyncClient, request: Request, wakeful: str | None
) -> None:
    answer = await client.post(
        f"/v1/{request.feature.name}",
        json={"question": request.question, "turn": request.turn},
        headers={
            "x-tenant-id": request.tenant,
            "x-user-id": request.user_id,
            "x-session-id": request.session_id,
            "x-request-id": request.request_id,
        },
    )
    if wakeful is None:
        return
    if told := words(request, answer.json()["outcome"], world.rng):
        await asyncio.sleep(AFTER.total_seconds())
    for word in told:
        await tell(wakeful, answer.headers["x-trace-id"], word)


async def approve(world: World) -> None:
    """Let the team that approves tool calls work, second by second."""
    while True:
        await asyncio.sleep(1)
        world.approvals.pass_time(1, world.odds)
