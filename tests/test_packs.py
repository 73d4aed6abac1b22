"""Every signal that a pack claims, from what its stack exposes, scraped by real servers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from models.clock import utc_now
from signals import Query, Sample
from signals.packs import PACKS, Pack
from signals.prometheus import Prometheus, PrometheusAccess
from tests import prometheus, victoria
from tests.expositions import STACKS, applications
from tests.expositions.text import Page
from tests.expositions.traffic import Kind, by, failed, per_second, quantile, share
from tests.serving import serve

MINUTES_5 = timedelta(minutes=5)
# Stacks that share no metric name may live in one server.
GROUPS = (
    ("seeds", "litellm", "envoy", "vllm", "otel", "spanmetrics", "tempo"),
    ("calls", "openlit", "spanmetrics_seconds"),
    ("middleware_otel", "openllmetry"),
)
SERVERS = {"prometheus": prometheus.running, "victoria-metrics": victoria.running}
BY_NAME = {pack.name: pack for pack in PACKS}
PAGES = {name: make() for name, make in STACKS.items()}

Known = Mapping[str, Callable[[Page], float | None]]


class Scraped:
    """The servers of one kind, and the instant of the newest samples in them."""

    def __init__(self, urls: Mapping[str, str], at: datetime) -> None:
        self.urls, self.at = urls, at


@pytest.fixture(scope="module", params=list(SERVERS))
def scraped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scraped]:
    end = int(utc_now().timestamp()) - 2
    texts = {name: page.text(end=end) for name, page in PAGES.items()}

    async def metrics(asked: Request) -> PlainTextResponse:
        return PlainTextResponse(texts[asked.path_params["stack"]])

    with ExitStack() as stack:
        site = stack.enter_context(serve(Starlette(routes=[Route("/{stack}", metrics)])))
        urls = {}
        for group in GROUPS:
            folder = tmp_path_factory.mktemp(request.param)
            config = _config(site.removeprefix("http://"), group)
            server = stack.enter_context(SERVERS[request.param](folder, config=config))
            urls |= dict.fromkeys(group, server.url)
        at = datetime.fromtimestamp(end, tz=UTC)
        for name, url in urls.items():
            _wait(url, name, at)
        yield Scraped(urls, at)


def _config(site: str, stacks: tuple[str, ...]) -> str:
    jobs = ", ".join(
        f"{{job_name: {name}, metrics_path: /{name}, static_configs: [{{targets: ['{site}']}}]}}"
        for name in stacks
    )
    return f"global: {{scrape_interval: 1s}}\nscrape_configs: [{jobs}]\n"


def _wait(url: str, name: str, at: datetime) -> None:
    page = PAGES[name]
    series = len(page.steady) + len(page.constant)
    with closing(Prometheus(PrometheusAccess(url=url))) as server:

        def is_there() -> bool:
            found = server.evaluate(f'count({{job="{name}"}})', at=at).samples
            return bool(found) and found[0].value >= series

        prometheus.wait_until(is_there, seconds=20)


def connect(scraped: Scraped, stack: str, *packs: Pack) -> Prometheus:
    return Prometheus(PrometheusAccess(url=scraped.urls[stack]), packs=packs or PACKS)


def ask(signal: str, *by: str, **scope: str) -> Query:
    return Query(signal=signal, window=MINUTES_5, by=by, scope=tuple(sorted(scope.items())))


def read(server: Prometheus, query: Query, scraped: Scraped) -> tuple[Sample, ...]:
    return server.read(query, at=scraped.at).samples


def tokens(kind: Kind) -> float:
    return kind.input + kind.output


# What is true of the traffic, whatever the stack.
TRUE: Known = {
    "latency_p50": lambda page: quantile(0.5, page.bounds),
    "latency_p95": lambda page: quantile(0.95, page.bounds),
    "latency_p99": lambda page: quantile(0.99, page.bounds),
    "error_ratio": lambda _: share(failed),
    "cost_per_request": lambda _: per_second(lambda k: k.dollars) / per_second(),
    "cache_hit_ratio": lambda _: share(lambda k: k.cached),
    "guardrail_ratio": lambda _: share(lambda k: k.blocked),
    "approval_queue_depth": lambda _: max(applications.QUEUE.values()),
    "eval_score": lambda _: applications.POINTS,
    "eval_score_drop": lambda _: 0,
    "request_rate": lambda _: per_second(),
    "token_rate": lambda _: per_second(tokens),
}
CLAIMS = [
    (stack, signal)
    for stack in STACKS
    for signal in BY_NAME[stack.removesuffix("_seconds")].signals
]


@pytest.mark.parametrize(("stack", "signal"), CLAIMS)
def test_a_claimed_signal_has_the_value_that_is_true(
    scraped: Scraped, stack: str, signal: str
) -> None:
    pack = BY_NAME[stack.removesuffix("_seconds")]
    with closing(connect(scraped, stack, pack)) as server:
        (sample,) = read(server, ask(signal), scraped)
        assert sample.value == pytest.approx(TRUE[signal](PAGES[stack]), abs=1e-9)
        assert [found.name for found in server.stacks.findings.stacks] == [pack.name]


MODELLED = [
    (stack, signal)
    for stack, signal in CLAIMS
    if signal in ("latency_p95", "error_ratio", "request_rate", "token_rate", "cost_per_request")
    and stack != "openllmetry"  # what failed names no model: see the test of it
]


@pytest.mark.parametrize(("stack", "signal"), MODELLED)
def test_our_label_for_the_model_splits_and_narrows_on_every_stack(
    scraped: Scraped, stack: str, signal: str
) -> None:
    def of(model: str) -> Callable[[Kind], bool]:
        return lambda kind: kind.model == model

    def expected(model: str) -> float:
        rate = per_second(chosen=of(model))
        return {
            "latency_p95": quantile(0.95, PAGES[stack].bounds, of(model)),
            "error_ratio": share(failed, of(model)),
            "request_rate": rate,
            "token_rate": per_second(tokens, of(model)),
            "cost_per_request": per_second(lambda k: k.dollars, of(model)) / rate,
        }[signal]

    answered = by("model")
    pack = BY_NAME[stack.removesuffix("_seconds")]
    with closing(connect(scraped, stack, pack)) as server:
        split = {s.labels["model"]: s.value for s in read(server, ask(signal, "model"), scraped)}
        assert split == pytest.approx({model: expected(model) for model in answered})
        for model in answered:
            (sample,) = read(server, ask(signal, model=model), scraped)
            assert sample.labels == {"model": model}
            assert sample.value == pytest.approx(expected(model))


TENANTS = {"litellm", "envoy", "otel", "middleware_otel", "spanmetrics", "tempo"}


@pytest.mark.parametrize("stack", sorted(TENANTS))
def test_our_label_for_the_tenant_works_where_the_stack_has_one(
    scraped: Scraped, stack: str
) -> None:
    with closing(connect(scraped, stack, BY_NAME[stack])) as server:
        found = read(server, ask("error_ratio", "tenant"), scraped)
    assert {s.labels["tenant"]: s.value for s in found} == pytest.approx(
        {tenant: share(failed, lambda k, t=tenant: k.tenant == t) for tenant in by("tenant")}  # type: ignore[misc]
    )
