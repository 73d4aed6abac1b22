"""What is wrong in a file, and where. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong, in one sentence.

    Attributes:
        line: Counted from 1; None where it is about the file as a whole.
        rule: Name of the rule, if it has one.
        number: The rule's place in its group, from 1; None where it is about no rule.
    """

    reason: str
    line: int | None = None
    group: str = ""
    rule: str = ""
    number: int | None = None

    def __str__(self) -> str:
        parts = [f"line {self.line}"] if self.line is not None else []
        if self.group:
            parts.append(f"group {self.group!r}")
        if self.number is not None:
            parts.append(f"rule {self.number}" + (f" ({self.rule})" if self.rule else ""))
        elif self.rule:
            parts.append(f"rule {self.rule!r}")
        place = ", ".join(parts)
        return f"{place}: {self.reason}" if place else self.reason


class RuleCodeError(Exception):
    """The file cannot be taken, and nothing of it was. `complaints` has every reason."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        more = len(complaints) - 1
        super().__init__(f"{complaints[0]}" + (f" (and {more} more)" if more else ""))
