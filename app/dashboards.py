"""Dashboards: panels on one page that exactly one person answers for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from models.tables import Dashboard, Handover
from models.vocabulary import PanelKind, Unit
from signals.catalog import CATALOG, LATENCY, Signal
from signals.traces import FILTERS

MOST_PANELS: Final = 12  # beyond, it is two dashboards with two owners
SPLITS: Final = FILTERS


class DashboardError(Exception):
    """A dashboard cannot be kept like this; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart or number of a dashboard.

    Attributes:
        signals: Names in the catalog, all of one unit.
        by: Labels that split each signal into lines.
    """

    title: str
    kind: PanelKind
    signals: tuple[str, ...]
    by: tuple[str, ...] = ()

    @property
    def about(self) -> tuple[Signal, ...]:
        """Return the catalog's entries of its signals."""
        return tuple(CATALOG[name] for name in self.signals)

    @property
    def unit(self) -> Unit:
        """Return the unit of all its signals."""
        return self.about[0].unit

    @property
    def bounded(self) -> Signal | None:
        """Return the signal whose target and threshold are drawn: the first that has any."""
        return next((s for s in self.about if s.breach or s.target is not None), None)

    def row(self) -> dict[str, Any]:
        """Return it as the table keeps it."""
        return {
            "title": self.title,
            "kind": self.kind.value,
            "signals": list(self.signals),
            "by": list(self.by),
        }


def panel(row: Mapping[str, Any]) -> Panel:
    """Return the panel that the table keeps as `row`.

    Raises:
        DashboardError: It names a signal, kind or label that does not exist, or mixes units.
    """
    signals = tuple(str(name) for name in row.get("signals", ()))
    unknown = [name for name in signals if name not in CATALOG]
    if unknown or not signals:
        what = f"names no signal {unknown[0]!r}" if unknown else "names no signal"
        raise DashboardError(f"The panel {row.get('title', '')!r} {what} of the catalog.")
    if len({CATALOG[name].unit for name in signals}) > 1:
        raise DashboardError("Signals of one panel share one unit: draw the others beside it.")
    by = tuple(str(label) for label in row.get("by", ()))
    if stranger := next((label for label in by if label not in SPLITS), None):
        raise DashboardError(f"Nothing can be split by {stranger!r}: take {', '.join(SPLITS)}.")
    try:
        kind = PanelKind(row.get("kind", PanelKind.LINE))
    except ValueError:
        raise DashboardError(f"There is no kind of panel {row.get('kind')!r}.") from None
    if kind is PanelKind.STAT and by:
        raise DashboardError("A number is not split: draw lines instead.")
    title = str(row.get("title") or CATALOG[signals[0]].title)
    return Panel(title=title, kind=kind, signals=signals, by=by)


def every(session: Session) -> list[Dashboard]:
    """Return all dashboards in their order."""
    query = select(Dashboard).order_by(col(Dashboard.position), col(Dashboard.id))
    return list(session.exec(query))


def handovers(session: Session, dashboard_id: int) -> list[Handover]:
    """Return who handed a dashboard to whom, newest first."""
    query = select(Handover).where(Handover.dashboard_id == dashboard_id)
    return list(session.exec(query.order_by(col(Handover.id).desc()).limit(50)))


def create(session: Session, *, title: str, purpose: str, owner: str) -> Dashboard:
    """Add a dashboard, with the golden signals that nobody should do without on it.

    Raises:
        DashboardError: It has no title or owner, or the title is taken.
    """
    title = _required(title, "A dashboard needs a title.")
    slug = _slug(title)
    if session.exec(select(Dashboard.id).where(Dashboard.slug == slug)).first() is not None:
        raise DashboardError(f"There is a dashboard {title!r} already: take another title.")
    positions = session.exec(select(Dashboard.position))
    dashboard = Dashboard(
        slug=slug,
        title=title,
        purpose=purpose.strip(),
        owner=_owner(owner),
        panels=[one.row() for one in TOGETHER],
        position=max(positions, default=-1) + 1,
    )
    session.add(dashboard)
    _write(session)
    return dashboard


def edit(session: Session, slug: str, *, title: str, purpose: str, panels: Sequence[Panel]) -> None:
    """Change what a dashboard shows. Its address stays, so that links to it hold.

    Raises:
        DashboardError: It has no title, no panel or too many, or it is gone.
    """
    if not panels:
        raise DashboardError("A dashboard needs at least one panel.")
    if len(panels) > MOST_PANELS:
        raise DashboardError(f"At most {MOST_PANELS} panels: make a second dashboard of the rest.")
    dashboard = _known(session, slug)
    dashboard.title = _required(title, "A dashboard needs a title.")
    dashboard.purpose = purpose.strip()
    # A JSON column that is changed in place is not written: give it a new list.
    dashboard.panels = [panel(one.row()).row() for one in panels]
    session.add(dashboard)
    _write(session)


def hand_over(session: Session, slug: str, *, to_owner: str, by: str, now: datetime) -> None:
    """Make `to_owner` the one who answers for a dashboard, and record it.

    Raises:
        DashboardError: Nobody is named, the owner would not change, or the dashboard is gone.
    """
    to_owner = _owner(to_owner)
    dashboard = _known(session, slug)
    if to_owner == dashboard.owner:
        raise DashboardError(f"{to_owner} owns this dashboard already.")
    handover = Handover(
        dashboard_id=cast(int, dashboard.id),
        at=now,
        from_owner=dashboard.owner,
        to_owner=to_owner,
        by=by,
    )
    dashboard.owner = to_owner
    session.add_all([dashboard, handover])
    _write(session)


def ensure_default_dashboards(session: Session, owner: str) -> None:
    """Add the dashboards that Wakeful comes with if there are none at all.

    Raises:
        DashboardError: `owner` is empty.
    """
    if session.exec(select(Dashboard.id)).first() is not None:
        return
    owner = _owner(owner)
    for position, (title, purpose, panels) in enumerate(DEFAULTS):
        session.add(
            Dashboard(
                slug=_slug(title),
                title=title,
                purpose=purpose,
                owner=owner,
                panels=[one.row() for one in panels],
                position=position,
            )
        )
    _write(session)


def _known(session: Session, slug: str) -> Dashboard:
    dashboard = session.exec(select(Dashboard).where(Dashboard.slug == slug)).first()
    if dashboard is None:
        raise DashboardError("This dashboard is gone: someone removed it.")
    return dashboard


def _owner(name: str) -> str:
    return _required(name, "A dashboard needs exactly one owner: name the person.")


def _required(text: str, sentence: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise DashboardError(sentence)
    return text


def _slug(title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return _required(slug, "The title needs a letter or a digit: the address is made of it.")


def _write(session: Session) -> None:
    """Commit; what only the database can see becomes our sentence too."""
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        if "dashboard_has_an_owner" in str(error.orig):
            raise DashboardError("A dashboard needs exactly one owner: name the person.") from error
        raise DashboardError("Someone made a dashboard of that title just now.") from error


def _lines(title: str, *signals: str, by: Iterable[str] = ()) -> Panel:
    return Panel(title=title, kind=PanelKind.LINE, signals=signals, by=tuple(by))


# "p95 alone misses p99 incidents. Track p50/p95/p99 + error rate + cost on the same dashboard."
# Source: the seeds, "Observability in Production", section 6.
TOGETHER: Final = (
    _lines("Latency", *LATENCY),
    _lines("Error rate", "error_ratio"),
    _lines("Cost per request", "cost_per_request"),
)

# Title, purpose, panels.
DEFAULTS: Final = (
    (
        "Service health",
        "Is the application fast and right, for whom is it not, and what does that cost?",
        (
            *TOGETHER,
            _lines("Requests", "request_rate"),
            _lines("Latency p95 by model", "latency_p95", by=["model"]),
            _lines("Error rate by feature", "error_ratio", by=["feature"]),
            _lines("Cache hit rate", "cache_hit_ratio"),
            _lines("Tokens", "token_rate"),
        ),
    ),
    (
        "Cost",
        "Where does the money go, and does the cache save what it should?",
        (
            _lines("Cost per request", "cost_per_request"),
            _lines("Cost per request by model", "cost_per_request", by=["model"]),
            _lines("Cost per request by feature", "cost_per_request", by=["feature"]),
            _lines("Tokens by model", "token_rate", by=["model"]),
            _lines("Cache hit rate", "cache_hit_ratio"),
            _lines("Requests by feature", "request_rate", by=["feature"]),
            *TOGETHER[:2],
        ),
    ),
    (
        "Quality and safety",
        "Are the answers as good as last week, and do guardrails and approvals keep up?",
        (
            _lines("Online eval score", "eval_score"),
            _lines("Eval score drop", "eval_score_drop"),
            _lines("Eval score by prompt version", "eval_score", by=["prompt_version"]),
            _lines("Guardrail trigger rate", "guardrail_ratio"),
            _lines("Guardrail trigger rate by feature", "guardrail_ratio", by=["feature"]),
            _lines("Approval queue depth", "approval_queue_depth"),
            *TOGETHER,
        ),
    ),
)
