"""Data states: each rule chooses for each of them; an alert says in which it stands.

Rules go on as they did: what they made of no data they make of no series and of no traffic, and
old data, which nobody told from new ones, are judged as before.

Revision: 0060, after 0050
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None

INSTANT = sqlmodel.sql.sqltypes.UTCDateTime
CHOSE = ("threshold", "burn_rate", "drift")  # the other kinds said themselves what no data are
USED_STALE = ("promql", "absence")  # these go on judging old data without being told to
BEFORE = sa.Enum("keep", "alert", "resolve", name="nodata", native_enum=False, length=32)
STATES = sa.Enum(
    "ok",
    "no series",
    "no traffic",
    "query error",
    "unreachable",
    "stale data",
    name="datastate",
    native_enum=False,
    length=32,
)
RULES = sa.table(
    "rule",
    sa.column("id"),
    sa.column("no_data"),
    sa.column("condition", sa.JSON),
    sa.column("data_states", sa.JSON),
)
VERSIONS = sa.table("ruleversion", sa.column("id"), sa.column("draft", sa.JSON))


def upgrade() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("data_state", STATES, server_default="ok", nullable=False))
        batch_op.add_column(sa.Column("data_since", INSTANT(), nullable=True))
    with op.batch_alter_table("rule", schema=None) as batch_op:
        chosen_column = sa.Column("data_states", sa.JSON(), server_default="{}", nullable=False)
        batch_op.add_column(chosen_column)
    db = op.get_bind()
    for row in db.execute(sa.select(RULES)).all():
        chosen = _choices(row.no_data, row.condition)
        db.execute(sa.update(RULES).where(RULES.c.id == row.id).values(data_states=chosen))
    for row in db.execute(sa.select(VERSIONS)).all():
        draft = dict(row.draft)
        chosen = _choices(draft.pop("no_data", "keep"), draft.get("condition", {}))
        draft |= {"data_states": chosen} if chosen else {}
        db.execute(sa.update(VERSIONS).where(VERSIONS.c.id == row.id).values(draft=draft))
    # Not in a batch, which would make the table anew under what refers to it.
    op.drop_column("rule", "no_data")


def downgrade() -> None:
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("no_data", BEFORE, server_default="keep", nullable=False))
    op.drop_column("rule", "data_states")
    op.drop_column("alert", "data_since")
    op.drop_column("alert", "data_state")


def _choices(no_data: str, condition: Mapping[str, Any]) -> dict[str, str]:
    kind = condition.get("kind", "")
    chosen = {}
    if kind in CHOSE and no_data != "keep":
        chosen = {"no_series": no_data, "no_traffic": no_data}
    return chosen if kind in USED_STALE else {**chosen, "stale_data": "use"}
