"""What writers of a batch share: its transaction, its workspace and its rows."""

from typing import Any

from sqlalchemy import Table

from store.database import Connection
from store.ingest.batch import Batch


class Writer:
    """Writes a batch on one connection."""

    def __init__(self, connection: Connection, workspace_id: int, batch: Batch) -> None:
        self.connection, self.workspace_id, self.batch = connection, workspace_id, batch

    def own(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows as the workspace's."""
        return [{"workspace_id": self.workspace_id, **row} for row in rows]

    async def insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self.connection.execute(table.insert(), self.own(rows))
