"""A watched folder of rule files: what they say is so, and a broken one changes nothing."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import intake, policies, rulebook, rulefile, rulefolder, versions
from alerts.policies import PolicyDraft
from alerts.rulebook import RuleError
from alerts.rulecode.complaints import RuleCodeError
from alerts.ruledraft import RuleDraft
from alerts.rulefolder import RuleFolder
from app.http.health import health
from models.database import read_only
from models.tables import Alert, Rule
from models.vocabulary import AlertState, Severity
from tests.test_taken import FILE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = {"name": "standard", "steps": [{"channels": ["slack:#llm"]}]}
OURS = """
version: 1
rules:
  - name: Down
    owner: ada
    condition: {kind: promql, expression: up == 0}
    policy: standard
  - name: Slow
    owner: ada
    condition: {kind: threshold, signal: latency_p95, bound: 8}
    policy: standard
"""


class Watching:
    """A folder, the database that follows it, and the time."""

    def __init__(self, db: Engine, path: Path) -> None:
        self.db, self.path, self.now = db, path, NOW
        path.mkdir()
        policies.save_policy(db, PolicyDraft.model_validate(POLICY))
        self.folder = RuleFolder(db, path)

    def write(self, name: str, text: str) -> None:
        """Write a file, and look a minute later."""
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        os.utime(file, (self.now.timestamp(), self.now.timestamp()))
        self.look()

    def remove(self, name: str) -> None:
        (self.path / name).unlink()
        self.look()

    def look(self) -> None:
        self.now += timedelta(minutes=1)
        self.folder.follow(self.now)

    @property
    def rules(self) -> dict[str, str]:
        """Where each rule is kept; what is switched off in parentheses."""
        with Session(read_only(self.db)) as session:
            return {
                rule.name if rule.enabled else f"({rule.name})": str(rulebook.origin_of(rule) or "")
                for rule, _ in rulebook.rules(session)
            }

    @property
    def complaints(self) -> dict[str, str]:
        with Session(read_only(self.db)) as session:
            return {row.path: row.complaint for row in rulefolder.files(session)}

    def fire(self, name: str) -> int:
        """Open an alert of a rule, and return its id."""
        with Session(self.db) as session:
            rule = session.exec(select(Rule).where(Rule.name == name)).one()
            alert = Alert(
                rule_id=rule.id or 0,
                fingerprint=name,
                labels={},
                severity=Severity.WARNING,
                value=1,
                state=AlertState.FIRING,
                active_at=self.now,
                fired_at=self.now,
            )
            session.add(alert)
            session.commit()
            return alert.id or 0

    def alert(self, alert_id: int) -> Alert:
        with Session(self.db) as session:
            return session.get_one(Alert, alert_id)


@pytest.fixture
def watching(db: Engine, tmp_path: Path) -> Watching:
    return Watching(db, tmp_path / "rules")


def test_what_is_in_the_folder_is_so_here_with_file_and_line(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    watching.write("team/prom.yml", FILE)
    assert watching.rules == {
        "Down": "ours.yaml, line 4",
        "Slow": "ours.yaml, line 8",
        "Errors": "team/prom.yml, line 8",
    }


def test_nothing_is_written_where_nothing_changed(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    watching.write("other.yaml", "version: 1")
    with Session(watching.db) as session:
        assert {rule.version for rule, _ in rulebook.rules(session)} == {0}
        assert len(versions.history(session, 1)) == 1


def test_a_change_of_the_file_is_a_version_by_the_file(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    watching.write("ours.yaml", OURS.replace("bound: 8", "bound: 9"))
    with Session(watching.db) as session:
        (step, _) = versions.history(session, 2)
    assert (step.version.author, [str(d) for d in step.differences]) == (
        "ours.yaml",
        ["condition.bound: 8.0 -> 9.0"],
    )


def test_a_broken_file_changes_nothing_and_says_why(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    alert = watching.fire("Slow")
    watching.write("ours.yaml", OURS.replace("bound: 8", "bond: 8"))
    assert watching.rules == {"Down": "ours.yaml, line 4", "Slow": "ours.yaml, line 8"}
    assert watching.alert(alert).state is AlertState.FIRING
    said = "line 10, rule 2 (Slow): condition.bound: Field required"
    assert watching.complaints["ours.yaml"].startswith(said)
    answer = health(watching.db, now=watching.now, engine=False)
    assert answer["rules"]["ours.yaml"]["error"].startswith(said)
    assert answer["rules"]["ours.yaml"]["rules"] == 2
    watching.write("ours.yaml", OURS)
    assert watching.complaints == {"ours.yaml": ""}


def test_a_broken_file_does_not_hold_up_another(watching: Watching) -> None:
    watching.write("a.yaml", "a: [")
    watching.write("ours.yaml", OURS)
    assert set(watching.rules) == {"Down", "Slow"}
    assert watching.complaints["a.yaml"].startswith("line 2: not YAML")


def test_a_rule_that_is_gone_is_switched_off_and_its_alert_ends(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    alert = watching.fire("Slow")
    watching.write("ours.yaml", OURS[: OURS.index("  - name: Slow")])
    assert watching.rules == {"Down": "ours.yaml, line 4", "(Slow)": ""}
    assert watching.alert(alert).resolved_by == "ours.yaml (rule gone from its file)"


def test_a_rule_that_moves_to_another_file_keeps_its_alert(watching: Watching) -> None:
    slow = "version: 1\nrules:\n" + OURS[OURS.index("  - name: Slow") :]
    watching.write("ours.yaml", OURS)
    alert = watching.fire("Slow")
    (watching.path / "ours.yaml").write_text(OURS[: OURS.index("  - name: Slow")])
    watching.write("another.yaml", slow)
    assert watching.rules == {"Down": "ours.yaml, line 4", "Slow": "another.yaml, line 3"}
    assert watching.alert(alert).state is AlertState.FIRING


def test_of_a_file_that_is_gone_every_rule_is_switched_off(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    watching.write("prom.yml", FILE)
    watching.remove("ours.yaml")
    assert watching.rules == {"(Down)": "", "(Slow)": "", "Errors": "prom.yml, line 8"}


def test_a_folder_that_is_gone_or_empty_is_not_believed(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    watching.remove("ours.yaml")
    assert set(watching.rules) == {"Down", "Slow"}
    assert "no rule file is in it" in watching.complaints["."]
    watching.path.rmdir()
    watching.look()
    assert set(watching.rules) == {"Down", "Slow"}
    assert "there is no such folder" in watching.complaints["."]


def test_a_file_that_waited_for_its_policy_is_taken_once_there_is_one(watching: Watching) -> None:
    watching.write("ours.yaml", OURS.replace("policy: standard", "policy: later"))
    assert watching.rules == {}
    later = PolicyDraft.model_validate(POLICY | {"name": "later"})
    policies.save_policy(watching.db, later)
    watching.look()
    assert set(watching.rules) == {"Down", "Slow"}


def test_a_rule_that_comes_back_is_on_again(watching: Watching) -> None:
    watching.write("prom.yml", FILE)
    watching.write("prom.yml", "groups: []")
    assert watching.rules == {"(Errors)": ""}
    watching.write("prom.yml", FILE)
    assert watching.rules == {"Errors": "prom.yml, line 8"}


def test_a_rule_of_the_folder_is_changed_there_only(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    said = "'Down' is kept in ours.yaml, line 4: change it there"
    mine = {"name": "Down", "owner": "bob", "policy": "standard"}
    draft = RuleDraft.model_validate(mine | {"condition": {"kind": "promql", "expression": "up"}})
    with pytest.raises(RuleError, match=said):
        rulebook.save_rule(watching.db, draft, by="bob", now=watching.now, rule_id=1)
    with pytest.raises(RuleError, match=said):
        rulebook.set_enabled(watching.db, 1, False, by="bob", now=watching.now)
    with pytest.raises(RuleError, match=said):
        rulebook.revert(watching.db, 1, by="bob", now=watching.now)


def test_what_was_exported_can_be_imported_as_long_as_it_leaves_the_folder_alone(
    watching: Watching,
) -> None:
    watching.write("ours.yaml", OURS)
    with Session(read_only(watching.db)) as session:
        text = rulefile.dump(session)
    intake.load(watching.db, text, by="bob", now=watching.now)
    assert watching.rules == {"Down": "ours.yaml, line 4", "Slow": "ours.yaml, line 8"}
    with pytest.raises(RuleCodeError, match=r"it is kept in ours\.yaml, line 8: change it there"):
        intake.load(watching.db, text.replace("8.0", "9.0"), by="bob", now=watching.now)


def test_two_files_with_a_rule_of_the_same_name_are_told_apart(watching: Watching) -> None:
    watching.write("a.yaml", OURS)
    watching.write("b.yaml", OURS)
    assert watching.complaints["b.yaml"].startswith(
        "line 4, rule 'Down': another file has a rule of that name"
    )
    watching.write("p.yml", FILE)
    watching.write("q.yml", FILE)
    watching.write("p.yml", FILE.replace("10m", "5m"))
    assert watching.rules["Errors"] == "p.yml, line 8"
    assert watching.rules["Errors (llm)"] == "q.yml, line 8"


def test_a_file_that_is_being_written_is_left_for_the_next_look(watching: Watching) -> None:
    (watching.path / "ours.yaml").write_text(OURS)
    os.utime(watching.path / "ours.yaml", (NOW.timestamp(), NOW.timestamp()))
    watching.folder.follow(NOW + timedelta(seconds=1))
    assert watching.rules == {}
    watching.folder.follow(NOW + timedelta(seconds=3))
    assert set(watching.rules) == {"Down", "Slow"}


def test_hidden_files_and_other_files_are_nobodys_rules(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    for name in (".git/x.yaml", "..data/ours.yaml", "README.md", "x.yaml.bak"):
        watching.write(name, "no rules")
    assert list(watching.complaints) == ["ours.yaml"]


def test_a_huge_file_is_refused_without_reading_it_all(watching: Watching) -> None:
    watching.write("huge.yaml", "#" * 50_000_000)
    assert watching.complaints == {"huge.yaml": "larger than 5 MB"}


def test_without_the_setting_the_rules_are_peoples_again(watching: Watching) -> None:
    watching.write("ours.yaml", OURS)
    rulefolder.let_go(watching.db)
    rulebook.set_enabled(watching.db, 1, False, by="bob", now=watching.now)
    assert watching.rules == {"(Down)": "", "Slow": ""}
    assert watching.complaints == {}
