"""Whether alerts go out: what `/healthz` says, and what the outward heartbeat depends on."""

from datetime import datetime, timedelta

from sqlmodel import Session

from alerts import audit, inbox, running
from models.tables import Heartbeat, Link
from signals.units import span

# A job this late is stuck.
PATIENCE = timedelta(seconds=30)
# A connection that is away for less is being renewed.
LINK_PATIENCE = timedelta(minutes=1)
# The hourly sweep, the sampling of traces and tests of channels are nobody's emergency, nor are
# rules as they were; an outward heartbeat that fails is heard where it ends.
UNHURRIED = ("sweep", "sample", "test", "rules", "heartbeat")


def complaints(session: Session, *, now: datetime, engine: bool) -> list[str]:
    """Return why alerts may not go out, a phrase each; none when all is well.

    Args:
        session: To read from.
        now: The instant.
        engine: Whether an engine ought to be ticking here.
    """
    beats = inbox.heartbeats(session)
    reasons = [why for beat in beats if (why := _complaint(beat, now))]
    if engine and not beats:
        reasons.append("the engine has not ticked yet")
    return reasons + [one.sentence for one in audit.audit(session, now=now) if one.count]


def warnings(session: Session, *, now: datetime) -> list[str]:
    """Return what does not work although alerts go out, a sentence each.

    A restart would mend none of it, and would hold pages up: nothing here makes `/healthz` red.
    """
    found: dict[str, list[Link]] = {}
    for link in running.links(session, now=now):
        found.setdefault(link.name, []).append(link)
    return [
        said
        for name, links in found.items()
        if (said := _unheard(name, links, now=now)) is not None
    ]


def _unheard(name: str, links: list[Link], *, now: datetime) -> str | None:
    """Return that nobody hears from a vendor; None while one engine does, or is about to."""
    away = min((now - link.since if link.since else timedelta()) for link in links)
    if any(link.connected for link in links) or away < LINK_PATIENCE:
        return None
    why = next((link.error for link in links if link.error), "no answer")
    return f"buttons in {name} do not work, not connected for {span(away)}: {why}"


def _complaint(beat: Heartbeat, now: datetime) -> str:
    if beat.job in UNHURRIED:
        return ""
    age = now - beat.at
    if age > PATIENCE:
        return f"{beat.job} has not finished for {age.total_seconds():.0f} s"
    return f"{beat.job} fails: {beat.error}" if beat.error else ""
