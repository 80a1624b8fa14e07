"""Erasures of contacts: a key for hashes of their e-mails, and ways to what is said of them."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("erasure_key", store.types.BytesColumn(), nullable=True))
    for name, table, columns, condition in (
        ("contacts_erased_idx", "contacts", ["id"], "erased_at IS NOT NULL"),
        (
            "log_contact_idx",
            "log",
            ["contact_id", "seq"],
            "entry_id IS NULL AND detail IS NOT NULL",
        ),
    ):
        op.create_index(
            name,
            table,
            ["workspace_id", *columns],
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
