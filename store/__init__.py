"""Tables, SQL and migrations, on SQLite and on PostgreSQL."""

from store.database import Conflict, Connection, Database, DatabaseError
from store.migrate import migrate

__all__ = ["Conflict", "Connection", "Database", "DatabaseError", "migrate"]
