"""The one difference of syntax between the databases that statements need: INSERT … ON CONFLICT."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from store.database import Connection


def insert(of: Connection | str, table: Table) -> postgresql.Insert:
    """An INSERT with on_conflict_do_nothing and on_conflict_do_update."""
    if (of if isinstance(of, str) else of.dialect.name) == "sqlite":
        # The two classes have the methods that we use in common, though no common base.
        return sqlite.insert(table)  # type: ignore[return-value]
    return postgresql.insert(table)
