"""A time of its own on the Traces page: `from` and `until` in the URL, besides the range.

Points and rectangles of charts lead here. The range stays chosen: it is what the traces of this
time are held against.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from app import parts
from app.local_time import clock
from signals.units import span

FROM: Final = "from"
UNTIL: Final = "until"
LONGEST: Final = timedelta(days=31)

Period = tuple[datetime, datetime]


def query(start: datetime, end: datetime) -> dict[str, str]:
    """Return a time as the URL holds it: in UTC, to the second, never empty."""
    start = start.replace(microsecond=0)
    end = max(end, start + timedelta(seconds=1))
    return {FROM: _written(start), UNTIL: _written(end)}


def read(params: Mapping[str, str]) -> Period | None:
    """Return the time that the URL holds, or None when it holds none.

    Raises:
        ValueError: It makes no sense; the sentence says why.
    """
    if FROM not in params and UNTIL not in params:
        return None
    try:
        start, end = (datetime.fromisoformat(params.get(name, "")) for name in (FROM, UNTIL))
    except ValueError:
        raise ValueError(
            "The link names no time: write from=2026-03-01T12:00:00Z and until=… alike."
        ) from None
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("The link names a time without its zone: end it with Z for UTC.")
    if not timedelta() < end - start <= LONGEST:
        raise ValueError(f"The link names a time that is empty or longer than {span(LONGEST)}.")
    return start, end


def chosen() -> Period | None:
    """Return the time that was chosen; says so where the URL makes no sense."""
    try:
        return read(st.query_params)
    except ValueError as error:
        st.warning(str(error))
        return None


def put(start: datetime, end: datetime) -> None:
    """Choose a time."""
    st.query_params.update(query(start, end))


def drop() -> None:
    """Choose none."""
    for name in (FROM, UNTIL):
        st.query_params.pop(name, None)


def draw(period: Period, *, now: datetime) -> None:
    """Draw which time was chosen, as a button that lets go of it."""
    zone = parts.viewer_zone()
    start, end = (clock(at, now=now, zone=zone) for at in period)
    st.button(
        f"{start} to {end}",
        icon=":material/close:",
        key="traces_time_drop",
        help="Only this time; press to see the whole range.",
        on_click=drop,
    )


def _written(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
