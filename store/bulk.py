"""Bulk: many rows at once, by the way in that each database has for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from store.database import CONFLICTS, Conflict, Connection

Record = tuple[Any, ...]


async def insert(
    connection: Connection, table: Table, columns: Sequence[str], records: Sequence[Record]
) -> None:
    """Rows of these columns, as the driver takes their values; raises Conflict.

    By COPY on PostgreSQL, which takes no JSON this way. What is no column here has its default.
    """
    if not records:
        return
    if connection.dialect.name == "sqlite":
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        await connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",  # noqa: S608  Names of our own.
            list(records),
        )
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        await driver.copy_records_to_table(table.name, columns=list(columns), records=records)
    except Exception as error:
        # Past SQLAlchemy, so that the error is the driver's own.
        if str(getattr(error, "sqlstate", "")) in CONFLICTS:
            raise Conflict from error
        raise
