"""The command, as an operator types it: exit codes and single sentences."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.vendors import SLACK_TOKEN, FakeSlack

WAKEFUL = Path(sys.executable).parent / "wakeful"
RULES = """
version: 1
policies: [{name: p, steps: [{channels: ["slack:#llm"]}]}]
rules:
  - name: Errors
    owner: ada
    condition: {kind: threshold, signal: error_ratio, bound: 0.03}
    policy: p
"""


def wakeful(
    folder: Path, *arguments: str, typed: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WAKEFUL, *arguments],
        env={"PATH": os.environ["PATH"], "WAKEFUL_DATA_DIR": str(folder), "WAKEFUL_PORT": "1"}
        | env,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_rules_go_in_and_come_out(tmp_path: Path) -> None:
    checked = wakeful(tmp_path, "rules", "check", "-", typed=RULES).stdout.splitlines()
    assert checked[-1] == "-: 1 policy, 1 rule in order (wakeful)"
    assert "hint: It has no runbook" in checked[0]
    assert wakeful(tmp_path, "rules", "import", "-", typed=RULES).returncode == 0
    exported = wakeful(tmp_path, "rules", "export", "-").stdout
    assert "name: Errors" in exported
    assert wakeful(tmp_path, "rules", "check", "-", typed=exported).returncode == 0


def test_nothing_firing_lists_nothing(tmp_path: Path) -> None:
    done = wakeful(tmp_path, "alerts", "list")
    assert (done.returncode, done.stdout) == (0, "")


def test_acknowledging_an_unknown_alert_says_so(tmp_path: Path) -> None:
    done = wakeful(tmp_path, "alerts", "ack", "7")
    assert (done.returncode, done.stderr) == (1, "wakeful: there is no alert 7\n")


def test_a_check_names_what_does_not_answer(tmp_path: Path, httpserver: HTTPServer) -> None:
    slack = FakeSlack(httpserver)
    done = wakeful(
        tmp_path,
        "check",
        WAKEFUL_SLACK_URL=slack.url,
        WAKEFUL_SLACK_BOT_TOKEN=SLACK_TOKEN,
        WAKEFUL_PROMETHEUS_URL="http://127.0.0.1:1",
    )
    states = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert states["slack"] == "ok"
    assert states["prometheus"] == "FAIL"
    assert done.returncode == 1


def test_a_check_without_channels_fails(tmp_path: Path) -> None:
    done = wakeful(tmp_path, "check")
    assert "nobody is told" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("role", ["web", "engine"])
def test_split_roles_refuse_the_embedded_trace_store(tmp_path: Path, role: str) -> None:
    done = wakeful(tmp_path, role)
    assert done.returncode == 1
    assert "WAKEFUL_TRACE_STORE_URL to another store, or to none" in done.stderr


def test_a_wrong_setting_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    done = wakeful(tmp_path, "up", WAKEFUL_HOST="0.0.0.0")
    assert done.returncode == 1
    assert done.stderr == (
        "wakeful: WAKEFUL_HOST=0.0.0.0 would let anyone in: set WAKEFUL_ACCESS_TOKEN, or "
        "listen on 127.0.0.1\n"
    )


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = wakeful(tmp_path, "up", WAKEFUL_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"wakeful: cannot listen on 127.0.0.1:{port} (Address already in use): set WAKEFUL_PORT\n"
    )


def test_an_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    done = wakeful(tmp_path, "alerts", "list", WAKEFUL_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("wakeful: the database does not answer")
    assert "Traceback" not in done.stderr
