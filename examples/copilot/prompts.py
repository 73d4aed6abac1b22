"""The prompt registry: who changed what, and who gets which version."""

import hashlib
from dataclasses import dataclass

ROLLOUT_PERCENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One version of the prompt of the copilot."""

    version: str
    owner: str
    template: str


CURRENT = Prompt(
    version="1.4.0",
    owner="ada@example.org",
    template="You are an internal support assistant. Cite the documents you used.",
)
CANDIDATE = Prompt(
    version="2.0.0",
    owner="grace@example.org",
    template="You are an internal support assistant. Cite the documents you used, and say so when "
    "you do not know.",
)


def pick(user_id: str, *, percent: int = ROLLOUT_PERCENT) -> Prompt:
    """Return the prompt of a user: always the same one, `percent` of users get the candidate."""
    bucket = int(hashlib.md5(user_id.encode(), usedforsecurity=False).hexdigest(), 16) % 100
    return CANDIDATE if bucket < percent else CURRENT
