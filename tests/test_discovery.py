"""Which stacks a server has: found soon, remembered long, looked for seldom."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from signals import Query, QueryError, UnreachableError
from signals.discovery import FIRST_AGAIN, KNOWN_FOR, LIVE, NOTHING_FOR, Discovery
from signals.mapping import MappingDraft, own
from signals.packs import PACKS, PackError, load, parse
from signals.prometheus_faults import SilentError

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES_5 = timedelta(minutes=5)
LITELLM = {
    "litellm_proxy_total_requests_metric_total": {"requested_model", "team", "status_code"},
    "litellm_proxy_failed_requests_metric_total": {"requested_model", "team"},
    "litellm_request_total_latency_metric_bucket": {"requested_model", "team", "le"},
}
VLLM = {
    "vllm:request_success_total": {"model_name", "finished_reason"},
    "vllm:e2e_request_latency_seconds_bucket": {"model_name", "le"},
    "vllm:num_requests_running": {"model_name"},
}


@dataclass
class Server:
    """Has metrics with labels; those in `past` have not been written for a day."""

    metrics: dict[str, set[str]] = field(default_factory=dict)
    past: dict[str, set[str]] = field(default_factory=dict)
    fault: Exception | None = None
    untold: Exception | None = None
    asked: list[datetime] = field(default_factory=list)

    def names(self, prefixes: str, *, start: datetime, end: datetime) -> frozenset[str]:
        if self.fault:
            self.asked.append(end)
            raise self.fault
        if end - start <= LIVE:
            return frozenset(self.metrics)
        self.asked.append(end)
        return frozenset(self.metrics | self.past)

    def labels(self, metric: str, *, start: datetime, end: datetime) -> frozenset[str]:
        if self.untold:
            raise self.untold
        return frozenset((self.metrics | self.past)[metric])


def asks(discovery: Discovery, signal: str = "request_rate", *by: str, **scope: str) -> str:
    query = Query(signal=signal, window=MINUTES_5, by=by, scope=tuple(sorted(scope.items())))
    labels = [*scope, *by]
    return discovery.answerer(signal, labels).ask(query, grown=True).promql


def looked(server: Server, *, at: datetime = AT) -> Discovery:
    discovery = Discovery(server)
    discovery.look(at=at)
    return discovery


def stacks(discovery: Discovery) -> list[str]:
    return [pack.name for pack in discovery.findings.stacks]


def test_a_stack_that_is_there_answers_by_its_own_names() -> None:
    discovery = looked(Server(LITELLM))
    assert stacks(discovery) == ["litellm"]
    assert asks(discovery, "request_rate", "tenant") == (
        "sum by (team) (rate(litellm_proxy_total_requests_metric_total[5m]))"
    )


def test_of_several_stacks_the_preferred_answers_and_the_others_fill_in() -> None:
    server = Server(VLLM | {"litellm_proxy_total_requests_metric_total": {"requested_model"}})
    discovery = looked(server)
    assert stacks(discovery) == ["litellm", "vllm"]
    assert "litellm" in asks(discovery, "request_rate")
    assert "vllm" in asks(discovery, "latency_p95")


def test_a_label_that_the_preferred_stack_lacks_is_asked_of_the_next() -> None:
    discovery = looked(Server(LITELLM | VLLM))
    assert "litellm" in asks(discovery, "request_rate", "model")
    assert "vllm" in asks(discovery, "request_rate", "finished_reason")


def test_what_is_alive_comes_before_what_is_remembered() -> None:
    discovery = looked(Server(metrics=VLLM, past=LITELLM))
    assert stacks(discovery) == ["litellm", "vllm"]
    assert "vllm" in asks(discovery)


def test_a_stack_that_went_silent_still_answers_no_series_instead_of_nobody() -> None:
    assert "litellm" in asks(looked(Server(past=LITELLM)))


def test_a_server_without_any_stack_has_no_signal() -> None:
    discovery = looked(Server({"llm_something_else": set()}))
    with pytest.raises(QueryError, match="no stack that this server knows has the signal"):
        asks(discovery)


def test_a_stack_without_a_metric_does_not_claim_its_signals() -> None:
    with pytest.raises(QueryError, match="has the signal guardrail_ratio"):
        asks(looked(Server(LITELLM)), "guardrail_ratio")


def test_until_the_server_tells_the_first_pack_is_taken_to_be_there() -> None:
    discovery = Discovery(Server(LITELLM))
    assert asks(discovery) == "sum(rate(llm_requests_total[5m]))"


def test_names_that_appear_later_are_found_soon() -> None:
    server = Server()
    discovery = looked(server)
    server.metrics = LITELLM
    discovery.look(at=AT + FIRST_AGAIN - timedelta(seconds=1))
    assert stacks(discovery) == []
    discovery.look(at=AT + FIRST_AGAIN)
    assert stacks(discovery) == ["litellm"]


def test_a_server_on_which_nothing_changes_is_asked_every_five_minutes() -> None:
    server = Server(LITELLM)
    discovery = looked(server)
    for second in range(0, 3600, 5):
        discovery.look(at=AT + timedelta(seconds=second))
    apart = [later - earlier for earlier, later in pairwise(server.asked)]
    assert apart[:6] == [timedelta(seconds=s) for s in (5, 10, 20, 40, 80, 160)]
    assert set(apart[6:]) == {KNOWN_FOR}


def test_a_server_without_any_stack_is_asked_every_quarter_of_a_minute() -> None:
    server = Server()
    discovery = looked(server)
    for second in range(0, 600, 5):
        discovery.look(at=AT + timedelta(seconds=second))
    assert max(later - earlier for earlier, later in pairwise(server.asked)) == NOTHING_FOR


def test_the_past_is_not_looked_at_again() -> None:
    server = Server(LITELLM)
    discovery = looked(server)
    discovery.look(at=AT - timedelta(days=3))
    assert server.asked == [AT]


def test_a_server_that_falls_silent_changes_nothing_and_says_so_once() -> None:
    server = Server(LITELLM)
    discovery = looked(server)
    server.fault = SilentError("nobody answers")
    with pytest.raises(UnreachableError, match="nobody answers"):
        discovery.look(at=AT + MINUTES_5)
    discovery.look(at=AT + MINUTES_5)
    assert stacks(discovery) == ["litellm"]
    assert (discovery.findings.error, discovery.findings.looked_at) == ("nobody answers", AT)


def test_a_server_that_refuses_to_tell_is_no_failure() -> None:
    discovery = looked(Server(fault=UnreachableError("answered 500")))
    assert discovery.findings.error == "answered 500"
    assert asks(discovery) == "sum(rate(llm_requests_total[5m]))"


def test_what_was_found_once_stays() -> None:
    server = Server(LITELLM)
    discovery = looked(server)
    server.metrics = VLLM
    discovery.look(at=AT + MINUTES_5)
    assert stacks(discovery) == ["litellm", "vllm"]


@pytest.mark.parametrize("untold", [QueryError, UnreachableError])
def test_where_labels_are_not_told_those_that_the_pack_names_are_used(
    untold: type[Exception],
) -> None:
    discovery = looked(Server(LITELLM, untold=untold("no labels here")))
    assert 'requested_model="a"' in asks(discovery, "error_ratio", model="a")


def test_a_name_with_other_labels_belongs_to_somebody_else() -> None:
    assert stacks(looked(Server({"llm_requests_total": {"path"}}))) == []


def test_ones_own_mapping_comes_before_every_stack() -> None:
    mine = own(MappingDraft(signal="request_rate", promql="sum(my_calls)"))
    discovery = Discovery(Server(LITELLM), own=lambda: {"request_rate": mine})
    discovery.look(at=AT)
    assert asks(discovery) == "sum(my_calls)"
    assert "litellm" in asks(discovery, "latency_p95")


def test_the_heartbeats_are_those_of_the_stacks_that_are_there() -> None:
    discovery = looked(Server(LITELLM | VLLM))
    assert discovery.heartbeats == (
        "litellm_proxy_total_requests_metric_total",
        "vllm:num_requests_running",
    )


def test_only_what_says_when_it_was_created_is_looked_at_for_births() -> None:
    created = {"litellm_proxy_total_requests_metric_created": {"team"}}
    assert looked(Server(LITELLM)).created == ()
    assert looked(Server(LITELLM | created)).created == tuple(created)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: [", "x.yaml: while parsing"),
        ("name: x", "title"),
        ("- 1", "x.yaml"),
        (
            "{name: x, title: x, about: x, source: [x], preference: 1, counts: request, "
            "heartbeat: gone, metrics: {}, signals: {}}",
            "no such metric here: gone",
        ),
    ],
)
def test_a_pack_that_makes_no_sense_is_named(text: str, complaint: str) -> None:
    with pytest.raises(PackError) as caught:
        parse("x.yaml", text)
    assert complaint in str(caught.value)


def test_every_pack_has_a_preference_of_its_own() -> None:
    assert len({pack.preference for pack in load()}) == len(PACKS)
