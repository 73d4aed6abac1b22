"""The copilot over real HTTP: questions, the page that breaks it, its metrics."""

import subprocess
from typing import Any

import httpx2
import pytest

from examples.copilot.application import CopilotConfig, copilot_app
from examples.copilot.breaks import Break
from examples.copilot.people import FEATURES
from tests.copilot import Instruments
from tests.serving import serve


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


@pytest.fixture
def silent(instruments: Instruments) -> Any:
    """The copilot without traffic of its own, which answers at once."""
    config = CopilotConfig(
        requests_per_second=0, waits=False, links={"Wakeful": "http://w.example"}
    )
    with (
        serve(copilot_app(config, telemetry=instruments.telemetry)) as url,
        httpx2.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def test_a_question_is_answered_and_traced(silent: httpx2.Client, instruments: Instruments) -> None:
    answer = silent.post("/v1/answers", json={"question": "Why?"}, headers={"x-tenant-id": "acme"})
    assert answer.status_code == 200
    root = next(span for span in instruments.decoded() if span.parent_id is None)
    assert answer.headers["x-trace-id"] == root.trace_id
    assert root.tenant == "acme"


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/v1/nonsense", {"question": "Why?"}, "there is no such feature"),
        ("/v1/answers", [], "send JSON"),
        ("/v1/answers", {"question": "Why?", "turn": "x"}, "send JSON"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    silent: httpx2.Client, path: str, body: Any, reason: str
) -> None:
    answer = silent.post(path, json=body)
    assert answer.status_code == 400
    assert reason in answer.text


def test_the_page_breaks_and_heals(silent: httpx2.Client) -> None:
    assert "Healthy." in silent.get("/").text
    assert silent.post("/break", data={"what": "slow-model"}).headers["location"] == "/"
    assert silent.get("/state").json() == {"broken": ["slow-model"]}
    assert "Broken: Slow model." in silent.get("/").text
    silent.post("/heal", data={"what": "slow-model"})
    assert silent.get("/state").json() == {"broken": []}


def test_heal_without_a_name_heals_everything(silent: httpx2.Client) -> None:
    for one in Break:
        silent.post("/break", data={"what": one})
    silent.post("/heal")
    assert silent.get("/state").json() == {"broken": []}


def test_another_site_cannot_break_the_copilot(silent: httpx2.Client) -> None:
    headers = {"origin": "https://evil.example"}
    answer = silent.post("/break", data={"what": "slow-model"}, headers=headers)
    assert answer.status_code == 403
    assert silent.get("/state").json() == {"broken": []}


def test_a_break_that_does_not_exist_is_named(silent: httpx2.Client) -> None:
    answer = silent.post("/break", data={"what": "everything"})
    assert answer.status_code == 400
    assert "there is no break 'everything'" in answer.text


def test_the_copilot_answers_only_under_its_own_name(silent: httpx2.Client) -> None:
    assert silent.get("/", headers={"host": "evil.example"}).status_code == 400


def test_the_metrics_have_every_series_before_the_first_request(silent: httpx2.Client) -> None:
    text = silent.get("/metrics").text
    for feature in FEATURES.values():
        assert f'feature="{feature.name}",model="{feature.model.name}",outcome="timeout"' in text


def test_the_metrics_lead_to_a_trace(silent: httpx2.Client) -> None:
    trace_id = silent.post("/v1/search", json={"question": "vpn"}).headers["x-trace-id"]
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    assert trace_id in silent.get("/metrics", headers=accept).text


def test_the_command_breaks_the_running_copilot(silent: httpx2.Client) -> None:
    command = [
        "python",
        "-m",
        "examples.copilot.break",
        "cost-spike",
        "--url",
        str(silent.base_url),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "thirty times" in done.stdout
    assert silent.get("/state").json() == {"broken": ["cost-spike"]}
