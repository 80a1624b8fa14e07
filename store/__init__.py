"""Tables, SQL and migrations, on SQLite and on PostgreSQL."""

from store.database import Connection, Database
from store.migrate import migrate

__all__ = ["Connection", "Database", "migrate"]
