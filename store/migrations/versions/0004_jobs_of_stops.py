"""The jobs of large stops and of their undos, and files that jobs offer."""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stops", sa.Column("job_id", store.types.IdColumn(), nullable=True))
    op.add_column("stops", sa.Column("undo_job_id", store.types.IdColumn(), nullable=True))
    op.add_column("jobs", sa.Column("file_name", sa.Text(), nullable=True))
