"""The engines that run: each beats while it lives, so that the others know when it does not."""

import socket
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select

from models.tables import EngineBeat

FORGOTTEN_AFTER = timedelta(days=1)


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
        session.commit()


def engines(session: Session) -> list[EngineBeat]:
    """Return the engines that run or have died lately, longest running first."""
    return list(session.exec(select(EngineBeat).order_by(col(EngineBeat.started_at))))
