"""The queue of tool calls that wait for a human."""

from random import Random

from examples.copilot.breaks import Conditions


class Approvals:
    """How many wait, as time passes: the queue moves towards the level of the conditions."""

    def __init__(self, rng: Random, *, depth: float = 12.0) -> None:
        self.depth = depth
        self._rng = rng

    def pass_time(self, seconds: float, odds: Conditions) -> None:
        """Let `seconds` pass under `odds`."""
        reach = odds.approvals_per_second * seconds
        gap = odds.approval_level - self.depth
        self.depth += max(-reach, min(reach, gap)) + self._rng.gauss(0, 1.5)
        self.depth = max(0.0, self.depth)
