"""SLOs: what is left of each error budget, and until when; `?slo=<rule id>` opens one."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from alerts.slos import Slo
from app import cached_slos, charts, opened, parts, slo_words, wired
from app.cached_slos import Budget, Part
from app.charts import Plot
from app.parts import plain, small
from models.vocabulary import Unit
from signals import Series

REFRESH: Final = timedelta(minutes=1)
PER_PAGE: Final = 8


def render() -> None:
    """Draw the page."""
    asked = opened.opened("slo")
    if asked:
        opened.way_back("All SLOs", "slo")
    else:
        parts.page_header(
            "SLOs", "What is left of each error budget, until when, and what that rests on."
        )
    _live(asked)


@st.fragment(run_every=REFRESH, key="slos")
def _live(asked: str) -> None:
    now = wired.current().clock()
    answer = cached_slos.listed()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    if asked:
        _open(asked, answer.data, now=now)
    elif answer.data:
        _list(answer.data, now=now)
    else:
        _none_yet()


def _none_yet() -> None:
    box = parts.empty(
        "No SLO yet",
        "A rule of the kind burn rate is one: it names an objective, and pages when the budget "
        "burns too fast.",
        icon="target",
        key="slos_empty",
    )
    with box:
        parts.link(
            "rules", "New rule", icon="add", rule="new", template="Error budget burns too fast"
        )


def _list(slos: list[Slo], *, now: datetime) -> None:
    pages = -(-len(slos) // PER_PAGE)
    page = st.pagination(pages, key="slos_page") if pages > 1 else 1
    for slo in slos[(page - 1) * PER_PAGE : page * PER_PAGE]:
        with parts.card(f"slo_{slo.watchers[0].rule_id}"):
            budget = _budget(slo, now=now)
            _said(slo, budget, now=now)
            parts.link("slos", "Burn chart", icon="timeline", slo=str(slo.watchers[0].rule_id))
    st.markdown(small("1 SLO" if len(slos) == 1 else f"{len(slos)} SLOs"))


def _budget(slo: Slo, *, now: datetime) -> Budget | None:
    with st.spinner("Reading what happened …"):
        answer = cached_slos.budget(slo)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    return answer.data


def _said(slo: Slo, budget: Budget | None, *, now: datetime) -> None:
    """Draw what is to be said of an SLO, of several budgets the worst."""
    zone = parts.viewer_zone()
    worst = budget.parts[0] if budget and budget.parts else None
    standing = worst.standing if worst else None
    lines = [
        f"{parts.mark(*slo_words.state(standing))} **{plain(slo.name)}**",
        small(plain(slo_words.objective(slo))),
    ]
    if budget is not None and (worst is None or standing is None):
        lines.append("Nothing is known of this time: what is left of the budget cannot be said.")
    if worst is not None:
        which = f"{plain(_name(worst))}: " if slo.by else ""
        lines.append(f"{which}{plain(slo_words.left(worst.standing, now=now, zone=zone))}")
        lines.append(small(plain(slo_words.basis(worst.standing, zone=zone))))
    if budget is not None and budget.parts and slo.by:
        lines.append(small(_others(budget)))
    st.markdown("  \n".join(line for line in lines if line))
    if standing is not None and standing.is_spent:
        _policy(slo)


def _others(budget: Budget) -> str:
    spent = sum(one.standing.is_spent for one in budget.parts)
    return f"The worst of {len(budget.parts) + budget.left_out}; {spent or 'none'} spent theirs."


def _policy(slo: Slo) -> None:
    """Say what was agreed on for when the budget is spent."""
    for said in slo.policies_when_spent:
        st.warning(plain(said), icon=":material/ac_unit:")
    if not slo.policies_when_spent:
        st.markdown(
            small("Nothing is agreed on for when it is spent: the rule's form has a place.")
        )


def _open(asked: str, slos: list[Slo], *, now: datetime) -> None:
    found = (one for one in slos if any(str(rule.rule_id) == asked for rule in one.watchers))
    slo = next(found, None)
    if slo is None:
        parts.empty(
            f"There is no SLO of rule {asked[:40]}",
            "The rule may be gone, or of another kind now.",
            icon="search_off",
            key="slos_unknown",
        )
        return
    parts.page_header(plain(slo.name))
    budget = _budget(slo, now=now)
    with parts.card("slo_said"):
        _said(slo, budget, now=now)
    if budget is not None and budget.parts:
        with parts.card("slo_chart", "Budget left", _chart_caption(budget)):
            parts.draw(_plot(budget), key="slo_burn", alt="Budget left over time, in percent")
        if slo.by:
            _table(budget, now=now)
    with st.container(horizontal=True, gap="small"):
        for rule in slo.watchers:
            off = "" if rule.enabled else " (off)"
            parts.link("rules", f"{rule.name}{off}", icon="rule", rule=str(rule.rule_id))


def _chart_caption(budget: Budget) -> str:
    said = "From all of it at the beginning to what is left now; a gap is a time without data."
    more = len(budget.parts) - charts.MOST_LINES
    return f"{said} The worst {charts.MOST_LINES} are drawn." if more > 0 else said


def _plot(budget: Budget) -> Plot:
    grid = budget.grid
    seconds = [(grid.start + index * grid.step).timestamp() for index in range(grid.count)]
    before = (budget.parts[0].standing.span.start - grid.start) // grid.step  # of a young month
    drawn = replace(grid, start=grid.start + max(before, 0) * grid.step)
    named = [
        (_name(one), Series(labels=one.labels, seconds=seconds, values=one.left.tolist()))
        for one in budget.parts[: charts.MOST_LINES]
    ]
    return charts.plot(named, drawn, Unit.RATIO)


def _name(part: Part) -> str:
    return ", ".join(value or "none" for value in part.labels.values()) or "Budget left"


def _table(budget: Budget, *, now: datetime) -> None:
    rows = [(_name(one), one.standing) for one in budget.parts]
    columns = st.column_config
    with parts.card("slo_parts", "Each budget"):
        st.dataframe(
            slo_words.table(rows, now=now, zone=parts.viewer_zone()),
            hide_index=True,
            key="slo_rows",
            alt="Budgets, one per row, the worst first",
            column_config={
                "Of": columns.TextColumn(pinned=True),
                "Left": columns.NumberColumn(format="%.1f %%"),
                **{
                    name: columns.NumberColumn(format="localized")
                    for name in ("Bad", "May be bad", "Requests")
                },
                "Pace": columns.NumberColumn(
                    format="%.2f", help="1 spends the budget exactly in its time."
                ),
            },
        )
        if budget.left_out:
            st.markdown(small(f"{budget.left_out} more are not shown."))
