"""Reports: when each goes out, and every message of it.

Revision: 0100, after 0090
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0100"
down_revision = "0090"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
INSTANT = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    kinds = sa.Enum("spend", "digest", name="reportkind", native_enum=False, length=32)
    outcomes = sa.Enum(
        "delivered",
        "expanded",
        "retrying",
        "refused",
        "gave up",
        "settled",
        name="outcome",
        native_enum=False,
        length=32,
    )
    op.create_table(
        "report",
        sa.Column("kind", kinds, nullable=False),
        sa.Column("channel", TEXT(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("zone", TEXT(), nullable=False),
        sa.Column("due_at", INSTANT(), nullable=True),
        sa.Column("error", TEXT(), nullable=False),
        sa.Column("changed_at", INSTANT(), nullable=False),
        sa.Column("changed_by", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index("ix_report_due_at", ["due_at"])
    op.create_table(
        "reportmessage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", kinds, nullable=False),
        sa.Column("scheduled_at", INSTANT(), nullable=False),
        sa.Column("channel", TEXT(), nullable=False),
        sa.Column("about", TEXT(), nullable=False),
        sa.Column("title", TEXT(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("url", TEXT(), nullable=False),
        sa.Column("due_at", INSTANT(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("leased_by", TEXT(), nullable=True),
        sa.Column("leased_until", INSTANT(), nullable=True),
        sa.Column("told_at", INSTANT(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("outcome", outcomes, nullable=True),
        sa.Column("answer", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "scheduled_at", "channel", "about"),
    )
    with op.batch_alter_table("reportmessage", schema=None) as batch_op:
        batch_op.create_index("ix_reportmessage_due_at", ["due_at"])
        batch_op.create_index("ix_reportmessage_scheduled_at", ["scheduled_at"])


def downgrade() -> None:
    op.drop_table("reportmessage")
    op.drop_table("report")
