"""What SQLite's planner is told about the tables: figures like those that ANALYZE would collect.

Without any it takes each equality for one of ten rows, the workspace too, and then prefers to walk
a whole workspace by the primary key to looking a row up by an index. Figures of our own keep the
plans the same from the first row on (https://sqlite.org/fileformat2.html, 2.6.3: sqlite_stat1).
"""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Table, text

from store.tables import metadata

_ROWS = 1_000_000
"""Of each table, in a single workspace."""

_VALUES = {
    "awaits": 2,
    "bucket_seconds": 3,
    "channel": 5,
    "in_control_group": 2,
    "journey_id": 50,
    "kind": 5,
    "state": 5,
    "workspace_id": 1,
}
_VALUES_ELSE = 100_000

_ROWS_WHERE = {"reward_balance > 0": 10_000}
"""Of partial indexes that hold few: among equals SQLite takes the index that was made last."""


def instruct(connection: Connection) -> None:
    """Write the figures of the tables as they are now; connections made later heed them."""
    # Makes the table of the figures, and collects none of its own.
    connection.execute(text("ANALYZE sqlite_schema"))
    connection.execute(text("DELETE FROM sqlite_stat1"))
    figures = [
        {"tbl": table.name, "idx": name, "stat": stat}
        for table in metadata.sorted_tables
        for name, stat in _figures(table)
    ]
    connection.execute(
        text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"), figures
    )


def _figures(table: Table) -> Iterable[tuple[str, str]]:
    if not table.dialect_options["sqlite"]["with_rowid"]:
        # The primary key of such a table goes by the table's name.
        yield table.name, _stat(table.primary_key, is_unique=True)
    for index in table.indexes:
        rows = _ROWS_WHERE.get(str(index.dialect_options["sqlite"]["where"]), _ROWS)
        yield str(index.name), _stat(index.columns, is_unique=bool(index.unique), rows=rows)


def _stat(columns: Iterable[Column[object]], *, is_unique: bool, rows: int = _ROWS) -> str:
    """The rows of the index, then those that share its first one, two … columns."""
    sharing = [rows]
    for column in columns:
        sharing.append(max(sharing[-1] // _VALUES.get(column.name, _VALUES_ELSE), 1))
    if is_unique:
        sharing[-1] = 1
    return " ".join(map(str, sharing))
