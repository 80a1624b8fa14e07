"""Contacts with a balance in the orders of the list, and trigrams that are asked before the
workspace: PostgreSQL looks keys up in the order of the columns, and a workspace is a key of as
many places as it has contacts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ORDERS = {
    "contacts_with_balance_idx": "created_at",
    "contacts_active_with_balance_idx": "active_at",
}


def upgrade() -> None:
    for name, order in _ORDERS.items():
        op.create_index(
            name,
            "contacts",
            ["workspace_id", order, "id"],
            sqlite_where=sa.text("reward_balance > 0"),
            postgresql_where=sa.text("reward_balance > 0"),
        )
    _search_along(["search", "workspace_id"])


def downgrade() -> None:
    for name in _ORDERS:
        op.drop_index(name, table_name="contacts")
    _search_along(["workspace_id", "search"])


def _search_along(columns: list[str]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_index("contacts_search_idx", table_name="contacts")
    op.create_index(
        "contacts_search_idx",
        "contacts",
        columns,
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
