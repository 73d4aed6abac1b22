"""Rules of the version before go on as they did: on SQLite and on PostgreSQL."""

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import JSON, Engine, column, select, table, update

from alerts import policies, rulebook
from alerts.conditions import Budget, BurnRate, Threshold
from alerts.policies import PolicyDraft
from alerts.ruledraft import RuleDraft
from models import database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULE = table("rule", column("id"), column("name"), column("no_data"), column("data_states", JSON))
VERSION = table("ruleversion", column("id"), column("draft", JSON))
BEFORE = {
    "said": (Threshold(signal="error_ratio", bound=0.1), "resolve"),
    "kept": (BurnRate(signal="error_ratio", objective=0.99), "keep"),
    "settled": (Budget(amount_usd=1), "alert"),
}
AFTER = {
    "said": {"no_series": "resolve", "no_traffic": "resolve", "stale_data": "use"},
    "kept": {"stale_data": "use"},
    "settled": {"stale_data": "use"},
}


def test_what_a_rule_made_of_no_data_it_makes_of_no_series_and_of_no_traffic(db: Engine) -> None:
    policy = {"name": "p", "steps": [{"after": "0s", "channels": ["slack:#a"]}]}
    policies.save_policy(db, PolicyDraft.model_validate(policy))
    for name, (condition, _) in BEFORE.items():
        draft = RuleDraft(name=name, owner="ada", policy="p", condition=condition)
        rulebook.save_rule(db, draft, by="ada", now=NOW)
    with db.begin() as connection:
        command.downgrade(database.alembic_config(connection), "0050")
        for name, (_, no_data) in BEFORE.items():
            connection.execute(update(RULE).where(RULE.c.name == name).values(no_data=no_data))
        for row in connection.execute(select(VERSION)).all():
            then = row.draft | {"no_data": BEFORE[row.draft["name"]][1]}
            connection.execute(update(VERSION).where(VERSION.c.id == row.id).values(draft=then))
        command.upgrade(database.alembic_config(connection), "head")
        rules = connection.execute(select(RULE.c.name, RULE.c.data_states)).all()
        drafts = connection.execute(select(VERSION.c.draft)).scalars().all()
    assert {row.name: row.data_states for row in rules} == AFTER
    read = {draft["name"]: RuleDraft.model_validate(draft).data_states for draft in drafts}
    assert {name: states.model_dump(mode="json") for name, states in read.items()} == AFTER
