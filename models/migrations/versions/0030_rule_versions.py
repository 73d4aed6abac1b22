"""Versions of rules, their groups and files, annotations.

Revision: 0030, after 0022
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0030"
down_revision = "0022"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
JSON = sa.JSON
INSTANT = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "rulegroup",
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_file", TEXT(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "watchedfile",
        sa.Column("path", TEXT(), nullable=False),
        sa.Column("read_at", INSTANT(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("complaint", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_table(
        "ruleversion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("author", TEXT(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("ruleversion", schema=None) as batch_op:
        batch_op.create_index("rule_version", ["rule_id", "version"], unique=True)
    # Defaults of the database's own, so that the version before can still write rows.
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("annotations", JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("alertname", TEXT(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("group", TEXT(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("position", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("source_file", TEXT(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("source_line", sa.Integer(), nullable=True))
        batch_op.create_index("ix_rule_source_file", ["source_file"], unique=False)
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("annotations", JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_column("annotations")
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.drop_index("ix_rule_source_file")
        for name in (
            "source_line", "source_file", "position", "group", "alertname", "annotations",
        ):  # fmt: skip
            batch_op.drop_column(name)
    op.drop_table("ruleversion")
    op.drop_table("watchedfile")
    op.drop_table("rulegroup")
