"""Bulk: many rows at once, by the way in that each database has for them."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Table

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


async def execute(
    connection: Connection, statement: Any, names: tuple[str, ...], records: Sequence[Record]
) -> None:
    """The statement once for each record, which are values of its parameters in that order.

    Past SQLAlchemy's handling of parameters, which took longer than the driver does: values are as
    the driver takes them.
    """
    if records:
        sql, picked = _for_driver(statement, names, connection.dialect)
        await connection.exec_driver_sql(sql, [*map(picked, records)])


@cache
def _for_driver(
    statement: Any, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Callable[[Record], Record]]:
    """The statement's text, and what puts values in the order of its parameters."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), itemgetter(*(names.index(name) for name in compiled.positiontup))
