"""The chart of spend over time: a Vega-Lite template, without data. Pure."""

from functools import lru_cache
from typing import Any, Final

import altair as alt

BARS: Final = "bars"  # name of the data set
HEIGHT: Final = 260


@lru_cache(maxsize=1)
def template() -> dict[str, Any]:
    """Return the template for the frame of `cost_words.drawn`. Shared: never change it."""
    chart = (
        alt.Chart(alt.NamedData(BARS))
        .mark_bar(invalid="show")  # a time without spend keeps its place, and no bar
        .encode(
            x=alt.X(
                "when:O",
                title=None,
                sort=None,  # as in the data: by time
                axis=alt.Axis(labelAngle=0, labelOverlap="greedy", ticks=False, labelSeparation=8),
            ),
            y=alt.Y(
                "usd:Q",
                title=None,
                stack="zero",
                axis=alt.Axis(format="$,.3~f", tickCount=5),
            ),
            color=alt.Color(
                "value:N",
                sort=None,
                legend=alt.Legend(
                    title=None,
                    orient="top",
                    symbolType="square",
                    labelLimit=110,
                    columns=alt.ExprRef("max(1, floor(width / 140))"),
                ),
            ),
            tooltip=[
                alt.Tooltip("when:O", title="from"),
                alt.Tooltip("value:N", title="of"),
                alt.Tooltip("said:N", title="spend"),
            ],
        )
        .properties(height=HEIGHT)
    )
    spec: dict[str, Any] = chart.to_dict()
    return {name: value for name, value in spec.items() if name not in ("$schema", "datasets")}
