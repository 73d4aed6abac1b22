"""Budgets on the Cost page: burn-down, forecast, movers, and the rule that tells somebody."""

from datetime import datetime
from typing import Final

import streamlit as st

from app import budget_words, cached_budgets, charts, money, parts
from app.cached_budgets import Kept, Standing
from app.parts import plain, small
from models.vocabulary import Unit

SHOWN: Final = 6
# Templates of rules, by what a budget is for.
_OFFERS: Final = {
    "Budget per tenant": "Tenant heads over its daily budget",
    "Budget per feature": "Feature heads over its daily budget",
}


def draw(*, now: datetime) -> None:
    """Draw every budget, and the way to one more."""
    answer = cached_budgets.listed()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    with parts.card("cost_budgets", "Budgets"):
        st.markdown(
            small(
                "A budget is a rule: it is watched every few seconds, and tells its people. It is "
                "read from where the rule reads, which may see more requests than the traces above."
            )
        )
        for kept in answer.data[:SHOWN]:
            _budget(kept, now=now)
        if len(answer.data) > SHOWN:
            st.markdown(small(f"{len(answer.data) - SHOWN} more are among the rules."))
        with st.container(horizontal=True, gap="small", key="cost_budget_new"):
            for label, template in _OFFERS.items():
                parts.link("rules", label, icon="add", rule="new", template=template)


def _budget(kept: Kept, *, now: datetime) -> None:
    answer = cached_budgets.standing(kept.condition)
    standing = answer.data
    with st.container(border=True, key=f"cost_budget_{kept.rule_id}", gap="xsmall"):
        said = [budget_words.what(kept.condition), budget_words.kept_by(kept)]
        if standing is not None:
            said.append(f"from {standing.source}")
        lines = [
            f"{parts.mark(*budget_words.state(kept.condition, standing))} **{plain(kept.name)}**",
            small(plain(" · ".join(said))),
        ]
        if standing is not None:
            zone = parts.viewer_zone()
            lines.append(plain(budget_words.leads(kept.condition, standing, now=now, zone=zone)))
            if moved := budget_words.movers(standing.parts):
                movers = f"Moved most against the window before: {', '.join(moved)}."
                lines.append(small(plain(movers)))
        st.markdown("  \n".join(lines))
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if standing is not None and standing.parts:
            _chart(kept, standing, now=now)
            _table(kept, standing)
        parts.link("rules", "Open the rule", icon="rule", rule=str(kept.rule_id))


def _chart(kept: Kept, standing: Standing, *, now: datetime) -> None:
    past = cached_budgets.burn_down(kept.condition)
    if past.error:
        parts.source_down(past.error, past.at, now=now)
    if past.data is None:
        return
    worst = standing.parts[: charts.MOST_LINES]
    named = budget_words.left(kept.condition, past.data.series, worst)
    if not named:
        return
    plot = charts.plot(named, past.data.grid, Unit.RATIO, bound=0.0)
    alt = f"What was left of {kept.name} over time; below 0 it is overspent"
    parts.draw(plot, key=f"cost_burn_{kept.rule_id}", alt=alt)


def _table(kept: Kept, standing: Standing) -> None:
    if not kept.condition.by:
        return
    columns = st.column_config
    st.dataframe(
        money.told(
            budget_words.table(kept.condition, standing.parts), ["Spent", "Heads for", "Before"]
        ),
        hide_index=True,
        height="content" if len(standing.parts) <= 8 else 320,
        key=f"cost_budget_rows_{kept.rule_id}",
        placeholder="—",
        alt=f"Each budget of {kept.name}, the one that heads for the most first",
        column_config={
            "Of": columns.TextColumn(pinned=True),
            "Left": columns.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
            "Before": columns.NumberColumn(help="One window earlier."),
        },
    )
    if standing.left_out:
        st.markdown(small(f"{standing.left_out} more are not shown."))
