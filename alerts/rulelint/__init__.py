"""What may be wrong with a rule: each finding is one sentence that says what to do. Pure.

itself     what the rule alone tells
among      what it is beside the other rules
past       what the last days tell of it
quantiles  what the buckets of its histogram tell
asked      what the server's names, its parser and its statistics tell of its PromQL
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from alerts.conditions import AnyCondition
from models.vocabulary import Severity


class Grade(StrEnum):
    """How sure it is that the rule is not what its author wants, the surest first."""

    ERROR = "error"  # it cannot do what a rule is for
    WARNING = "warning"  # somebody will be woken for nothing, or not be woken
    HINT = "hint"  # worth a look


class Check(StrEnum):
    """What a finding is about; of two as sure the one that is said first."""

    NEVER_FIRES = "never fires"
    ALWAYS_FIRES = "always fires"
    UNSEEN = "unseen threshold"
    ONE_FAILURE = "one failed request"
    LITTLE_TRAFFIC = "little traffic"
    QUANTILE = "quantile"
    SYNTAX = "syntax"
    UNKNOWN_NAME = "unknown name"
    CARDINALITY = "cardinality"
    COST = "cost"
    DUPLICATE = "duplicate"
    TOO_MANY_SLOS = "too many SLOs"
    NO_OWNER = "no owner"
    NO_RUNBOOK = "no runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that may be wrong; `sentence` says what, and what to do."""

    check: Check
    grade: Grade
    sentence: str

    def __str__(self) -> str:
        return f"{self.grade}: {self.sentence}"


class Written(Protocol):
    """What is judged of a rule; a RuleDraft is one. An owner may be empty."""

    name: str
    owner: str
    severity: Severity
    runbook_url: str
    annotations: dict[str, str]
    condition: AnyCondition
    hold: timedelta
    enabled: bool


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the surest first; that nothing reached what nothing can is left out."""
    grades, checks = list(Grade), list(Check)
    found = sorted(findings, key=lambda one: (grades.index(one.grade), checks.index(one.check)))
    if not any(one.grade is Grade.ERROR for one in found):
        return found
    return [one for one in found if one.check is not Check.UNSEEN]
