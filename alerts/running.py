"""The engines that run: each beats while it lives, so that the others know when it does not."""

import socket
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select

from alerts.notifiers import LinkState
from models.tables import EngineBeat, Link

FORGOTTEN_AFTER = timedelta(days=1)
LINK_KNOWN_FOR = timedelta(seconds=30)  # an engine reports its connections every few seconds


def beat(db: Engine, engine_id: str, *, now: datetime) -> None:
    """Write that the engine lives, and forget those that have been dead for long."""
    with Session(db) as session:
        row = session.get(EngineBeat, engine_id)
        if row is None:
            row = EngineBeat(id=engine_id, host=socket.gethostname(), started_at=now, at=now)
        row.at = now
        session.add(row)
        session.exec(delete(EngineBeat).where(col(EngineBeat.at) < now - FORGOTTEN_AFTER))
        session.commit()


def leave(db: Engine, engine_id: str) -> None:
    """Write that the engine has stopped: what it had leased is free at once."""
    with Session(db) as session:
        session.exec(delete(EngineBeat).where(col(EngineBeat.id) == engine_id))
        session.exec(delete(Link).where(col(Link.engine_id) == engine_id))
        session.commit()


def engines(session: Session) -> list[EngineBeat]:
    """Return the engines that run or have died lately, longest running first."""
    return list(session.exec(select(EngineBeat).order_by(col(EngineBeat.started_at))))


def report(db: Engine, engine_id: str, states: Mapping[str, LinkState], *, now: datetime) -> None:
    """Write how an engine's connections are doing, and forget those of the dead."""
    with Session(db) as session:
        for name, state in states.items():
            link = Link(
                engine_id=engine_id,
                name=name,
                host=socket.gethostname(),
                at=now,
                connected=state.connected,
                since=state.since,
                error=state.error[:500],
                error_at=state.error_at,
            )
            session.merge(link)
        session.exec(delete(Link).where(col(Link.at) < now - FORGOTTEN_AFTER))
        session.commit()


def links(session: Session, *, now: datetime) -> list[Link]:
    """Return the connections of the engines that run, by name."""
    alive = select(Link).where(col(Link.at) > now - LINK_KNOWN_FOR)
    return list(session.exec(alive.order_by(col(Link.name), col(Link.engine_id))))
