"""The fatigue report as tables, a chart and sentences. Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import altair as alt
import pandas as pd

from alerts import durations
from alerts.fatigue import Advice, Report
from app import channel_words
from models.vocabulary import Unit
from signals.units import render

HOURS: Final = "hours"  # name of the data set of the chart
HEIGHT: Final = 300


def share(ratio: float | None) -> str:
    """Return a share of incidents, or a dash when there were none."""
    return "—" if ratio is None else render(ratio, Unit.RATIO)


def nights(report: Report) -> int:
    """Return how many nights were broken, each person's for themselves."""
    return sum(count for _, count in report.nights)


def whom(name: str) -> str:
    """Return who was called: a person's address, or the channel of a service in words."""
    return channel_words.words(name) if ":" in name else name


def counts(rows: Sequence[tuple[str, int]], what: str) -> pd.DataFrame:
    """Return pages by name, as a table."""
    return pd.DataFrame(
        {what: [whom(name) for name, _ in rows], "Pages": [count for _, count in rows]}
    )


def people(report: Report) -> pd.DataFrame:
    """Return pages and broken nights by whom they reached."""
    broken = dict(report.nights)
    return pd.DataFrame(
        {
            "Person": [whom(name) for name, _ in report.by_person],
            "Pages": [count for _, count in report.by_person],
            "Nights": [broken.get(name, 0) for name, _ in report.by_person],
        }
    )


def by_hour(found: Mapping[tuple[int, int], int]) -> pd.DataFrame:
    """Return a row for every hour of the week, those without a page included."""
    return pd.DataFrame(
        [
            {"day": channel_words.DAYS[day], "hour": hour, "pages": found.get((day, hour), 0)}
            for day in range(7)
            for hour in range(24)
        ]
    )


@lru_cache(maxsize=1)
def hours_template() -> dict[str, Any]:
    """Return the Vega-Lite template of pages by weekday and hour, without data."""
    chart = (
        alt.Chart(alt.NamedData(HOURS))
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X(
                "hour:O",
                title=None,
                axis=alt.Axis(labelAngle=0, values=list(range(0, 24, 3)), ticks=False),
            ),
            y=alt.Y(
                "day:O",
                title=None,
                sort=list(channel_words.DAYS),
                axis=alt.Axis(ticks=False, labelOverlap=False),
            ),
            # The sequential colours of the theme, which it turns round in the dark.
            color=alt.Color(
                "pages:Q",
                scale=alt.Scale(domainMin=0),
                legend=alt.Legend(title=None, orient="top", tickMinStep=1, format="d"),
            ),
            tooltip=[
                alt.Tooltip("day:O", title="day"),
                alt.Tooltip("hour:O", title="hour"),
                alt.Tooltip("pages:Q", title="pages"),
            ],
        )
        .properties(height=HEIGHT)
        .configure_view(strokeWidth=0)
    )
    spec: dict[str, Any] = chart.to_dict()
    return {name: value for name, value in spec.items() if name not in ("$schema", "datasets")}


def advice(one: Advice) -> str:
    """Return what a longer `for` would have done for a rule, in one sentence."""
    pages = _count(one.pages, "page")
    alerts = _count(one.episodes, "alert")
    acted = f"somebody acted on {one.acted_on}" if one.acted_on else "nobody acted on any"
    head = f"{pages} for {alerts}, {acted}"
    if one.hold is None:
        why = (
            "no longer wait would have spared one without missing one that somebody acted on"
            if one.acted_on
            else "they may still matter"
        )
        return f"{head}; {why}."
    return (
        f"{head}; `for: {durations.write(one.hold)}` would have spared "
        f"{_count(one.spared, 'page')} and missed none that somebody acted on."
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
