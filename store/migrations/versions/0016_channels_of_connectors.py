"""The one channel of a connector, and its events that turn out to be of another."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connectors", sa.Column("channel", sa.String(length=10), nullable=True))
    op.add_column(
        "pending_events", sa.Column("connector_id", store.types.IdColumn(), nullable=True)
    )
    op.add_column("pending_events", sa.Column("channel", sa.String(length=10), nullable=True))
    op.add_column(
        "dead_letters", sa.Column("communication_id", store.types.IdColumn(), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("dead_letters", "communication_id")
    op.drop_column("pending_events", "channel")
    op.drop_column("pending_events", "connector_id")
    op.drop_column("connectors", "channel")
