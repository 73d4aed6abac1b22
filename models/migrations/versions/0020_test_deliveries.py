"""Tests of channels: messages marked TEST.

Revision: 0020, after 0010
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0020"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    instant = sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("about", text, nullable=False),
        sa.Column("dedup_key", text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dedup_key"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_trial_at", "trial", ["at"])
    op.create_table(
        "trialmessage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("channel", text, nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "trigger", "acknowledge", "resolve", name="event", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("due_at", instant, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("leased_by", text, nullable=True),
        sa.Column("leased_until", instant, nullable=True),
        sa.Column("told_at", instant, nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "delivered",
                "expanded",
                "retrying",
                "refused",
                "gave up",
                name="outcome",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("answer", text, nullable=False),
        sa.Column("external_id", text, nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("trial_id", "channel", "event"),
    )
    op.create_index("ix_trialmessage_trial_id", "trialmessage", ["trial_id"])
    op.create_index("ix_trialmessage_due_at", "trialmessage", ["due_at"])


def downgrade() -> None:
    op.drop_table("trialmessage")
    op.drop_table("trial")
