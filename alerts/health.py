"""Whether alerts go out: what `/healthz` says, and what the outward heartbeat depends on."""

from datetime import datetime, timedelta

from sqlmodel import Session

from alerts import audit, inbox
from models.tables import Heartbeat

# A job this late is stuck.
PATIENCE = timedelta(seconds=30)
# The hourly sweep is nobody's emergency, nor are rules as they were; an outward heartbeat that
# fails is heard where it ends.
UNHURRIED = ("sweep", "rules", "heartbeat")


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


def _complaint(beat: Heartbeat, now: datetime) -> str:
    if beat.job in UNHURRIED:
        return ""
    age = now - beat.at
    if age > PATIENCE:
        return f"{beat.job} has not finished for {age.total_seconds():.0f} s"
    return f"{beat.job} fails: {beat.error}" if beat.error else ""
