"""Finding a cause: searches that are saved by name, and notes on a request.

Revision: 0090, after 0080
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0090"
down_revision = "0080"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "savedsearch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("owner", TEXT(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("saved_at", TIME(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.CheckConstraint("length(trim(owner)) > 0", name="search_has_an_owner"),
    )
    op.create_table(
        "casenote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trace_id", TEXT(), nullable=False),
        sa.Column("step", TEXT(), nullable=False),
        sa.Column("text", TEXT(), nullable=False),
        sa.Column("author", TEXT(), nullable=False),
        sa.Column("at", TIME(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("trace_id", "step", "author", "text", name="case_note_is_told_once"),
    )
    with op.batch_alter_table("casenote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_casenote_trace_id"), ["trace_id"])
        batch_op.create_index(batch_op.f("ix_casenote_at"), ["at"])


def downgrade() -> None:
    op.drop_table("casenote")
    op.drop_table("savedsearch")
