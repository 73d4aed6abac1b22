"""The story of an alert or of a group of them, as Markdown and as JSON, for a post-mortem. Pure.

All times are UTC. Offsets count from when the first alert fired.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.entries import Entry, EntryKind
from alerts.lifecycle import ENGINE
from models.vocabulary import AlertState, Severity
from signals.units import span

VERSION = 1  # of the JSON
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One alert of a story.

    Attributes:
        summary: What was wrong, and for whom, in one line.
        url: Its page.
    """

    alert_id: int
    rule: str
    owner: str
    summary: str
    severity: Severity
    state: AlertState
    labels: Mapping[str, str]
    active_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    url: str
    runbook_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened, from the first sign to the end or to when it was written down.

    Attributes:
        subjects: The alerts, the first to fire first; at least one.
        entries: Oldest first.
    """

    title: str
    severity: Severity
    written_at: datetime
    subjects: tuple[Subject, ...]
    entries: tuple[Entry, ...]

    @property
    def fired_at(self) -> datetime:
        """Return when the first alert fired, or became pending if none has."""
        fired = [one.fired_at for one in self.subjects if one.fired_at]
        return min(fired, default=self.subjects[0].active_at)

    @property
    def ended_at(self) -> datetime | None:
        """Return when the last alert was over; None while one is open."""
        ends = [one.resolved_at for one in self.subjects]
        return None if None in ends else max(filter(None, ends))

    @property
    def taken(self) -> Entry | None:
        """Return the first acknowledgement, if there was one."""
        taken = (e for e in self.entries if _is(e, AlertState.ACKNOWLEDGED))
        return next(taken, None)


def markdown(story: Story) -> str:
    """Return the story as Markdown."""
    lines = [f"# {_plain(story.title)}", "", *_facts(story), ""]
    if len(story.subjects) > 1:
        lines += ["## Alerts", "", *map(_subject, story.subjects), ""]
    lines += ["## Timeline", "", "Times are UTC; offsets count from firing.", ""]
    names = {one.alert_id: _named(one) for one in story.subjects}
    several = len(story.subjects) > 1
    for entry in story.entries:
        about = names.get(entry.alert_id or 0, "") if several else ""
        lines.append(f"- {_entry(entry, since=story.fired_at, about=about)}")
    return "\n".join(lines) + "\n"


def as_json(story: Story) -> dict[str, Any]:
    """Return the story as values that JSON knows; see `VERSION`."""
    ended, taken = story.ended_at, story.taken
    return {
        "version": VERSION,
        "title": story.title,
        "severity": story.severity.value,
        "fired_at": _iso(story.fired_at),
        "ended_at": _iso(ended),
        "acknowledged_at": _iso(taken.at if taken else None),
        "acknowledged_by": taken.actor if taken else None,
        "seconds_to_acknowledge": _seconds(taken.at if taken else None, story.fired_at),
        "seconds_to_end": _seconds(ended, story.fired_at),
        "written_at": _iso(story.written_at),
        "alerts": [_subject_json(one) for one in story.subjects],
        "timeline": [_entry_json(one, since=story.fired_at) for one in story.entries],
    }


def file_name(story: Story, ending: str) -> str:
    """Return a name for the file: `2026-01-01-errors-of-chat.md`."""
    words: Sequence[str] = re.findall(r"[a-z0-9]+", story.title.lower())
    return f"{story.fired_at:%Y-%m-%d}-{'-'.join(words)[:60] or 'alert'}.{ending}"


def _facts(story: Story) -> Iterable[str]:
    first, taken, ended = story.subjects[0], story.taken, story.ended_at
    more = f", and {len(story.subjects) - 1} more" if len(story.subjects) > 1 else ""
    yield f"- **What**: {_plain(first.summary)}{more}"
    yield f"- **Severity**: {story.severity}"
    yield f"- **Began**: {_at(first.active_at)}, fired {_at(story.fired_at)}"
    if taken:
        yield f"- **Taken**: by {_plain(taken.actor)}, {span(taken.at - story.fired_at)} later"
    else:
        yield "- **Taken**: by nobody"
    if ended:
        last = max(story.subjects, key=lambda one: one.resolved_at or story.fired_at)
        by = "itself" if last.resolved_by == ENGINE else _plain(last.resolved_by or "somebody")
        yield f"- **Ended**: {_at(ended)}, by {by}, after {span(ended - story.fired_at)}"
    else:
        yield f"- **Ended**: not yet, at {_at(story.written_at)}"
    yield f"- **Owner**: {_plain(first.owner)}"
    yield f"- **Page**: <{first.url}>"
    if first.runbook_url:
        yield f"- **Runbook**: <{first.runbook_url}>"


def _subject(one: Subject) -> str:
    link = f"[alert {one.alert_id}]({one.url})"
    return f"- {_plain(one.summary)} ({one.severity}, {one.state}, {link})"


def _entry(entry: Entry, *, since: datetime, about: str) -> str:
    said = _plain(entry.text)
    if entry.kind is EntryKind.NOTE:
        said = f"**{_plain(entry.actor)} noted**: {said}"
    elif entry.actor and entry.actor != ENGINE:
        said = f"{said} by {_plain(entry.actor)}"
    where = f" ({_plain(about)})" if about else ""
    return f"{_at(entry.at)} ({_offset(entry.at - since)}) {said}{where}"


def _named(one: Subject) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items())) or one.rule


def _subject_json(one: Subject) -> dict[str, Any]:
    return {
        "id": one.alert_id,
        "rule": one.rule,
        "owner": one.owner,
        "summary": one.summary,
        "severity": one.severity.value,
        "state": one.state.value,
        "labels": dict(one.labels),
        "active_at": _iso(one.active_at),
        "fired_at": _iso(one.fired_at),
        "resolved_at": _iso(one.resolved_at),
        "resolved_by": one.resolved_by,
        "url": one.url,
        "runbook_url": one.runbook_url,
    }


def _entry_json(one: Entry, *, since: datetime) -> dict[str, Any]:
    return {
        "at": _iso(one.at),
        "offset_seconds": _seconds(one.at, since),
        "kind": one.kind.value,
        "text": one.text,
        "actor": one.actor,
        "value": one.value,
        "ok": one.ok,
        "channels": list(one.channels),
        "alert_id": one.alert_id,
    }


def _is(entry: Entry, state: AlertState) -> bool:
    return entry.kind is EntryKind.STATE and entry.text == state.value


def _plain(text: str) -> str:
    """Return `text` on one line, so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _offset(apart: timedelta) -> str:
    return f"{'-' if apart < timedelta() else '+'}{span(abs(apart))}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _seconds(at: datetime | None, since: datetime) -> float | None:
    return None if at is None else round((at - since).total_seconds(), 3)
