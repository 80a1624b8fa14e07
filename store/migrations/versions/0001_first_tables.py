"""The first tables."""

from alembic import op

from store.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    metadata.create_all(bind)
    if bind.dialect.name == "postgresql":
        for table in ("contacts", "resources", "journeys"):
            op.execute(
                f"CREATE INDEX {table}_search_idx ON {table} "
                "USING gin (workspace_id, search gin_trgm_ops)"
            )


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
