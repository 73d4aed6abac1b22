"""Dashboards: versions, reviews, offers that are accepted or declined, people who are gone.

Revision: 0080, after 0060
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0080"
down_revision = "0060"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
INSTANT = sqlmodel.sql.sqltypes.UTCDateTime
OPEN = sa.text("state = 'offered'")


def upgrade() -> None:
    states = sa.Enum(
        "offered",
        "accepted",
        "declined",
        "withdrawn",
        name="offerstate",
        native_enum=False,
        length=32,
    )
    # Defaults of the database's own, so that the version before can still write rows.
    with op.batch_alter_table("dashboard", schema=None) as batch_op:
        batch_op.add_column(sa.Column("variables", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_at", INSTANT(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_by", TEXT(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", states, server_default="accepted", nullable=False))
        batch_op.add_column(sa.Column("answered_at", INSTANT(), nullable=True))
        batch_op.create_index(
            "handover_is_open_once",
            ["dashboard_id"],
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )
    op.create_table(
        "dashboardversion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dashboard_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("author", TEXT(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["dashboard_id"], ["dashboard.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dashboardversion", schema=None) as batch_op:
        batch_op.create_index("dashboard_version", ["dashboard_id", "version"], unique=True)
    op.create_table(
        "departure",
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("by", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("departure")
    op.drop_table("dashboardversion")
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_index("handover_is_open_once")
        batch_op.drop_column("answered_at")
        batch_op.drop_column("state")
    with op.batch_alter_table("dashboard", schema=None) as batch_op:
        for name in ("version", "reviewed_by", "reviewed_at", "variables"):
            batch_op.drop_column(name)
