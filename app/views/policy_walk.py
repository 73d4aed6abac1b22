"""A dry run of one policy: every step, person, channel and gap at an instant; and a real test."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts import channels, policies, rehearsal
from alerts.escalation import Plan, Situation
from alerts.lookups import Asked, Found
from alerts.rehearsal import Turn
from app import (
    cached_alerts,
    cached_people,
    local_time,
    parts,
    rehearsal_words,
    trial_actions,
    trial_words,
    wired,
)
from app.cached_people import Tried
from app.opened import way_back
from app.parts import plain, small
from models.tables import Policy
from models.vocabulary import Severity

REFRESH: Final = timedelta(seconds=2)
MOST_GAPS: Final = 5
MOST_TURNS: Final = 60  # shown; a policy of 20 steps, repeated 20 times, has 420


def render(asked: str) -> None:
    """Draw the walk through the policy whose id is `asked`."""
    way_back("All policies", "walk")
    answer = cached_alerts.policy_list()
    now = wired.current().clock()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    policy = next((p for p in answer.data.policies if str(p.id) == asked), None)
    if policy is None:
        parts.empty(
            f"There is no policy {asked[:40]}",
            "It may have been made in another installation.",
            icon="search_off",
            key="walk_unknown",
        )
        return
    parts.page_header(
        f"Dry run: {plain(policy.name)}",
        "Whom it would tell, and when, if nobody answered. Nobody is told.",
    )
    plan = policies.plan_of(policy)
    turns = _walk(plan, now=now)
    _tests(policy, _channels(plan, turns))


def _walk(plan: Plan, *, now: datetime) -> Sequence[Turn]:
    zone = parts.viewer_zone()
    began, situation = _asked(now=now, zone=zone)
    turns = rehearsal.rehearse(plan, situation, now=began)
    found = cached_people.found(tuple(rehearsal_words.asked(turns[:MOST_TURNS])))
    zones = rehearsal_words.clocks(plan, zone)
    gaps = rehearsal_words.gaps(turns, found, began=began)
    for gap in gaps[:MOST_GAPS]:
        st.error(plain(gap), icon=":material/person_off:")
    if len(gaps) > MOST_GAPS:
        st.error(f"And {len(gaps) - MOST_GAPS} more gaps.", icon=":material/person_off:")
    with parts.card("walk_steps"):
        for turn in turns[:MOST_TURNS]:
            _turn(turn, found, zones, began=began)
        if len(turns) > MOST_TURNS:
            st.markdown(small(f"and {len(turns) - MOST_TURNS} more steps"))
        for remark in rehearsal_words.remarks(turns, zones, began=began):
            st.markdown(f":gray[:material/info:] {plain(remark)}")
    return turns


def _asked(*, now: datetime, zone: tzinfo) -> tuple[datetime, Situation]:
    """Draw what is asked about, and return it."""
    here = now.astimezone(zone)
    severities: list[Severity] = list(Severity)
    st.session_state.setdefault("walk_date", here.date())
    st.session_state.setdefault("walk_time", here.time().replace(second=0, microsecond=0))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="walk_asked"):
        day = st.date_input("An alert fires on", key="walk_date", width=150)
        clock = st.time_input(
            f"at, {local_time.zone_name(zone)}", key="walk_time", step=60, width=150
        )
        severity = st.selectbox("Severity", severities, index=0, key="walk_severity", width=150)
        alerts = st.number_input(
            "Open together", min_value=1, max_value=100_000, key="walk_alerts", width=150
        )
    began, oddity = local_time.instant(datetime.combine(day, clock), zone)
    if oddity:
        st.info(plain(oddity), icon=":material/schedule:")
    return began, Situation(severity=severity, size=int(alerts))


def _turn(
    turn: Turn,
    found: Mapping[Asked, Found],
    zones: Sequence[tzinfo],
    *,
    began: datetime,
) -> None:
    row = rehearsal_words.table([turn], found, zones, began=began)[0]
    number = f"{turn.step + 1}" + (f", round {turn.round + 1}" if turn.round else "")
    icon = ":gray[:material/skip_next:]" if turn.skipped else ":blue[:material/campaign:]"
    clocks = " · ".join(f"{row[name]}" for name in map(local_time.zone_name, zones))
    said = plain(row["Tells"])
    st.markdown(
        f"{icon} **Step {number}**, {plain(row['After'])}: "
        f"{f':gray[{said}]' if turn.skipped else said}  \n{small(plain(clocks))}"
    )


def _channels(plan: Plan, turns: Sequence[Turn]) -> list[str]:
    """Return every channel of the plan, those that the walk tells first."""
    told = [name for turn in turns if not turn.skipped for name in turn.channels]
    return list(dict.fromkeys([*told, *(name for step in plan.steps for name in step.channels)]))


def _tests(policy: Policy, names: Sequence[str]) -> None:
    st.header("Send a test", anchor=False)
    st.markdown(
        small(
            "Real messages, marked TEST, to the channels you choose: whoever they reach is called. "
            "They are about no alert, and each is ended by itself a few seconds later."
        )
    )
    chosen = st.multiselect(
        "Channels",
        names,
        default=[name for name in names if name.startswith(f"{channels.SLACK}:")],
        key=f"walk_channels_{policy.id}",
        select_all=False,
        placeholder="Choose at least one",
    )
    st.button(
        "Send test",
        icon=":material/send:",
        key="walk_send",
        disabled=not chosen,
        on_click=trial_actions.send,
        args=(policy.name, tuple(chosen)),
    )
    _ledger(policy.name)


@st.fragment(run_every=REFRESH, key="walk_ledger")
def _ledger(about: str) -> None:
    parts.show_flash()
    answer, now = cached_people.tried(about), wired.current().clock()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data == ():
        st.markdown(small("No test of this policy within the last 30 days."))
    for one in answer.data or ():
        _trial(one, now=now)


def _trial(one: Tried, *, now: datetime) -> None:
    at = local_time.clock(one.trial.at, now=now, zone=parts.viewer_zone())
    with parts.card(f"walk_trial_{one.trial.id}", f"Test of {at}, by {one.trial.by}"):
        for message in one.messages:
            word, look = trial_words.standing(message, now=now)
            line = f"{parts.mark(word, look)} {plain(trial_words.whom(message))}"
            if said := trial_words.answer(message):
                line += f"  \n{small(plain(said))}"
            st.markdown(line)
