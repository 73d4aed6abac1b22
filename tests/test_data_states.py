"""What a rule makes of having no answer: each data state apart, by rule and by kind."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from alerts import observations
from alerts.conditions import Absence, AnyCondition, Budget, Composite, Promql, Threshold
from alerts.datastates import NAMED, DataStates, field_of
from alerts.lifecycle import Timing
from alerts.observations import Change, Episode, Seen, Watch, sight
from alerts.ruledraft import RuleDraft, written
from models.vocabulary import AlertState, DataChoice, DataState, Severity
from signals import QueryError, Reading, Sample, SignalError, UnreachableError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WHOLE = Threshold(signal="error_ratio", bound=0.5, scope={"feature": "chat"})
EACH = Threshold(signal="error_ratio", bound=0.5, by=("feature",))
Answer = Reading | SignalError


def reading(values: Mapping[str, float], **more: object) -> Reading:
    samples = tuple(Sample(labels={"feature": k}, value=v, at=NOW) for k, v in values.items())
    return Reading(samples=samples, **more)  # type: ignore[arg-type]


# An answer of each state; the series that are there with stale data are well.
ANSWERS: Mapping[DataState, Answer] = {
    DataState.NO_SERIES: reading({}),
    DataState.NO_TRAFFIC: reading({}, no_traffic=({"feature": "chat"},)),
    DataState.QUERY_ERROR: QueryError("no such metric"),
    DataState.UNREACHABLE: UnreachableError("no answer"),
    DataState.STALE: reading({"chat": 0.1}, stale_since=NOW - 5 * MINUTE),
}


def watch(condition: AnyCondition = WHOLE, **choices: DataChoice) -> Watch:
    states = DataStates(**choices)
    return Watch(condition=condition, timing=Timing(), labels={}, data_states=states)


def changed(
    rule: Watch, answer: Answer, open_: Mapping[str, Episode] | None = None
) -> list[Change]:
    (question,) = rule.condition.questions
    return observations.changes(rule, sight({question: answer}), open_ or {}, now=NOW)


def state_of(change: Change) -> AlertState | None:
    return change.after.state if change.after else None


def firing(rule: Watch, feature: str = "chat") -> dict[str, Episode]:
    [change] = changed(rule, reading({feature: 0.9}))
    assert change.after
    return {observations.fingerprint(change.labels): Episode(lifecycle=change.after, alert_id=7)}


@pytest.mark.parametrize("state", NAMED)
@pytest.mark.parametrize(
    ("choice", "opens", "open_one_is"),
    [
        (DataChoice.KEEP, [], [AlertState.FIRING]),
        (DataChoice.ALERT, [{"feature": "chat"}], [AlertState.FIRING]),
        (DataChoice.RESOLVE, [], [AlertState.RESOLVED]),
        (
            DataChoice.SAY,
            [{"feature": "chat", "rule_state": "blind"}],
            [AlertState.FIRING, AlertState.FIRING],
        ),
    ],
)
def test_each_state_is_what_the_rule_chose_for_it(
    state: DataState, choice: DataChoice, opens: list[dict[str, str]], open_one_is: list[AlertState]
) -> None:
    rule = watch(**{field_of(state): choice})
    assert [change.labels for change in changed(rule, ANSWERS[state])] == opens
    found = changed(rule, ANSWERS[state], firing(rule))
    assert [change.after.state for change in found if change.after] == open_one_is
    assert {change.state for change in found} == {state}, "each alert says in which state it stands"


@pytest.mark.parametrize("state", NAMED)
def test_a_choice_for_one_state_is_none_for_another(state: DataState) -> None:
    others = {field_of(one): DataChoice.ALERT for one in NAMED if one is not state}
    assert changed(watch(**others), ANSWERS[state]) == []


def test_old_data_are_used_where_the_rule_says_so() -> None:
    rule = watch(stale_data=DataChoice.USE)
    [ended] = changed(rule, ANSWERS[DataState.STALE], firing(rule))
    assert state_of(ended) is AlertState.RESOLVED
    kept = watch()
    [marked] = changed(kept, ANSWERS[DataState.STALE], firing(kept))
    assert state_of(marked) is AlertState.FIRING


def test_what_is_seen_again_is_said_once() -> None:
    rule = watch()
    [(mark, episode)] = firing(rule).items()
    [lost] = changed(rule, ANSWERS[DataState.UNREACHABLE], {mark: episode})
    unseen = Episode(lifecycle=episode.lifecycle, state=lost.state)
    assert changed(rule, ANSWERS[DataState.UNREACHABLE], {mark: unseen}) == []
    [back] = changed(rule, reading({"chat": 0.9}), {mark: unseen})
    assert (back.after, back.state) == (episode.lifecycle, DataState.OK)


def test_that_a_rule_is_blind_ends_when_anything_is_seen_and_is_no_worse_than_a_warning() -> None:
    rule = watch(unreachable=DataChoice.SAY, query_error=DataChoice.SAY)
    [said] = changed(rule, ANSWERS[DataState.UNREACHABLE])
    assert said.after
    mark = observations.fingerprint(said.labels)
    open_ = {mark: Episode(lifecycle=said.after, state=said.state)}
    [still] = changed(rule, ANSWERS[DataState.QUERY_ERROR], open_)
    assert still.after == said.after, "another reason for the same blindness is the same alert"
    [ended] = changed(rule, reading({"chat": 0.1}), open_)
    assert state_of(ended) is AlertState.RESOLVED
    assert observations.severity_of(said.labels, Severity.CRITICAL) is Severity.WARNING
    assert observations.severity_of({}, Severity.CRITICAL) is Severity.CRITICAL


def test_of_several_label_sets_one_is_gone_and_one_is_idle() -> None:
    rule = watch(EACH, no_series=DataChoice.KEEP, no_traffic=DataChoice.RESOLVE)
    open_ = firing(rule, "gone") | firing(rule, "idle")
    answer = reading({"chat": 0.1}, no_traffic=({"feature": "idle"},))
    assert {change.state: state_of(change) for change in changed(rule, answer, open_)} == {
        DataState.NO_SERIES: AlertState.FIRING,
        DataState.NO_TRAFFIC: AlertState.RESOLVED,
    }


def test_an_alert_on_all_of_a_split_rule_ends_when_a_part_is_seen() -> None:
    rule = watch(EACH, no_series=DataChoice.ALERT)
    [whole] = changed(rule, ANSWERS[DataState.NO_SERIES])
    assert whole.after
    assert whole.labels == {}
    open_ = {observations.fingerprint({}): Episode(lifecycle=whole.after)}
    [ended] = changed(rule, reading({"chat": 0.1}), open_)
    assert state_of(ended) is AlertState.RESOLVED


@pytest.mark.parametrize(
    ("condition", "settled"),
    [
        (WHOLE, {}),
        (Promql(expression="up == 0"), {"no_series": "resolve", "stale_data": "use"}),
        (Absence(signal="request_rate"), {"no_series": "alert"}),
        (Absence(signal="request_rate", by=("tenant",)), {"no_series": "resolve"}),
        (Budget(amount_usd=1), {"no_series": "resolve"}),
        (Composite(rules=("a",)), {"no_series": "resolve"}),
    ],
)
def test_a_kind_to_which_silence_is_an_answer_leaves_no_choice(
    condition: AnyCondition, settled: dict[str, str]
) -> None:
    both = {"no_traffic": settled["no_series"]} if settled else {}
    assert condition.settled.model_dump(mode="json") == settled | both
    for name in settled | both:
        with pytest.raises(ValidationError, match=f"what {name} means"):
            draft(condition, {name: "keep"})


def test_of_old_data_an_absence_judges_all_the_same() -> None:
    choices = {one.kind: Watch(condition=one, timing=Timing(), labels={}) for one in
               (WHOLE, Absence(signal="request_rate"), Budget(amount_usd=1))}  # fmt: skip
    assert {kind: one.choice(DataState.STALE) for kind, one in choices.items()} == {
        "threshold": DataChoice.KEEP,
        "absence": DataChoice.USE,
        "budget": DataChoice.KEEP,
    }


def test_only_old_data_can_be_used() -> None:
    with pytest.raises(ValidationError, match="for stale data"):
        DataStates(no_series=DataChoice.USE)


def test_a_file_has_the_choices_only_and_an_old_word_says_the_new_one() -> None:
    assert "data_states" not in written(draft(WHOLE, {}))
    chosen = draft(WHOLE, {"unreachable": "say"})
    assert written(chosen)["data_states"] == {"unreachable": "say"}
    assert RuleDraft.model_validate(written(chosen)) == chosen
    with pytest.raises(ValidationError, match="now data_states"):
        RuleDraft.model_validate({**written(chosen), "no_data": "keep"})


def draft(condition: AnyCondition, states: dict[str, str]) -> RuleDraft:
    return RuleDraft.model_validate(
        {"name": "R", "owner": "ada", "policy": "p", "condition": condition, "data_states": states}
    )


def test_a_series_without_a_value_is_seen_as_idle() -> None:
    (question,) = WHOLE.questions
    seen = sight({question: ANSWERS[DataState.NO_TRAFFIC]})
    assert seen == Seen(idle={(("feature", "chat"),)})
    assert seen.state is DataState.NO_TRAFFIC
