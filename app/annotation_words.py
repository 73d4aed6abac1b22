"""Annotations and silences as pages say and draw them. Pure."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from alerts.quiet_times import QuietTime
from app import numbers
from app.charts import Note
from app.local_time import clock
from app.parts import Look, mark, plain
from models.tables import Annotation
from models.vocabulary import AnnotationKind
from signals.units import span

LOOKS: Final[dict[AnnotationKind, Look]] = {
    AnnotationKind.DEPLOY: ("violet", "rocket_launch"),
    AnnotationKind.PROMPT: ("blue", "edit_note"),
    AnnotationKind.CANARY: ("orange", "science"),
    AnnotationKind.OTHER: ("gray", "flag"),
}


def notes(rows: Iterable[Annotation]) -> tuple[Note, ...]:
    """Return `rows` as a chart draws them."""
    return tuple(
        Note(at=row.at, end=row.end_at, what=f"{row.kind}: {row.title}", by=row.author)
        for row in rows
    )


def silenced(times: Iterable[QuietTime]) -> tuple[Note, ...]:
    """Return as a chart draws them when alerts were silenced."""
    return tuple(
        Note(at=one.start, end=one.end, what=f"silenced: {one.why}", by=one.by) for one in times
    )


def line(row: Annotation, *, now: datetime, zone: tzinfo) -> str:
    """Return one annotation as Markdown: kind, what, when, by whom, about whom."""
    title = f"**{plain(row.title)}**"
    if row.url:
        title = f"[{plain(row.title)}](<{row.url}>)"
    at = clock(row.at, now=now, zone=zone)
    said = [f"{at}, {numbers.age(row.at, now=now)}" if row.at <= now else at]
    if row.end_at is not None:
        said.append(f"for {span(row.end_at - row.at)}")
    if row.author:
        said.append(f"by {plain(row.author)}")
    said += [f"{plain(name)} {plain(value)}" for name, value in sorted(row.labels.items())]
    return f"{mark(row.kind, LOOKS[row.kind])} {title} :small[:gray[{' · '.join(said)}]]"
