"""Deletions of contacts, which can be undone."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_deletions",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undoable_until", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("job_id", store.types.IdColumn(), nullable=True),
        sa.Column("undo_job_id", store.types.IdColumn(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("contact_deletions_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deleted_contacts",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("deletion_id", store.types.IdColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "contact_id", name=op.f("deleted_contacts_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "deleted_contacts_deletion_idx",
        "deleted_contacts",
        ["workspace_id", "deletion_id", "contact_id"],
    )
