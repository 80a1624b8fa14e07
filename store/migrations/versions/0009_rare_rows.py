"""Rows that are few among many, each found without walking along the others.

Marks of messages, more orders of entries, activities by kind, and SQLite's trigrams of contacts
(PostgreSQL has had its own since the first tables).
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MARKS = {
    "DEFERRED": "deferred_at",
    "SUPPRESSED": "suppressed_at",
    "FAILED": "failed_at",
    "BOUNCED": "bounced_at",
    "CLICKED": "first_click_at",
    "UNSUBSCRIBED": "unsubscribed_at",
    "COMPLAINED": "complained_at",
}
_ENTRIES: dict[str, tuple[list[str], str | None]] = {
    "entries_journey_step_idx": (["journey_id", "current_step_id"], None),
    "entries_journey_control_idx": (["journey_id", "in_control_group"], None),
    "entries_journey_open_idx": (["journey_id"], "stopped_at IS NULL"),
    "entries_journey_won_idx": (["journey_id"], "converted_at IS NOT NULL"),
}

# FTS5 names rows by a number, which contacts have not: the workspace's are those whose upper bits
# are the workspace's own. The index keeps no text (content=''), so what leaves it is said again.
_SEARCH = (
    """
    CREATE TABLE contacts_search_rows (
        number INTEGER PRIMARY KEY,
        workspace_id BIGINT NOT NULL,
        contact_id BLOB NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX contacts_search_rows_contact_idx
        ON contacts_search_rows (workspace_id, contact_id)
    """,
    """
    CREATE VIRTUAL TABLE contacts_search
        USING fts5(search, content='', tokenize='trigram case_sensitive 1')
    """,
    """
    CREATE TRIGGER contacts_search_insert AFTER INSERT ON contacts BEGIN
        INSERT INTO contacts_search_rows (number, workspace_id, contact_id) VALUES (
            (SELECT coalesce(max(number), NEW.workspace_id << 40) + 1 FROM contacts_search_rows
             WHERE number BETWEEN NEW.workspace_id << 40 AND (NEW.workspace_id + 1 << 40) - 1),
            NEW.workspace_id,
            NEW.id
        );
        INSERT INTO contacts_search (rowid, search) VALUES (last_insert_rowid(), NEW.search);
    END
    """,
    """
    CREATE TRIGGER contacts_search_update AFTER UPDATE OF search ON contacts
        WHEN OLD.search <> NEW.search BEGIN
        INSERT INTO contacts_search (contacts_search, rowid, search)
            SELECT 'delete', number, OLD.search FROM contacts_search_rows
            WHERE workspace_id = OLD.workspace_id AND contact_id = OLD.id;
        INSERT INTO contacts_search (rowid, search)
            SELECT number, NEW.search FROM contacts_search_rows
            WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER contacts_search_delete AFTER DELETE ON contacts BEGIN
        INSERT INTO contacts_search (contacts_search, rowid, search)
            SELECT 'delete', number, OLD.search FROM contacts_search_rows
            WHERE workspace_id = OLD.workspace_id AND contact_id = OLD.id;
        DELETE FROM contacts_search_rows
            WHERE workspace_id = OLD.workspace_id AND contact_id = OLD.id;
    END
    """,
    """
    INSERT INTO contacts_search_rows (number, workspace_id, contact_id)
        SELECT (workspace_id << 40) + row_number() OVER (PARTITION BY workspace_id ORDER BY id),
            workspace_id, id
        FROM contacts
    """,
    """
    INSERT INTO contacts_search (rowid, search)
        SELECT number, search FROM contacts_search_rows
        JOIN contacts ON contacts.workspace_id = contacts_search_rows.workspace_id
            AND contacts.id = contacts_search_rows.contact_id
    """,
)


def upgrade() -> None:
    op.create_table(
        "communication_marks",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id",
            "journey_id",
            "mark",
            "created_at",
            "id",
            name=op.f("communication_marks_pkey"),
        ),
        sqlite_with_rowid=False,
    )
    for mark, column in _MARKS.items():
        op.execute(
            "INSERT INTO communication_marks (workspace_id, journey_id, mark, created_at, id) "  # noqa: S608
            f"SELECT workspace_id, journey_id, '{mark}', created_at, id "
            f"FROM communications WHERE {column} IS NOT NULL"
        )
    op.create_index(
        "communication_marks_created_idx",
        "communication_marks",
        ["workspace_id", "mark", "created_at", "id"],
    )
    for name, (columns, condition) in _ENTRIES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name,
            "entries",
            ["workspace_id", *columns, "entered_at", "id"],
            sqlite_where=where,
            postgresql_where=where,
        )
    is_activity = sa.text("activity IS NOT NULL")
    op.create_index(
        "log_activity_idx",
        "log",
        ["workspace_id", "journey_id", "activity", "seq"],
        sqlite_where=is_activity,
        postgresql_where=is_activity,
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SEARCH:
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER contacts_search_{event}")
        op.drop_table("contacts_search")
        op.drop_table("contacts_search_rows")
    op.drop_index("log_activity_idx", table_name="log")
    for name in _ENTRIES:
        op.drop_index(name, table_name="entries")
    op.drop_table("communication_marks")
