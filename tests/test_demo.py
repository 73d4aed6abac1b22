"""The demo starts, watches and stops its own programs, and keeps its data while it is recent."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from alerts import rulefile
from alerts.settings import Settings
from examples.copilot.children import ChildError, Children, left_over, stop_left_over
from examples.copilot.commands import (
    RULES,
    Ports,
    choose_ports,
    environment,
    links_of,
    programs,
)
from examples.copilot.preparation import RECENT, Folder
from examples.standins.pagerduty import ENGINEERS, PagerDutyConfig
from examples.standins.slack import SlackConfig

NOW = datetime(2026, 3, 14, 15, 30, tzinfo=UTC)
SERVER = """
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", {port}), SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    found = Children(tmp_path)
    yield found
    found.stop()


def a_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(children: Children, code: str, name: str = "Thing", port: int = 9) -> None:
    children.start(name, [sys.executable, "-c", code], f"http://127.0.0.1:{port}/", {})


def test_a_program_is_ready_when_it_answers(children: Children, tmp_path: Path) -> None:
    port = a_port()
    start(children, SERVER.format(port=port), port=port)
    children.wait_until_ready(threading.Event())
    with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        assert answer.status == 200


def test_a_program_that_dies_is_named_with_its_last_words(
    children: Children, tmp_path: Path
) -> None:
    start(children, "import sys; sys.exit('no such thing as a free port')", name="Slack")
    with pytest.raises(ChildError, match=r"Slack ended with code 1: no such thing as a free port"):
        children.wait_until_ready(threading.Event())
    assert (tmp_path / "logs" / "slack.log").exists()


def test_waiting_ends_when_the_demo_is_stopped(children: Children) -> None:
    stopped = threading.Event()
    stopped.set()
    start(children, "import time; time.sleep(60)")
    children.wait_until_ready(stopped)


def test_what_was_started_is_stopped(children: Children, tmp_path: Path) -> None:
    start(children, "import time; time.sleep(60)")
    assert set(left_over(tmp_path)) >= {"demo", "Thing"}
    children.stop()
    assert left_over(tmp_path) == {}


def test_one_program_is_stopped_and_forgotten_while_the_others_run_on(
    children: Children, tmp_path: Path
) -> None:
    start(children, "import time; time.sleep(60)", name="Slack")
    start(children, "import time; time.sleep(60)", name="PagerDuty")
    children.stop_one("Slack")
    assert set(left_over(tmp_path)) >= {"demo", "PagerDuty"}
    assert "Slack" not in left_over(tmp_path)
    children.check()


def test_an_earlier_demo_is_named_and_its_programs_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    left = subprocess.Popen(command)
    started = subprocess.check_output(["ps", "-o", "lstart=", "-p", str(left.pid)], text=True)
    record = [("demo", 2**22 + 1, "long ago"), ("copilot", left.pid, started.strip())]
    (tmp_path / "running.json").write_text(json.dumps(record))
    # A child of this process stays in the table until it is collected.
    collector = threading.Thread(target=left.wait)
    collector.start()
    assert left_over(tmp_path) == {"copilot": left.pid}
    assert stop_left_over(tmp_path) == {"copilot": left.pid}
    collector.join(5)
    assert left_over(tmp_path) == {}


def test_a_pid_that_others_use_now_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    record = [("copilot", other.pid, "Sat Jan  1 00:00:00 2000")]
    (tmp_path / "running.json").write_text(json.dumps(record))
    try:
        assert stop_left_over(tmp_path) == {}
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}', '[["a", "b", "c"]]'])
def test_a_broken_record_is_no_demo(tmp_path: Path, text: str) -> None:
    (tmp_path / "running.json").write_text(text)
    assert left_over(tmp_path) == {}


def test_a_taken_port_gives_another_and_says_so() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", Ports().slack))
            listener.listen()
        except OSError:
            pass  # somebody else has it already: just as well
        ports, said = choose_ports()
    assert ports.slack != Ports().slack
    assert f"Port {Ports().slack} is taken: slack listens on {ports.slack} instead." in said


def test_wakeful_takes_the_settings_of_the_demo(tmp_path: Path) -> None:
    ports = Ports(wakeful=18501)
    env = environment(ports, tmp_path, Path("/usr/bin/prometheus"))
    settings = Settings.from_env({k: v for k, v in env.items() if k.startswith("WAKEFUL_")})
    assert settings.port == "18501"
    assert settings.slack_bot_token == SlackConfig().token
    assert settings.pagerduty_routing_key == PagerDutyConfig().routing_keys[0]
    assert settings.prometheus_url == "http://127.0.0.1:9191"


def test_settings_from_outside_do_not_reach_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEFUL_SLACK_URL", "https://slack.com/api/")
    monkeypatch.setenv("WAKEFUL_ACCESS_TOKEN", "secret")
    env = environment(Ports(), tmp_path, None)
    assert env["WAKEFUL_SLACK_URL"] == "http://127.0.0.1:8601/api/"
    assert "WAKEFUL_ACCESS_TOKEN" not in env


def test_without_prometheus_nothing_points_to_one(tmp_path: Path) -> None:
    assert "WAKEFUL_PROMETHEUS_URL" not in environment(Ports(), tmp_path, None)
    assert "prometheus" not in {program.name for program in programs(Ports(), tmp_path, None)}
    assert "Prometheus" not in dict(links_of(Ports(), None))


def test_prometheus_scrapes_the_copilot_under_the_name_of_its_history(tmp_path: Path) -> None:
    list(programs(Ports(copilot=4711), tmp_path, Path("/usr/bin/prometheus")))
    jobs = yaml.safe_load((tmp_path / "prometheus.yml").read_text())["scrape_configs"]
    copilot = next(job for job in jobs if job["job_name"] == "copilot")
    assert copilot["static_configs"] == [{"targets": ["127.0.0.1:4711"]}]
    assert copilot["relabel_configs"] == [{"target_label": "instance", "replacement": "copilot"}]


def test_the_rules_of_the_demo_are_in_order() -> None:
    found = rulefile.parse(RULES.read_text())
    assert {rule.policy for rule in found.rules} <= {policy.name for policy in found.policies}
    assert len(found.rules) == 10
    (policy,) = found.policies
    delays = [step.after.total_seconds() for step in policy.steps]
    assert delays == [0, 20, 40]
    assert policy.steps[2].channels == (f"oncall:{ENGINEERS.id}",)


def test_recent_data_is_used_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.pulse(now=NOW, metrics=True)
    assert folder.is_recent(now=NOW + RECENT - timedelta(seconds=1), metrics=True)


def test_old_data_is_made_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.pulse(now=NOW, metrics=True)
    assert not folder.is_recent(now=NOW + RECENT, metrics=True)


def test_data_without_metrics_is_made_anew_once_there_is_a_prometheus(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.pulse(now=NOW, metrics=False)
    assert not folder.is_recent(now=NOW, metrics=True)


def test_no_data_and_broken_data_are_made_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert not folder.is_recent(now=NOW, metrics=True)
    (tmp_path / "history.json").write_text("{")
    assert not folder.is_recent(now=NOW, metrics=True)


def test_clearing_forgets_everything_but_the_logs(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name in ("wakeful/wakeful.db", "prometheus/wal/1", "logs/copilot.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    folder.pulse(now=NOW, metrics=True)
    folder.clear()
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["logs/copilot.log"]
