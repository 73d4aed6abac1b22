"""`wakeful dashboards`, as an operator types it."""

import json
from pathlib import Path

import pytest
import yaml

from app import cli
from tests.test_dashboard_file import FILE


class Shell:
    """Runs the command over one data folder."""

    def __init__(self, folder: Path, screen: pytest.CaptureFixture[str]) -> None:
        self.folder, self._screen = folder, screen

    def __call__(self, *words: str) -> tuple[str, str]:
        """Return what it prints, and its error; empty if it did its work."""
        with pytest.raises(SystemExit) as ended:
            cli.main(["dashboards", *words])
        said = self._screen.readouterr()
        code = ended.value.code
        return said.out, f"{said.err}{code}" if code else said.err


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setenv("WAKEFUL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAKEFUL_USER", "ada")
    (tmp_path / "boards.yaml").write_text(FILE)
    return Shell(tmp_path, capsys)


def test_a_file_goes_in_and_comes_out(shell: Shell) -> None:
    said, error = shell("import", str(shell.folder / "boards.yaml"))
    assert error == ""
    assert said.splitlines() == [
        "new        Checkout bot  (line 3)",
        "new        Second  (line 23)",
        "Took 2 dashboards.",
    ]

    written, _ = shell("export", "--dashboard", "second")

    assert yaml.safe_load(written)["dashboards"][0]["owner"] == "Grace"


def test_a_dry_run_takes_nothing(shell: Shell) -> None:
    said, _ = shell("import", str(shell.folder / "boards.yaml"), "--dry-run")

    assert said.splitlines()[-1] == "Nothing was taken: this was a dry run."
    assert yaml.safe_load(shell("export")[0])["dashboards"] == []


def test_a_broken_file_is_refused_with_its_lines(shell: Shell) -> None:
    broken = shell.folder / "broken.yaml"
    broken.write_text(FILE.replace("kind: area", "kind: pie").replace("slo:", "sloe:"))

    _, error = shell("import", str(broken))

    first, second = error.splitlines()
    assert first.startswith("wakeful: line 10: dashboard 'Checkout bot': panel 1, sloe")
    assert second.startswith("wakeful: line 17: dashboard 'Checkout bot': panel 3, kind")


def test_one_goes_out_for_grafana_with_what_stays_behind(shell: Shell) -> None:
    shell("import", str(shell.folder / "boards.yaml"))
    file = shell.folder / "bot.json"

    _, error = shell("export", str(file), "--dashboard", "checkout-bot", "--format", "grafana")

    assert len(error.splitlines()) == 2
    assert "left out: Slow calls: it measures spans" in error
    assert json.loads(file.read_text())["schemaVersion"] == 42


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "--dashboard", "nowhere"), "there is no dashboard 'nowhere'"),
        (("export", "--format", "grafana"), "add --dashboard, of checkout-bot, second"),
        (("import", "/nowhere.yaml"), "cannot read /nowhere.yaml"),
    ],
    ids=["unknown", "many for Grafana", "no file"],
)
def test_what_cannot_be_done_is_one_sentence(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    shell("import", str(shell.folder / "boards.yaml"))

    assert said in shell(*words)[1]
