"""What the page of SLOs says: objective, budget left, and what that rests on. Pure."""

from datetime import datetime, timedelta, tzinfo

import pandas as pd

from alerts.error_budget import LATELY, Standing
from alerts.slos import Slo
from app import numbers
from app.parts import Look
from models.vocabulary import Period
from signals.units import span

_PERIODS = {Period.DAYS_28: "the last 28 days", Period.DAYS_30: "the last 30 days"}


def objective(slo: Slo) -> str:
    """Return what is promised, of what, for how long, in one line."""
    good = f"{slo.objective * 100:.7g} %"  # every nine of it counts
    period = _PERIODS.get(slo.period) or f"the calendar month in {slo.zone}"
    where = " and ".join(f"{name} = {value}" for name, value in slo.scope)
    said = [f"{good} good by {slo.about.title.lower()}", f"over {period}"]
    if where:
        said.append(f"where {where}")
    if slo.by:
        said.append(f"a budget for each {' and '.join(slo.by)}")
    return ", ".join(said)


def state(standing: Standing | None) -> tuple[str, Look]:
    """Return the word for how a budget stands, and its look."""
    if standing is None or standing.left is None:
        return "no data", ("gray", "data_alert")
    if standing.is_spent:
        return "spent", ("red", "money_off")
    if standing.gone_at is not None:
        return "burning too fast", ("orange", "local_fire_department")
    return "within budget", ("green", "check_circle")


def left(standing: Standing, *, now: datetime, zone: tzinfo) -> str:
    """Return how much is left and when it will be gone, as one would say it."""
    share = standing.left
    if share is None:
        nothing = "Nothing is known of this time" if standing.since is None else "Nothing happened"
        return f"{nothing}: what is left of the budget cannot be said."
    if standing.is_spent:
        over = f", {_percent(-share)} over" if share < 0 else ""
        return f"The budget is spent{over}. {_back(standing, now=now, zone=zone)}"
    return f"{_percent(share)} of the budget is left; {_gone(standing, now=now, zone=zone)}"


def _gone(standing: Standing, *, now: datetime, zone: tzinfo) -> str:
    if standing.pace is None:
        return f"nothing happened in the last {span(LATELY)}, so that no rate can be told."
    if standing.gone_at is not None:
        return f"at this rate gone {moment(standing.gone_at, now=now, zone=zone)}."
    if standing.pace == 0:
        return f"nothing of it was used in the last {span(LATELY)}."
    return "at this rate it lasts."


def _back(standing: Standing, *, now: datetime, zone: tzinfo) -> str:
    if standing.back_at is not None:
        return f"At this rate there is some again {moment(standing.back_at, now=now, zone=zone)}."
    if standing.span.end > now:
        return f"A new one begins {moment(standing.span.end, now=now, zone=zone)}."
    return "At this rate it stays spent."


def moment(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """Return an instant ahead as one would say it: `on Tuesday 14:20`, `on 12 Dec 14:20`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    match (local.date() - today).days:
        case 0:
            return f"today {local:%H:%M}"
        case 1:
            return f"tomorrow {local:%H:%M}"
        case days if days < 7:
            return f"on {local:%A %H:%M}"
        case _:
            return f"on {local:%-d %b %H:%M}"


def basis(standing: Standing, *, zone: tzinfo) -> str:
    """Return what the number rests on: events, gaps, and the rate lately."""
    if standing.since is None:
        return ""
    whole = f"{_count(standing.bad)} of {_count(standing.events)} requests were bad"
    said = [f"{whole}, {_count(standing.allowed)} may be"]
    if standing.is_few:
        said[0] += f" (few: one is {_percent(1 / standing.allowed)} of the budget)"
    if standing.since - standing.span.start > timedelta(hours=2):
        local = standing.since.astimezone(zone)
        said.append(f"data only since {local:%-d %b %H:%M}")
    if standing.gap:
        said.append(f"no data in {span(standing.gap)} since then: that counts as nothing")
    if standing.pace is not None:
        lately = f"{standing.pace:.2g} times the even pace in the last {span(LATELY)}"
        said.append(f"{lately} (n = {_count(standing.lately)})")
    return " · ".join(said)


def table(parts: list[tuple[str, Standing]], *, now: datetime, zone: tzinfo) -> pd.DataFrame:
    """Return a row for each budget of an SLO."""
    return pd.DataFrame(
        {
            "Of": [name for name, _ in parts],
            "Left": [_shown(one.left) for _, one in parts],
            "State": [state(one)[0] for _, one in parts],
            "Gone": [
                moment(one.gone_at, now=now, zone=zone) if one.gone_at else numbers.NO_VALUE
                for _, one in parts
            ],
            "Bad": [round(one.bad) for _, one in parts],
            "May be bad": [round(one.allowed, 1) for _, one in parts],
            "Requests": [round(one.events) for _, one in parts],
            "Pace": [one.pace for _, one in parts],
        }
    )


def _shown(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.1g} %" if percent < 1 else f"{percent:,.0f} %"


def _count(events: float) -> str:
    return f"{events:,.0f}" if events >= 10 or events == round(events) else f"{events:.2g}"
