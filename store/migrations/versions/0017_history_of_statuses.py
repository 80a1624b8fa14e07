"""The history of statuses without a foreign key: whoever writes it holds the contact's row, and an
import waited for PostgreSQL to look each up once more.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLE = "contact_status_changes"
_NAME = "contact_status_changes_workspace_id_contact_id_fkey"


def upgrade() -> None:
    # SQLite changes no constraint of a table: there it is made anew and filled.
    with op.batch_alter_table(_TABLE) as table:
        table.drop_constraint(_NAME, type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table(_TABLE) as table:
        table.create_foreign_key(
            _NAME, "contacts", ["workspace_id", "contact_id"], ["workspace_id", "id"]
        )
