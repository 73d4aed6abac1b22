"""Tools and approvals as the pages say them. Pure."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from app import numbers
from signals.traces.tools import Approval, ToolUse
from signals.units import span


def table(uses: Sequence[ToolUse]) -> pd.DataFrame:
    """Return a row per tool: calls, errors, seconds, permissions, approvals.

    What no tool has is left out, so that an application without approvals has no columns of them.
    """
    counted = {
        "Errors": [use.errors for use in uses],
        "Allowed": [use.allowed for use in uses],
        "Denied": [use.denied for use in uses],
        "Needs confirmation": [use.confirmed for use in uses],
        "Not said": [use.unsaid for use in uses],
        "Granted": [use.granted for use in uses],
        "Rejected": [use.rejected for use in uses],
        "Pending": [use.pending for use in uses],
    }
    always = ("Errors", "Allowed", "Denied")
    return pd.DataFrame(
        {
            "Tool": [use.tool for use in uses],
            "Calls": [use.calls for use in uses],
            "p50": [use.p50_ms / 1000 for use in uses],
            "p95": [use.p95_ms / 1000 for use in uses],
            **{name: told for name, told in counted.items() if any(told) or name in always},
        }
    )


def waiting(approval: Approval, *, now: datetime) -> str:
    """Return what became of an approval and after how long, or how long it waits."""
    age = approval.age(now=now)
    if approval.outcome == "pending":
        return f"{approval.tool}: has waited {numbers.coarse(age) if age is not None else '?'}"
    after = f" after {span(age)}" if age is not None else ""
    return f"{approval.tool}: {approval.outcome}{after}"
