"""Bulk: many rows at once, by the way in that each database has for them."""

from collections.abc import Callable, Sequence
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
    """The statement, one that is built once, for each record.

    A record holds the values of the parameters with these names, as the driver takes them: past
    SQLAlchemy's handling of parameters, which took longer than the driver does.
    """
    if records:
        sql, picked = _for_driver(statement, names, connection.dialect)
        await connection.exec_driver_sql(sql, [*map(picked, records)])


_Form = tuple[str, Callable[[Record], Record]]
_FORMS: dict[tuple[Any, tuple[str, ...], str], _Form] = {}


def _for_driver(statement: Any, names: tuple[str, ...], dialect: Dialect) -> _Form:
    """The statement's text, and what puts values in the order of its parameters."""
    key = (statement, names, dialect.name)
    if key not in _FORMS:
        compiled = statement.compile(dialect=dialect)
        places = [names.index(name) for name in compiled.positiontup]
        _FORMS[key] = str(compiled), itemgetter(*places)
    return _FORMS[key]
