"""Of webhook endpoints, when they missed activities that were deleted for their age."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_endpoints", sa.Column("missed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "missed_at")
