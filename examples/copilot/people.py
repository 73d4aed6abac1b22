"""Who asks the copilot what: tenants, users, sessions of several turns, and the hours of a day."""

import math
from dataclasses import dataclass
from datetime import datetime
from random import Random

from examples.copilot import texts
from examples.copilot.prompts import Prompt, pick
from examples.copilot.providers import MINI, OPUS, SONNET, LanguageModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One thing the product offers.

    Attributes:
        share: Of all traffic.
        input_tokens, output_tokens: Of a usual call.
        tool: What it may call, with a human's approval; empty for none.
    """

    name: str
    share: float
    model: LanguageModel
    input_tokens: int
    output_tokens: int
    tool: str = ""


FEATURES = {
    feature.name: feature
    for feature in (
        Feature(name="answers", share=0.40, model=OPUS, input_tokens=2600, output_tokens=480),
        Feature(name="search", share=0.20, model=MINI, input_tokens=1800, output_tokens=160),
        Feature(name="summaries", share=0.20, model=SONNET, input_tokens=4200, output_tokens=420),
        Feature(
            name="drafts",
            share=0.20,
            model=SONNET,
            input_tokens=3000,
            output_tokens=700,
            tool="update_ticket",
        ),
    )
}

TENANTS = (
    "acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "wonka", "tyrell",
    "cyberdyne", "soylent", "aperture",
)  # fmt: skip
USERS_PER_TENANT = 25
SESSIONS_AT_ONCE = 40
TURNS_PER_SESSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What reaches the gateway: one turn of a session.

    Attributes:
        is_last: The person will not ask again.
    """

    request_id: str
    feature: Feature
    tenant: str
    user_id: str
    session_id: str
    turn: int
    prompt: Prompt
    question: str
    is_last: bool = False


class Crowd:
    """People with open sessions, who ask one thing after the other."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._sessions: list[tuple[str, str, str]] = []
        self._turns: dict[str, int] = {}

    def ask(self, feature: str | None = None, *, percent: int = 10) -> Request:
        """Return the next request; `percent` of users are on the candidate prompt."""
        rng = self._rng
        tenant, user_id, session_id = self._session()
        chosen = FEATURES[feature] if feature else pick_feature(rng)
        turn = self._turns[session_id] = self._turns.get(session_id, 0) + 1
        is_last = rng.random() < 1 / TURNS_PER_SESSION
        if is_last:
            self._sessions.remove((tenant, user_id, session_id))
            del self._turns[session_id]
        return Request(
            request_id=f"req_{rng.getrandbits(48):012x}",
            feature=chosen,
            tenant=tenant,
            user_id=user_id,
            session_id=session_id,
            turn=turn,
            prompt=pick(user_id, percent=percent),
            question=texts.question(chosen.name, rng),
            is_last=is_last,
        )

    def _session(self) -> tuple[str, str, str]:
        rng = self._rng
        if len(self._sessions) < SESSIONS_AT_ONCE:
            # Zipf: a few tenants make most of the traffic.
            weights = [1 / rank for rank in range(1, len(TENANTS) + 1)]
            tenant = rng.choices(TENANTS, weights)[0]
            user_id = f"u-{tenant}-{rng.randrange(USERS_PER_TENANT):02d}"
            self._sessions.append((tenant, user_id, f"s-{rng.getrandbits(40):010x}"))
        return rng.choice(self._sessions)


def verdict(outcome: str, rng: Random) -> str | None:
    """Return what a person who leaves tells of the last answer, in Wakeful's words, or nothing."""
    if outcome in ("error", "timeout", "rate_limited"):
        return rng.choices(("abandoned", "escalated", None), (0.6, 0.2, 0.2))[0]
    told = ("resolved", "edited", "abandoned", "escalated", None)
    return rng.choices(told, (0.52, 0.10, 0.06, 0.04, 0.28))[0]


def pick_feature(rng: Random) -> Feature:
    """Return a feature, as often as its share says."""
    features = list(FEATURES.values())
    return rng.choices(features, [feature.share for feature in features])[0]


def daily_shape(at: datetime) -> float:
    """Return the load at `at` relative to the day's mean: mild, highest at 14:00 UTC."""
    hour = at.hour + at.minute / 60
    return 1 + 0.35 * math.cos((hour - 14) / 24 * 2 * math.pi)
