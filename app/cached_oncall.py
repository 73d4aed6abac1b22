"""On-call schedules as the pages show them, shared by all viewers. Never change a row of these."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st
from sqlmodel import Session

from alerts import channels, rota
from alerts.rota import Rota, RotaError
from app import cached, wired
from app.cached import Answer

FRESH: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotaList:
    """Every schedule, by name.

    Attributes:
        broken: Why a schedule cannot be read, by its name.
        named_by: The policies that name each schedule, by its id.
        people: Everybody whom any of them names.
    """

    rotas: tuple[Rota, ...]
    broken: dict[str, str]
    named_by: dict[int, tuple[str, ...]]
    people: tuple[str, ...]

    def rota(self, asked: str) -> Rota | None:
        """Return the schedule with that id, which may be anything."""
        return next((one for one in self.rotas if str(one.row.id) == asked), None)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def every() -> Answer[RotaList]:
    """Return every schedule with what decides who is on call."""
    now = wired.current().clock()

    def read(session: Session) -> RotaList:
        rotas: list[Rota] = []
        broken: dict[str, str] = {}
        for row in rota.schedules(session):
            try:
                rotas.append(rota.load(session, row, at=now))
            except RotaError as error:
                broken[row.name] = str(error)
        return RotaList(
            rotas=tuple(rotas),
            broken=broken,
            named_by={
                one.row.id or 0: tuple(rota.policies_naming(session, one.row.name)) for one in rotas
            },
            people=tuple(rota.known_people(session)),
        )

    return cached.from_database("rotas", read)


def channel_names() -> list[str]:
    """Return the schedules as a policy names them; none while the database is down."""
    found = every().data
    names = [*(one.row.name for one in found.rotas), *found.broken] if found else []
    return [channels.name(channels.SCHEDULE, name) for name in names]


def unknown(names: Iterable[str]) -> list[str]:
    """Return those channels that name a schedule which does not exist."""
    if every().data is None:
        return []
    known, kind = channel_names(), f"{channels.SCHEDULE}:"
    return [name for name in names if name.startswith(kind) and name not in known]


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    every.clear()
