"""Annotations: what people and their pipelines say happened, and when.

Revision: 0050, after 0040
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    kinds = sa.Enum(
        "deploy",
        "prompt",
        "canary",
        "other",
        name="annotationkind",
        native_enum=False,
        length=32,
    )
    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME(), nullable=False),
        sa.Column("end_at", TIME(), nullable=True),
        sa.Column("kind", kinds, nullable=False),
        sa.Column("title", TEXT(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("url", TEXT(), nullable=False),
        sa.Column("author", TEXT(), nullable=False),
        sa.Column("told_at", TIME(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        # Its index also finds what happened in a period.
        sa.UniqueConstraint("at", "kind", "title", name="annotation_is_told_once"),
    )
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_annotation_told_at"), ["told_at"])


def downgrade() -> None:
    op.drop_table("annotation")
