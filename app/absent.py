"""Why a trace is not to be seen, a sentence for each reason that is known or cannot be. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from signals.traces.several import Finding, State
from signals.units import span

SENT_WITHIN = timedelta(minutes=5)  # of the end of a request, by any exporter that still works
SAMPLED = (
    "Whether the application or a collector sampled it out cannot be known from here: a trace that "
    "was never sent leaves no mark."
)
SAMPLED_OUT = (
    "It was here, and tail sampling has removed it: it had neither failed nor been slow or dear, "
    "and was not among those kept to stand for the rest. WAKEFUL_TAIL_SAMPLING_ONE_IN says how "
    "many are."
)


def reasons(
    findings: Sequence[Finding[Any]],
    *,
    logged_at: datetime | None,
    now: datetime,
    sampled_out: bool = False,
) -> list[str]:
    """Return the sentences, what is certain first.

    Args:
        findings: What each store said; none has found it.
        logged_at: When the first log line with its id was written; None without any.
        now: The present.
        sampled_out: Whether our own tail sampling is known to have removed it.
    """
    if sampled_out:
        return [SAMPLED_OUT]
    said = [f"No answer from “{one.store}”: {one.error}." for one in _in(findings, State.FAILED)]
    said += [
        f"The store “{one.store}” is still searching." for one in _in(findings, State.SEARCHING)
    ]
    if logged_at is not None:
        said.append(
            f"The request took place: its first log line is {span(now - logged_at)} old, see below."
        )
    nothing = _in(findings, State.NOTHING)
    said += [sentence for one in nothing for sentence in _of_store(one, logged_at, now)]
    return [*said, _elsewhere(findings), SAMPLED] if nothing else said


def _elsewhere(findings: Sequence[Finding[Any]]) -> str:
    asked = " and ".join(f"“{one.store}”" for one in findings)
    return (
        f"It may be in another store: only {asked} {'were' if len(findings) > 1 else 'was'} asked, "
        "and WAKEFUL_TRACE_STORE_URL names several with commas."
    )


def _of_store(one: Finding[Any], logged_at: datetime | None, now: datetime) -> list[str]:
    kept, lag = one.abilities.retention, one.abilities.lag
    age = now - logged_at if logged_at else None
    return [_expiry(one.store, kept, age), *_ingestion(one.store, lag, age)]


def _expiry(store: str, kept: timedelta | None, age: timedelta | None) -> str:
    lacks = f"The store “{store}” does not have it"
    if kept is None:
        return f"{lacks}, and does not say how long it keeps traces."
    if age is None:
        return f"{lacks}: it keeps traces for {span(kept)}, and drops older ones."
    if age > kept:
        return f"It has expired in the store “{store}”, which keeps traces for {span(kept)}."
    return f"{lacks}, though it keeps traces for {span(kept)}: it has not expired."


def _ingestion(store: str, lag: timedelta, age: timedelta | None) -> list[str]:
    if lag <= timedelta():
        if age is not None and age > SENT_WITHIN:
            return []
        return [
            f"The store “{store}” shows spans as soon as it has taken them: one whose request "
            "still runs, or whose exporter waits to send, is not there yet. This page looks again."
        ]
    behind = f"The store “{store}” is up to {span(lag)} behind"
    if age is not None and age > 2 * lag:
        return [f"{behind}, so that it should have come by now."]
    return [f"{behind}: it may not have come yet. This page looks again."]


def _in(findings: Sequence[Finding[Any]], state: State) -> list[Finding[Any]]:
    return [one for one in findings if one.state is state]
