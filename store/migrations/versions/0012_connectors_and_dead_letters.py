"""Connectors, by which providers report, and dead letters of theirs."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connectors",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hidden_secret", store.types.BytesColumn(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_received_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("connectors_pkey")),
        sqlite_with_rowid=False,
    )
    is_kept = sa.text("removed_at IS NULL")
    op.create_index(
        "connectors_name_key",
        "connectors",
        ["workspace_id", "name"],
        unique=True,
        sqlite_where=is_kept,
        postgresql_where=is_kept,
    )
    op.create_table(
        "dead_letters",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("connector_id", store.types.IdColumn(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", store.types.BytesColumn(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("digest", store.types.BytesColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("dead_letters_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "dead_letters_digest_key",
        "dead_letters",
        ["workspace_id", "connector_id", "digest"],
        unique=True,
    )
    op.create_index(
        "dead_letters_connector_idx", "dead_letters", ["workspace_id", "connector_id", "id"]
    )
