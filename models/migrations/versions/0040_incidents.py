"""Incidents in PagerDuty.

Revision: 0040, after 0030
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "incident",
        sa.Column("id", TEXT(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("key", TEXT(), nullable=False),
        sa.Column("status", TEXT(), nullable=False),
        sa.Column("followed_at", TIME(), nullable=True),
        sa.Column("moved_at", TIME(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["alert_group.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_group_id"), ["group_id"])
    op.create_table(
        "poll",
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("next_at", TIME(), nullable=False),
        sa.Column("answered_at", TIME(), nullable=True),
        sa.Column("error", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("poll")
    op.drop_table("incident")
