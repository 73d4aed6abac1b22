"""Files of every format into real databases, and out again without loss."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import intake, offers, policies, promtool, rulebook, ruledraft, rulefile
from alerts.offers import Offer
from alerts.policies import PolicyDraft
from alerts.rulecode import promfile
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PROMETHEUS_2_42, PromFile
from alerts.rulecode.taken import Defaults
from alerts.ruledraft import RuleDraft
from models import database
from models.database import read_only
from tests import made_rules
from tests.prometheus import program
from tests.test_openslo import SLO
from tests.test_sloth import SPEC
from tests.test_taken import FILE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = Defaults(owner="ada", policy="standard")
POLICY = PolicyDraft.model_validate({"name": "standard", "steps": [{"channels": ["slack:#llm"]}]})
OTHER = PolicyDraft.model_validate({"name": "other", "steps": [{"channels": ["slack:#llm"]}]})
Fresh = Callable[[], Engine]


@pytest.fixture
def fresh(tmp_path: Path, sqlite_template: Path) -> Iterator[Fresh]:
    """Makes databases with a policy and no rules."""
    made: list[Engine] = []

    def make() -> Engine:
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(sqlite_template, path)
        made.append(database.connect(f"sqlite:///{path}"))
        policies.save_policy(made[-1], POLICY)
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def home(db: Engine) -> Engine:
    policies.save_policy(db, POLICY)
    policies.save_policy(db, OTHER)
    return db


def load(db: Engine, text: str) -> Offer:
    return intake.load(db, text, by="ada", now=NOW)


def offered(db: Engine, text: str, policy: str = "") -> Offer:
    with Session(read_only(db)) as session:
        defaults = intake.defaults(session, owner="ada", policy=policy)
        return intake.settle(offers.read(text, defaults), intake.Book(session), policy=policy)


def leaving(db: Engine) -> PromFile:
    with Session(read_only(db)) as session:
        found = rulefile.leaving(session)
    assert found.left_out == {}
    return found.file


def ours(db: Engine) -> str:
    with Session(read_only(db)) as session:
        return rulefile.dump(session)


def drafts(db: Engine) -> dict[str, RuleDraft]:
    with Session(read_only(db)) as session:
        return {r.name: ruledraft.draft_of(r, p.name) for r, p in rulebook.rules(session)}


def complaints(text: str) -> list[str]:
    return [str(one) for one in offers.read(text, DEFAULTS).complaints]


def test_any_rule_file_leaves_the_database_as_it_came(fresh: Fresh) -> None:
    for file in made_rules.some_files():
        db = fresh()
        load(db, promfile.write(file))
        assert leaving(db) == file


def test_our_own_yaml_carries_any_rule_file_from_one_database_to_another(fresh: Fresh) -> None:
    for file in made_rules.some_files()[::3]:
        here, there = fresh(), fresh()
        load(here, promfile.write(file))
        load(there, ours(here))
        assert ours(there) == ours(here)
        assert leaving(there) == file


def test_texts_that_no_column_of_postgresql_holds_come_through(home: Engine) -> None:
    text = FILE.replace("alert: Errors", 'alert: "E\\u2028 \\a\\u0085"')
    load(home, text.replace("team: search", 'team: "a\\0b "'))
    (rule,) = (rule for group in leaving(home).groups for rule in group.rules if rule.alert)
    assert (rule.alert, rule.labels["team"]) == ("E\u2028 \a\x85", "a\0b ")


def test_names_that_postgresql_cannot_hold_are_refused_by_both() -> None:
    assert complaints(FILE.replace("alert: Errors", 'alert: "E\\0"')) == [
        "line 8, group 'llm', rule 'E': alertname: a NUL character cannot be kept"
    ]
    assert complaints('groups: [{name: "g\\0", rules: []}]') == [
        "line 1, group 'g\\x00': name: a NUL character cannot be kept"
    ]


def test_what_leaves_passes_promtool(home: Engine) -> None:
    load(home, FILE)
    tool = program("promtool")
    assert promtool.check(leaving(home), program=tool) == []
    assert "team: search" in promfile.write(leaving(home), dialect=PROMETHEUS_2_42)


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        (FILE, "Prometheus", 1),
        (SPEC, "Sloth", 2),
        (SLO, "OpenSLO", 1),
        ("version: 1", "wakeful", 0),
    ],
)
def test_a_files_first_fields_say_whose_it_is(text: str, name: str, count: int) -> None:
    offer = offers.read(text, DEFAULTS)
    assert (offer.format, len(offer.rules), offer.complaints) == (name, count, ())


def test_recording_rules_are_kept_and_said_to_be_left(home: Engine) -> None:
    assert [str(one) for one in load(home, FILE).left] == [
        "line 16, group 'llm', rule 'errors:rate5m': recording rules stay with Prometheus"
    ]
    assert leaving(home).groups[0].rules[1].record == "errors:rate5m"


def test_what_a_second_import_changes_is_what_has_changed(home: Engine) -> None:
    load(home, FILE)
    assert [one.what for one in offered(home, FILE).rules] == ["unchanged"]
    assert [one.what for one in offered(home, FILE.replace("10m", "5m")).rules] == ["changed"]
    assert [one.what for one in offered(home, FILE.replace("Errors", "X")).rules] == ["new"]


def test_what_was_chosen_here_outlives_the_next_import_unless_asked(home: Engine) -> None:
    load(home, FILE)
    chosen = drafts(home)["Errors"].model_copy(update={"policy": "other", "enabled": False})
    rulebook.save_rule(home, chosen, by="bob", now=NOW, rule_id=1)
    load(home, FILE.replace("10m", "5m"))
    again = drafts(home)["Errors"]
    assert (again.policy, again.enabled, again.hold.total_seconds()) == ("other", False, 300)
    (asked,) = offered(home, FILE, policy="standard").rules
    assert asked.draft.policy == "standard"


def test_the_same_name_in_another_group_is_another_rule(home: Engine) -> None:
    load(home, FILE)
    second = FILE.replace("name: llm", "name: search")
    load(home, second)
    load(home, second)
    assert sorted(drafts(home)) == ["Errors", "Errors (search)"]


def test_a_rule_made_here_is_never_replaced_by_one_of_prometheus(home: Engine) -> None:
    mine = {"name": "Errors", "owner": "bob", "policy": "other"}
    condition = {"kind": "threshold", "signal": "error_ratio", "bound": 0.1}
    draft = RuleDraft.model_validate(mine | {"condition": condition})
    rulebook.save_rule(home, draft, by="bob", now=NOW)
    load(home, FILE)
    assert drafts(home)["Errors"] == draft
    assert "Errors (llm)" in drafts(home)


def test_a_group_that_is_replaced_says_what_is_lost(home: Engine) -> None:
    load(home, FILE)
    text = "groups: [{name: llm, rules: [{alert: A, expr: up}]}]"
    assert [str(one) for one in offered(home, text).remarks] == [
        "group 'llm': replaces the group of that name, without errors:rate5m"
    ]


def test_without_any_policy_nothing_is_taken_and_it_says_so(sqlite_db: Engine) -> None:
    with pytest.raises(RuleCodeError, match="there is no policy yet"):
        load(sqlite_db, FILE)
    assert drafts(sqlite_db) == {}


def test_of_a_broken_file_the_sound_rules_are_offered_beside_the_complaints() -> None:
    text = FILE.replace("- record: errors:rate5m", "- alert: Second\n        fro: 5m")
    offer = offers.read(text, DEFAULTS)
    assert [one.draft.name for one in offer.rules] == ["Errors"]
    assert [str(one) for one in offer.complaints] == [
        "line 17, group 'llm', rule 2 (Second): a rule has no field 'fro'; did you mean 'for'?"
    ]


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program("promtool").parent))


@pytest.mark.usefixtures("on_path")
def test_promql_that_makes_no_sense_is_refused_at_its_line() -> None:
    offer = offers.read(FILE.replace("> 0.02", "> ("), DEFAULTS)
    found = offers.checked(offer)
    assert found.rules == ()
    assert str(found.complaints[0]).startswith("line 8, group 'llm', rule 'Errors': could not")


@pytest.mark.usefixtures("on_path")
def test_a_recording_rule_that_makes_no_sense_is_not_kept() -> None:
    text = FILE.replace("expr: sum(rate(errors[5m]))\n", "expr: sum(\n")
    found = offers.checked(offers.read(text, DEFAULTS))
    assert "rule 'errors:rate5m'" in str(found.complaints[0])
    assert found.groups[0].recordings == []


def test_without_promtool_it_is_said_that_promql_was_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = offers.checked(offers.read(FILE, DEFAULTS))
    assert "PromQL was not checked" in str(found.remarks[0])
    assert len(found.rules) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "line 2: not YAML"),
        ("groups: 7", "line 1: 'groups' must be a list"),
        ("version: 1\nrulez: []", "line 2: a rule file has no field 'rulez'"),
        ("version: 1\nrules: 7", "line 2: 'rules' must be a list"),
        ("version: 1\nrules: []\nrules: []", "line 3: 'rules' is there twice"),
        ("version: 1\nrules: [7]", "line 2, rule 1: "),
        ("version: 1\npolicies: [{name: p}]", "line 2: policy p: "),
        ("groups:\n" + " " * 50_000_000, "larger than 5 MB"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]"
            for n in range(8)
        ), "line 6: more than 500,000 values"),
    ],
    ids=["broken", "number", "field", "rules", "twice", "rule", "policy", "50 MB", "aliases"],
)  # fmt: skip
def test_a_file_that_makes_no_sense_says_where_and_why(text: str, complaint: str) -> None:
    assert any(said.startswith(complaint) for said in complaints(text)), complaints(text)
