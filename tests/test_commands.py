"""Commands in this process, since starting one takes seconds: what they print."""

from pathlib import Path

import pytest

from app import cli

RULES = """
version: 1
policies:
  - name: nights
    steps:
      - {channels: ["slack:#llm"]}
      - after: 1h
        channels: ["person:ada.lovelace@example.org"]
        only: {hours: {start: "22:00", end: "07:00", zone: Europe/Berlin}}
rules:
  - {name: E, owner: a, policy: nights, condition: {kind: threshold, signal: error_ratio, bound: 1}}
"""


class Shell:
    """Runs the command over one data folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def run(self, *arguments: str) -> list[str]:
        """Run a command that does its work; return the lines that it prints."""
        with pytest.raises(SystemExit) as done:
            cli.main(arguments)
        assert done.value.code == 0
        return self._capsys.readouterr().out.splitlines()

    def fails(self, *arguments: str) -> str:
        """Run a command that cannot; return the sentence."""
        with pytest.raises(SystemExit) as done:
            cli.main(arguments)
        return str(done.value.code)


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setenv("WAKEFUL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAKEFUL_SLACK_BOT_TOKEN", "xoxb-1")
    return Shell(tmp_path, capsys)


@pytest.fixture
def nights(shell: Shell) -> Shell:
    """A shell with one policy."""
    book = shell.folder / "rules.yaml"
    book.write_text(RULES)
    shell.run("rules", "import", str(book))
    return shell


def test_a_dry_run_says_each_step_in_every_zone(nights: Shell) -> None:
    lines = nights.run(
        "policies", "dry-run", "nights", "--at", "2026-03-29T02:30", "--zone", "Europe/Berlin"
    )
    assert lines[0] == "nights: a critical group of 1 alert that opens 2026-03-29 03:30:00 CEST"
    assert lines[1] == "note: 02:30 does not exist on that day, 03:30 CEST is taken"
    assert lines[3].split() == ["Step", "After", "Europe/Berlin", "UTC", "Tells"]
    assert "Sun Mar 29, 04:30:00 CEST  Sun Mar 29, 02:30:00 UTC" in lines[5]
    assert "Ada Lovelace <ada.lovelace@example.org>" in lines[5]
    assert lines[-1] == "Nobody else is told after 1 h."


def test_a_dry_run_says_what_is_skipped_and_why(nights: Shell) -> None:
    lines = nights.run("policies", "dry-run", "nights", "--at", "2026-03-30T12:00+02:00")
    assert "nobody: skipped, not at this time of the week" in lines[4]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["days"], "wakeful: there is no policy 'days': there are nights"),
        (["nights", "--at", "soon"], "wakeful: 'soon' is not a time: write 2026-03-29T01:30 or …"),
        (["nights", "--zone", "Mars"], "wakeful: 'Mars' is not a time zone such as Europe/Berlin"),
    ],
)
def test_a_dry_run_of_what_is_none_is_one_sentence(
    nights: Shell, arguments: list[str], sentence: str
) -> None:
    assert nights.fails("policies", "dry-run", *arguments).startswith(sentence)


def test_a_hand_over_without_alerts_says_so(shell: Shell) -> None:
    lines = shell.run("alerts", "handover", "--hours", "8", "--zone", "Europe/Berlin")
    assert lines[0].startswith("# Hand-over, ")
    assert lines[0].endswith((" CET", " CEST"))
    assert lines[2:] == ["## Open: nothing", "", "", "## The last 8 h", "", "Nothing fired."]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hours", "0"], "wakeful: a shift lasts up to 744 hours"),
        (["--zone", "Mars"], "wakeful: 'Mars' is not a time zone such as Europe/Berlin"),
    ],
)
def test_a_hand_over_of_no_shift_is_one_sentence(
    shell: Shell, arguments: list[str], sentence: str
) -> None:
    assert shell.fails("alerts", "handover", *arguments) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export", "9"], "wakeful: there is no alert 9"),
        (["export", "9", "--group", "--json"], "wakeful: there is no group of alerts 9"),
    ],
)
def test_there_is_no_story_of_what_is_none(
    shell: Shell, arguments: list[str], sentence: str
) -> None:
    assert shell.fails("alerts", *arguments) == sentence
