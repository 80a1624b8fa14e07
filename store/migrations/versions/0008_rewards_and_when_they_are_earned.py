"""What earns a reward: when an entry was answered, and every choice of a contact."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EARNED = sa.text("kind = 'EARNED'")
_SENDING = sa.text("sending_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("entries", sa.Column("answered_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE entries SET answered_at = (SELECT min(a.answered_at) FROM survey_answers a "
        "WHERE a.workspace_id = entries.workspace_id AND a.contact_id = entries.contact_id "
        "AND a.entry_id = entries.id) "
        "WHERE EXISTS (SELECT 1 FROM survey_answers a "
        "WHERE a.workspace_id = entries.workspace_id AND a.contact_id = entries.contact_id "
        "AND a.entry_id = entries.id)"
    )
    op.create_table(
        "reward_choices",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("reward_id", store.types.IdColumn(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("reward_choices_workspace_id_contact_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "id", name=op.f("reward_choices_pkey")
        ),
        sqlite_with_rowid=False,
    )
    # The latest choice is all that is known of those made so far.
    op.execute(
        "INSERT INTO reward_choices (workspace_id, contact_id, id, journey_id, reward_id, at) "
        "SELECT c.workspace_id, c.id, c.id, r.journey_id, r.id, c.preferred_reward_at "
        "FROM contacts c JOIN rewards r "
        "ON r.workspace_id = c.workspace_id AND r.id = c.preferred_reward_id "
        "WHERE c.preferred_reward_at IS NOT NULL"
    )
    op.add_column(
        "reward_transactions", sa.Column("sending_id", store.types.IdColumn(), nullable=True)
    )
    op.drop_index("reward_transactions_entry_key", table_name="reward_transactions")
    op.create_index(
        "reward_transactions_earned_key",
        "reward_transactions",
        ["workspace_id", "entry_id"],
        unique=True,
        sqlite_where=_EARNED,
        postgresql_where=_EARNED,
    )
    op.create_index(
        "reward_transactions_sending_idx",
        "reward_transactions",
        ["workspace_id", "sending_id", "id"],
        sqlite_where=_SENDING,
        postgresql_where=_SENDING,
    )


def downgrade() -> None:
    op.drop_index("reward_transactions_sending_idx", table_name="reward_transactions")
    op.drop_index("reward_transactions_earned_key", table_name="reward_transactions")
    op.drop_column("reward_transactions", "sending_id")
    op.create_index(
        "reward_transactions_entry_key",
        "reward_transactions",
        ["workspace_id", "entry_id", "kind"],
        unique=True,
    )
    op.drop_table("reward_choices")
    op.drop_column("entries", "answered_at")
