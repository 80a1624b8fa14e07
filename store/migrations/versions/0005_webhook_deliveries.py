"""Deliveries of webhooks: when they were made, and why they failed."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No version has written deliveries so far: the table is made anew.
    op.drop_table("webhook_deliveries")
    op.create_table(
        "webhook_deliveries",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "endpoint_id", "id", name=op.f("webhook_deliveries_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["workspace_id", "endpoint_id", "next_attempt_at"],
    )
