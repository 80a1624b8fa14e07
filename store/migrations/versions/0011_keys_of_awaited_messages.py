"""Events that wait for a message by its provider's id: keys without a message."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("provider_message_keys", "communication_id", nullable=True)
    else:
        # SQLite changes no column: the table is made anew.
        op.rename_table("provider_message_keys", "provider_message_keys_before")
        op.create_table(
            "provider_message_keys",
            sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("provider_message_id", sa.Text(), nullable=False),
            sa.Column("communication_id", store.types.IdColumn(), nullable=True),
            sa.PrimaryKeyConstraint(
                "workspace_id", "provider_message_id", name=op.f("provider_message_keys_pkey")
            ),
            sqlite_with_rowid=False,
        )
        op.execute(
            "INSERT INTO provider_message_keys (workspace_id, provider_message_id, "
            "communication_id) SELECT workspace_id, provider_message_id, communication_id "
            "FROM provider_message_keys_before"
        )
        op.drop_table("provider_message_keys_before")
