"""Servers are found, or fetched, or asked for in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import servers

needs_debian = pytest.mark.skipif(
    not shutil.which("apt-get") or bool(shutil.which("alertmanager")),
    reason="unpacks a Debian package",
)


def a_program(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_program_on_the_path_wins(empty_path: Path, tmp_path: Path) -> None:
    ours = a_program(empty_path / "promtool")
    a_program(tmp_path / "servers/usr/bin/promtool")
    assert servers.find("promtool", tmp_path / "servers") == ours


def test_an_unpacked_program_is_found(empty_path: Path, tmp_path: Path) -> None:
    unpacked = a_program(tmp_path / "usr/bin/promtool")
    assert servers.find("promtool", tmp_path) == unpacked


def test_alertmanager_is_found_under_debians_name(empty_path: Path, tmp_path: Path) -> None:
    unpacked = a_program(tmp_path / "usr/bin/prometheus-alertmanager")
    assert servers.find("alertmanager", tmp_path) == unpacked


def test_what_is_not_there_is_not_found(empty_path: Path, tmp_path: Path) -> None:
    assert servers.find("prometheus", tmp_path) is None


def test_a_server_without_its_tool_is_not_complete(empty_path: Path, tmp_path: Path) -> None:
    a_program(tmp_path / "usr/bin/prometheus")
    with pytest.raises(servers.MissingError, match="promtool"):
        servers.ensure("prometheus", tmp_path)


@needs_debian
def test_a_package_is_unpacked_without_root_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = servers.ensure("alertmanager", tmp_path)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert "alertmanager, version" in said.stdout + said.stderr
    assert servers.find("amtool", tmp_path) == tmp_path / "usr/bin/amtool"
    monkeypatch.setenv("PATH", os.defpath.split(":")[0] + "/nowhere")
    assert servers.ensure("alertmanager", tmp_path) == program


def test_a_machine_without_apt_is_told_what_to_install(
    empty_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers.main(["chromium"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("chromium: missing; install chromium (on Debian:")


def test_a_missing_optional_server_is_no_failure(empty_path: Path) -> None:
    assert servers.main(["chromium", "--optional"]) == 0


def test_why_apt_failed_is_said_in_its_own_words(empty_path: Path, tmp_path: Path) -> None:
    a_program(empty_path / "apt-get", "echo 'E: Could not resolve deb.debian.org' >&2; exit 100")
    a_program(empty_path / "dpkg")
    with pytest.raises(servers.MissingError, match="Could not resolve"):
        servers.ensure("prometheus", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may install everything")
def test_what_we_may_not_install_is_asked_for(empty_path: Path, tmp_path: Path) -> None:
    a_program(empty_path / "apt-get")
    a_program(empty_path / "dpkg")
    with pytest.raises(servers.MissingError, match="run as root: apt-get install"):
        servers.ensure("chromium", tmp_path)
