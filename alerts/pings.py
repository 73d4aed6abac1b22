"""Things outside that report in: each has an address to call, and its silence is a signal."""

import secrets
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.tables import Ping

SIGNAL = "heartbeat_silence"  # how long ago each last did so
LABEL = "heartbeat"  # by which it is split


class UnknownPingError(Exception):
    """Nothing reports in by this address."""


def ensure(session: Session, name: str, *, now: datetime) -> Ping:
    """Return what reports in under `name`, with an address of its own from now on."""
    row = session.exec(select(Ping).where(Ping.name == name)).one_or_none()
    if row is None:
        row = Ping(name=name, token=secrets.token_urlsafe(24), created_at=now)
        session.add(row)
        session.flush()
    return row


def pings(session: Session) -> list[Ping]:
    """Return everything that reports in, by name."""
    return list(session.exec(select(Ping).order_by(col(Ping.name))))


def heard(db: Engine, token: str, *, now: datetime) -> str:
    """Write that something reported in; return its name.

    Raises:
        UnknownPingError: Nothing has this token.
    """
    with Session(db) as session:
        found = session.exec(select(Ping).where(Ping.token == token).with_for_update())
        row = found.one_or_none()
        if row is None:
            raise UnknownPingError("nothing reports in by this address")
        row.last_at = max(now, row.last_at or now)
        name = row.name
        session.commit()
    return name


def ping_url(base_url: str, row: Ping) -> str:
    """Return the address that is to be called."""
    return f"{base_url}/ping/{row.token}"
