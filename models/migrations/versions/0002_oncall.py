"""On-call schedules.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "oncallschedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("zone", TEXT(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("own", "ical", "pagerduty", name="rotasource", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("address", TEXT(), nullable=False),
        sa.Column("layers", sa.JSON(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("feed_token", TEXT(), nullable=False),
        sa.Column("updated_at", TIME(), nullable=False),
        sa.Column("updated_by", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("feed_token"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "oncalloverride",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("person", TEXT(), nullable=False),
        sa.Column("starts_at", TIME(), nullable=False),
        sa.Column("ends_at", TIME(), nullable=False),
        sa.Column("reason", TEXT(), nullable=False),
        sa.Column("by", TEXT(), nullable=False),
        sa.Column("at", TIME(), nullable=False),
        sa.Column("swap_id", TEXT(), nullable=True),
        sa.ForeignKeyConstraint(["schedule_id"], ["oncallschedule.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("oncalloverride", schema=None) as batch_op:
        for column in ("schedule_id", "ends_at", "swap_id"):
            batch_op.create_index(batch_op.f(f"ix_oncalloverride_{column}"), [column])
    op.create_table(
        "oncallcalendar",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("next_read_at", TIME(), nullable=False),
        sa.Column("tried_at", TIME(), nullable=True),
        sa.Column("read_at", TIME(), nullable=True),
        sa.Column("changed_at", TIME(), nullable=True),
        sa.Column("digest", TEXT(), nullable=False),
        sa.Column("expanded_at", TIME(), nullable=True),
        sa.Column("known_until", TIME(), nullable=True),
        sa.Column("error", TEXT(), nullable=False),
        sa.Column("bookings", sa.JSON(), nullable=False),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["oncallschedule.id"]),
        sa.PrimaryKeyConstraint("schedule_id"),
    )
    with op.batch_alter_table("oncallcalendar", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_oncallcalendar_next_read_at"), ["next_read_at"])


def downgrade() -> None:
    op.drop_table("oncallcalendar")
    op.drop_table("oncalloverride")
    op.drop_table("oncallschedule")
