"""When a step was last entered, and entries in the order of their conversion and of their end."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEXES = {
    "entries_converted_idx": ["workspace_id", "converted_at", "id"],
    "entries_journey_converted_idx": ["workspace_id", "journey_id", "converted_at", "id"],
    "entries_stopped_idx": ["workspace_id", "stopped_at", "id"],
    "entries_journey_stopped_idx": ["workspace_id", "journey_id", "stopped_at", "id"],
}


def upgrade() -> None:
    op.add_column("entry_steps", sa.Column("last_entered_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE entry_steps SET last_entered_at = entered_at")
    for name, columns in _INDEXES.items():
        condition = sa.text(f"{columns[-2]} IS NOT NULL")
        op.create_index(
            name, "entries", columns, sqlite_where=condition, postgresql_where=condition
        )


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, table_name="entries")
    op.drop_column("entry_steps", "last_entered_at")
