"""The state machine against Prometheus' own: the same rules and series, the same alerts.

promtool evaluates real alerting rules over the series and tells `ALERTS` at every evaluation; ours
gets what the same expressions return at the same instants. Two things differ on purpose and are
left out: flapping alerts are held longer here (`alerts.flapping`), and a series that vanishes may
be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerts import observations, promtool
from alerts.conditions import AnyCondition, Promql, Threshold
from alerts.datastates import DataStates
from alerts.lifecycle import Timing
from alerts.observations import Episode, Seen, Watch
from alerts.promtool import Answer
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.promtest import InputSeries
from models.vocabulary import AlertState, Comparison, DataChoice
from signals import Labels
from tests.prometheus import program

START = datetime(2026, 3, 1, tzinfo=UTC)
BATCH, BATCHES = 20, 26  # cases; a batch is one start of promtool
SPANS = [timedelta(seconds=s) for s in (0, 20, 30, 45, 60, 90, 120, 150, 240, 300)]
SIGNS = {Comparison.ABOVE: ">", Comparison.BELOW: "<"}
SETTINGS = settings(
    max_examples=BATCHES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a failure names its case: to shrink a whole batch takes minutes
)

Alerts = set[tuple[tuple[str, str], ...]]  # each with its labels, its name and its state


@dataclass(frozen=True, kw_only=True)
class Case:
    """One rule over one or two series."""

    values: tuple[str, ...]  # of each series, as promtool's tests write them
    comparison: Comparison
    bound: int
    hold: timedelta
    keep_firing: timedelta
    labels: Labels
    as_signal: bool


def points() -> st.SearchStrategy[str]:
    """Stretches of one value, of a gap that the server looks back over, and of series that end."""
    stretch = st.tuples(st.sampled_from(["1", "5", "9", "9", "_", "stale"]), st.integers(1, 7))
    written = st.lists(stretch, min_size=1, max_size=5)
    return written.map(lambda found: " ".join(v for value, n in found for v in [value] * n))


def cases() -> st.SearchStrategy[Case]:
    return st.builds(
        Case,
        values=st.lists(points(), min_size=1, max_size=2).map(tuple),
        comparison=st.sampled_from(Comparison),
        bound=st.sampled_from([1, 4, 6]),
        hold=st.sampled_from(SPANS),
        keep_firing=st.sampled_from(SPANS),
        labels=st.sampled_from([{}, {"team": "llm"}, {"x": "", "on": "{{ $labels.x }}!"}]),
        as_signal=st.booleans(),
    )


def series(number: int) -> str:
    return f'm{{case="{number}"}}'


def expression(number: int, case: Case) -> str:
    return f"{series(number)} {SIGNS[case.comparison]} {case.bound}"


def rules(batch: list[Case]) -> PromFile:
    found = tuple(
        PromRule(
            alert=f"Case{number}",
            expr=expression(number, case),
            hold=case.hold,
            keep_firing=case.keep_firing,
            labels=case.labels,
        )
        for number, case in enumerate(batch)
    )
    return PromFile(groups=(PromGroup(name="g", rules=found),))


def fed(batch: list[Case]) -> list[InputSeries]:
    return [
        InputSeries(series=f'm{{case="{number}",x="{x}"}}', values=values)
        for number, case in enumerate(batch)
        for x, values in enumerate(case.values)
    ]


def condition(number: int, case: Case) -> AnyCondition:
    """Return the case's condition here: on a signal with a bound, or on the very expression."""
    if case.as_signal:
        return Threshold(
            signal="approval_queue_depth", comparison=case.comparison, bound=case.bound, by=("x",)
        )
    return Promql(expression=expression(number, case))


def alive(number: int, case: Case, answers: list[list[Answer]], every: timedelta) -> list[Alerts]:
    """Return the alerts of one rule after each of our evaluations."""
    watch = Watch(
        condition=condition(number, case),
        timing=Timing(hold=case.hold, keep_firing=case.keep_firing),
        labels=case.labels,
        data_states=DataStates(no_series=DataChoice.RESOLVE),
    )
    episodes: dict[str, Episode] = {}
    labels: dict[str, Labels] = {}
    found = []
    for n, answer in enumerate(answers):
        seen = seen_by(watch, answer)
        for change in observations.changes(watch, seen, episodes, now=START + n * every):
            before = change.episode
            key = (
                next(k for k, e in episodes.items() if e is before)
                if before
                else (observations.fingerprint(change.labels))
            )
            labels.setdefault(key, change.labels)
            if change.after is None or change.after.state is AlertState.RESOLVED:
                del episodes[key], labels[key]
            else:
                episodes[key] = Episode(lifecycle=change.after)
        found.append({told(number, labels[k], e.lifecycle.state) for k, e in episodes.items()})
    return found


def seen_by(watch: Watch, answer: list[Answer]) -> Seen:
    (question,) = watch.condition.questions
    values = {
        observations.identity_of({k: v for k, v in one.labels.items() if k != "__name__"}): {
            question: one.value
        }
        for one in answer
    }
    return Seen(values=values)


def told(number: int, labels: Labels, state: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**labels, "alertname": f"Case{number}", "alertstate": state}.items()))


def theirs(answer: list[Answer]) -> Mapping[str, Alerts]:
    """Return Prometheus' alerts by their rule."""
    found: dict[str, Alerts] = {}
    for one in answer:
        labels = {k: v for k, v in one.labels.items() if k != "__name__"}
        found.setdefault(labels["alertname"], set()).add(tuple(sorted(labels.items())))
    return found


def asked(batch: list[Case], count: int, every: timedelta) -> list[tuple[str, timedelta]]:
    """Return what to ask: at each instant for all alerts, then for what each rule sees."""
    each = [
        series(number) if case.as_signal else expression(number, case)
        for number, case in enumerate(batch)
    ]
    return [(expr, n * every) for n in range(count) for expr in ("ALERTS", *each)]


@given(
    batch=st.lists(cases(), min_size=BATCH, max_size=BATCH),
    interval=st.sampled_from([15, 30, 60]),
    every=st.sampled_from([15, 30, 60, 75]),
)
@SETTINGS
def test_prometheus_has_the_same_alerts_at_the_same_instants(
    batch: list[Case], interval: int, every: int
) -> None:
    step, pause = timedelta(seconds=interval), timedelta(seconds=every)
    longest = max(len(values.split()) for case in batch for values in case.values)
    count = longest * step // pause + 10  # and ten evaluations more
    answers = promtool.evaluate(
        fed(batch),
        asked(batch, count, pause),
        interval=step,
        rules=rules(batch),
        every=pause,
        program=program("promtool"),
    )
    width = 1 + BATCH
    expected = [theirs(answers[n * width]) for n in range(count)]
    for number, case in enumerate(batch):
        seen = [answers[n * width + 1 + number] for n in range(count)]
        found = alive(number, case, seen, pause)
        assert found == [alerts.get(f"Case{number}", set()) for alerts in expected], case
