"""The calendar of an on-call schedule as HTML: days of shifts, or a strip of two weeks. Pure.

A person is a name and a tint, a gap is a word and stripes: never a colour alone. Every text goes
through `escape`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from html import escape
from pathlib import Path
from typing import Final

from alerts.layers import Shift
from alerts.notifiers import people
from alerts.schedule import Gap
from app import oncall_words
from models.wallclock import instant

STYLE: Final = f"<style>{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>"
HUES: Final = 8
DAY: Final = timedelta(days=1)
_WIDE: Final = 0.08  # of a strip: what a name needs to be read
_NARROW: Final = 0.028  # and what initials do


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the drawing depends on beside the shifts.

    Attributes:
        zone: Whose days and clocks.
        names: What to call each person.
        marks: A word for each override, by its id: `override`, `swap`.
        known_until: Beyond, nobody was asked; None for no end.
    """

    zone: tzinfo
    names: Mapping[str, str]
    marks: Mapping[int, str]
    known_until: datetime | None = None

    def hue(self, mailbox: str) -> int:
        """Return the tint of a person, which nobody else of the first `HUES` has."""
        keys = list(dict.fromkeys(map(people.key, self.names)))
        key = people.key(mailbox)
        return keys.index(key) % HUES if key in keys else HUES - 1


def bounds(first: date, days: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants between which lie `days` days from `first` on."""
    start = datetime.combine(first, time())
    return instant(start, zone), instant(start + days * DAY, zone)


def calendar(
    pieces: Sequence[Shift | Gap], first: date, days: int, look: Look, *, today: date
) -> str:
    """Return a calendar of whole weeks' columns: `days` days from `first` on, in `look.zone`."""
    cells = (
        _day(first + number * DAY, _within(pieces, first + number * DAY, look.zone), look, today)
        for number in range(days)
    )
    names = "".join(f"<span>{name[:3]}</span>" for name in oncall_words.WEEKDAYS)
    head = f'<div class="weekdays" aria-hidden="true">{names}</div>'
    return f'<div class="oncall">{head}<ol class="days">{"".join(cells)}</ol></div>'


def strip(pieces: Sequence[Shift | Gap], look: Look) -> str:
    """Return one line in which each shift is as wide as it is long."""
    if not pieces:
        return ""
    start, end = pieces[0].start, pieces[-1].end
    whole = (end - start).total_seconds()
    drawn = []
    for piece in pieces:
        share = (piece.end - piece.start).total_seconds() / whole
        words = escape(_words(piece, look)) if share >= _WIDE else _initials(piece, look, share)
        drawn.append(
            f'<li class="piece {_kind(piece, look)}" style="width:{share:.3%}" '
            f'title="{escape(_title(piece, look))}">{words}</li>'
        )
    ends = "".join(f"<span>{escape(_date(at, look))}</span>" for at in (start, end))
    return (
        f'<div class="oncall"><ol class="strip">{"".join(drawn)}</ol>'
        f'<div class="ends" aria-hidden="true">{ends}</div>{_legend(pieces, look)}</div>'
    )


def _legend(pieces: Iterable[Shift | Gap], look: Look) -> str:
    found = {_words(piece, look): _kind(piece, look) for piece in pieces}
    named = (f'<li class="{kind}"><i></i>{escape(name)}</li>' for name, kind in found.items())
    return f'<ul class="legend">{"".join(named)}</ul>'


def _initials(piece: Shift | Gap, look: Look, share: float) -> str:
    if share < _NARROW or isinstance(piece, Gap):
        return ""
    letters = "".join(word[0] for word in _words(piece, look).split()[:2])
    return f'<span class="initials">{escape(letters)}</span>'


def _day(day: date, pieces: Iterable[Shift | Gap], look: Look, today: date) -> str:
    standing = "past" if day < today else "today" if day == today else "coming"
    weekday = oncall_words.WEEKDAYS[day.weekday()]
    said = f"{day:%-d %b}" if day.day == 1 or standing == "today" else f"{day:%-d}"
    note = " today" if standing == "today" else ""
    rows = "".join(_row(piece, day, look) for piece in pieces)
    return (
        f'<li class="day {standing}" style="grid-column:{day.weekday() + 1}" '
        f'aria-label="{weekday}, {day:%-d %B}">'
        f'<span class="date"><span class="weekday">{weekday[:3]} </span>{said}{note}</span>'
        f'<ul class="pieces">{rows}</ul></li>'
    )


def _row(piece: Shift | Gap, day: date, look: Look) -> str:
    start = piece.start.astimezone(look.zone)
    begins = start.date() == day and (start.time() != time())
    at = f'<span class="at">{start:%H:%M}</span> ' if begins else ""
    mark = ""
    if isinstance(piece, Shift) and piece.override is not None:
        mark = look.marks.get(piece.override.id, "override")
        mark = f' <span class="tag">{escape(mark)}</span>'
    hours = (piece.end - piece.start).total_seconds() / 3600
    return (
        f'<li class="piece {_kind(piece, look)}" style="flex-grow:{hours:.2f}" '
        f'title="{escape(_title(piece, look))}">{at}{escape(_words(piece, look))}{mark}</li>'
    )


def _within(pieces: Iterable[Shift | Gap], day: date, zone: tzinfo) -> Iterator[Shift | Gap]:
    """Yield the parts of `pieces` that lie in that day; a day that never was has none."""
    start, end = bounds(day, 1, zone)
    for piece in pieces:
        if piece.start < end and piece.end > start:
            yield replace(piece, start=max(piece.start, start), end=min(piece.end, end))


def _kind(piece: Shift | Gap, look: Look) -> str:
    if isinstance(piece, Shift):
        return f"p{look.hue(piece.person)}"
    return "unknown" if _beyond(piece, look) else "gap"


def _beyond(gap: Gap, look: Look) -> bool:
    return look.known_until is not None and gap.start >= look.known_until


def _words(piece: Shift | Gap, look: Look) -> str:
    if isinstance(piece, Shift):
        return look.names.get(piece.person, piece.person)
    return "not known yet" if _beyond(piece, look) else "nobody"


def _title(piece: Shift | Gap, look: Look) -> str:
    said = f"{_words(piece, look)}: {oncall_words.stretch(piece.start, piece.end, look.zone)}"
    return f"{said}, {piece.layer}" if isinstance(piece, Shift) and piece.layer else said


def _date(at: datetime, look: Look) -> str:
    return f"{at.astimezone(look.zone):%a %-d %b}"
