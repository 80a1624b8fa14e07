"""What all tables share: the metadata and the columns that begin every key."""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, MetaData, Table

from store.types import IdColumn, InstantColumn

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)


def workspace_table(name: str, *parts: Any) -> Table:
    """A table whose primary key begins with workspace_id, on SQLite clustered by that key."""
    workspace = Column("workspace_id", BigInteger, primary_key=True, autoincrement=False)
    return Table(name, metadata, workspace, *parts, sqlite_with_rowid=False)


def own_id() -> Column[bytes]:
    return Column("id", IdColumn, primary_key=True)


def reference(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, IdColumn, nullable=nullable)


def instant(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, InstantColumn, nullable=nullable)


def belongs_to(column: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"])
