"""Dashboards as one YAML file of our own, read and written.

version: 1
dashboards:
  - title: Checkout bot
    owner: Ada Lovelace
    purpose: Is it well?
    panels:
      - signals: [latency_p50, latency_p95, latency_p99]
      - title: Queue
        promql: sum(queue_depth{feature=~"$feature"})
        threshold: 200

A file is taken whole or not at all. A dashboard that is here already shows what the file says; its
owner stays, since whose it is changes by hand-over only.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, select

from alerts.rulecode import yamltree
from alerts.rulecode.changes import Difference
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.promfile import Dumper
from alerts.rulecode.yamltree import Tree
from app import dashboard_versions, dashboards
from app.dashboard_panels import VARIABLES, DashboardDraft, DashboardError, why
from models.tables import Dashboard

VERSION: Final = 1
LIMIT_COMPLAINTS: Final = 100
LIMIT_BYTES: Final = 1_000_000
MOST: Final = 200  # dashboards in one file


class OwnedDraft(DashboardDraft):
    """A dashboard with the one who answers for it."""

    owner: str = Field(min_length=1, max_length=80, description="The one person who answers for it")

    @property
    def shown(self) -> DashboardDraft:
        """Return it without its owner."""
        return DashboardDraft.model_validate(self.written())


class DashboardFile(BaseModel):
    """What such a file holds."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    dashboards: list[OwnedDraft] = Field(max_length=MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One dashboard of a file, and what taking it would do.

    Attributes:
        what: `new`, `changed` or `unchanged`.
        differences: What would change of one that is here.
        note: What is not taken, in a sentence; empty for nothing.
    """

    draft: OwnedDraft
    what: str
    line: int | None
    differences: tuple[Difference, ...] = ()
    note: str = ""


def read(text: str) -> list[tuple[OwnedDraft, int | None]]:
    """Return the dashboards of a file, each with its line.

    Raises:
        RuleCodeError: Something in it makes no sense; each complaint has its line.
    """
    if len(text) > LIMIT_BYTES:
        reason = f"larger than {LIMIT_BYTES // 1_000_000} MB, the most that is taken"
        raise RuleCodeError([Complaint(reason=reason)])
    document = next(iter(yamltree.documents(text, most=1)), None)
    root = document.root if document else None
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = f"not YAML: {' '.join(str(error).split())}"
        raise RuleCodeError([Complaint(reason=reason)]) from error
    if complaints := list(_complaints(data, root)):
        raise RuleCodeError(complaints[:LIMIT_COMPLAINTS])
    return [
        (OwnedDraft.model_validate(item), yamltree.line_at(root, ("dashboards", index)))
        for index, item in enumerate(data["dashboards"])
    ]


def offered(session: Session, text: str) -> list[Offered]:
    """Return what taking a file would do, dashboard by dashboard; raises as `read`."""
    return [_offered(session, draft, line) for draft, line in read(text)]


def take(session: Session, text: str, *, by: str, now: datetime) -> list[Offered]:
    """Take a file, all of it or nothing, and commit.

    Raises:
        RuleCodeError: Nothing of it was taken; the complaints say why.
    """
    found = offered(session, text)
    for one in found:
        try:
            row = _row(session, one.draft)
            if row is None:
                shown, owner = one.draft.shown, one.draft.owner
                dashboards.add(session, shown, owner=owner, by=by, now=now)
            elif one.what == "changed":
                dashboards.change(session, row, one.draft.shown, by=by, now=now)
        except DashboardError as error:
            session.rollback()
            raise RuleCodeError([Complaint(reason=str(error), line=one.line)]) from error
    try:
        dashboards.write(session)
    except DashboardError as error:
        raise RuleCodeError([Complaint(reason=str(error))]) from error
    return found


def dump(rows: Iterable[Dashboard]) -> str:
    """Return dashboards as a file that `read` reads.

    Raises:
        DashboardError: One holds a panel that makes no sense any more; it names it.
    """
    found = []
    for row in rows:
        try:
            written = dashboards.draft_of(row).written()
        except DashboardError as error:
            raise DashboardError(f"{row.title} cannot be written: {error}") from error
        if written["variables"] == list(VARIABLES):
            del written["variables"]
        found.append({"title": written.pop("title"), "owner": row.owner, **written})
    data = {"version": VERSION, "dashboards": found}
    text: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def json_schema() -> str:
    """Return the JSON Schema of such a file, for editors and for others' checks."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wakeful dashboards",
        "description": "Dashboards, as `wakeful dashboards import` takes them",
    }
    return (
        json.dumps({**DashboardFile.model_json_schema(), **head}, indent=2, sort_keys=True) + "\n"
    )


def _complaints(data: Any, root: Tree | None) -> Iterator[Complaint]:
    """Yield everything that is wrong with a file."""
    yield from yamltree.doubled(root)
    if not isinstance(data, dict) or data.get("version") != VERSION:
        line = root.line if root else None
        yield Complaint(reason="not a dashboard file: it must start with `version: 1`", line=line)
        return
    for name in data.keys() - {"version", "dashboards"}:
        line = yamltree.line_at(root, (str(name),))
        yield Complaint(reason=f"a dashboard file has no field {str(name)!r}", line=line)
    items = data.get("dashboards")
    if not isinstance(items, list) or len(items) > MOST:
        line = yamltree.line_at(root, ("dashboards",))
        yield Complaint(reason=f"`dashboards` must be a list of at most {MOST}", line=line)
        return
    titles: set[str] = set()
    for index, item in enumerate(items):
        title = str(item.get("title") or "") if isinstance(item, dict) else ""
        name = f"dashboard {title!r}" if title else f"dashboard {index + 1}"
        try:
            OwnedDraft.model_validate(item)
            slug = dashboards.slug_of(title)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                line = yamltree.line_at(root, ("dashboards", index, *each["loc"]))
                yield Complaint(reason=f"{name}: {why(error, each)}", line=line)
            continue
        except DashboardError as error:
            line = yamltree.line_at(root, ("dashboards", index, "title"))
            yield Complaint(reason=f"{name}: {error}", line=line)
            continue
        if slug in titles:
            line = yamltree.line_at(root, ("dashboards", index, "title"))
            yield Complaint(reason=f"{name} is there more than once", line=line)
        titles.add(slug)


def _row(session: Session, draft: OwnedDraft) -> Dashboard | None:
    slug = dashboards.slug_of(draft.title)
    return session.exec(select(Dashboard).where(Dashboard.slug == slug)).first()


def _offered(session: Session, draft: OwnedDraft, line: int | None) -> Offered:
    row = _row(session, draft)
    if row is None:
        return Offered(draft=draft, what="new", line=line)
    was = {
        "title": row.title,
        "purpose": row.purpose,
        "variables": list(VARIABLES) if row.variables is None else row.variables,
        "panels": row.panels,
    }
    found = tuple(dashboard_versions.changes(was, draft.shown.written()))
    stays = f"{row.owner} stays its owner: hand it over to change that"
    note = "" if " ".join(draft.owner.split()) == row.owner else stays
    what = "changed" if found else "unchanged"
    return Offered(draft=draft, what=what, line=line, differences=found, note=note)
