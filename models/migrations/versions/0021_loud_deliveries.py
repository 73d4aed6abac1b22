"""The ledger tells a call for attention from a post brought up to date.

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nobody knows of earlier ones: a report counts from here on.
    op.add_column(
        "delivery", sa.Column("loud", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("delivery", "loud")
