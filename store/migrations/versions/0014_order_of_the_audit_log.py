"""The audit log in the order of time."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("audit_log_at_idx", "audit_log", ["workspace_id", "at", "id"])


def downgrade() -> None:
    op.drop_index("audit_log_at_idx", "audit_log")
