"""Bulk: rows straight into the store's tables, by COPY on PostgreSQL and executemany on SQLite.

What a recorder never does, so it is the floor under its rate and the fast way to a million rows.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from typing import Any

import asyncpg
from sqlalchemy import Table, create_engine

from benchmarks.stores import Kind, dsn, kind_of, path
from store import planner

Record = tuple[Any, ...]

_ROWS_A_TRANSACTION = 20_000


class Bulk:
    """One connection to the database at the URL.

    Lasting: a commit survives a power cut, as those of trackside do. A load need not.
    """

    def __init__(self, url: str, *, is_lasting: bool) -> None:
        self._url, self._is_lasting = url, is_lasting
        self._sqlite: sqlite3.Connection | None = None
        self._postgres: Any = None

    async def open(self) -> "Bulk":
        if kind_of(self._url) is Kind.SQLITE:
            self._sqlite = sqlite3.connect(path(self._url), isolation_level=None)
            self._sqlite.execute(f"PRAGMA synchronous = {'FULL' if self._is_lasting else 'OFF'}")
            self._sqlite.execute("PRAGMA cache_size = -65536")
        else:
            self._postgres = await asyncpg.connect(dsn(self._url), command_timeout=600)
            await self._postgres.set_type_codec(
                "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )
            if not self._is_lasting:
                await self._postgres.execute("SET synchronous_commit = off")
        return self

    async def close(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
        if self._postgres is not None:
            await self._postgres.close()

    async def write(self, table: Table, columns: Sequence[str], records: Iterable[Record]) -> None:
        """Each record holds the columns; 20,000 of them share a transaction."""
        rest = iter(records)
        while some := list(islice(rest, _ROWS_A_TRANSACTION)):
            if self._sqlite is not None:
                marks = ", ".join("?" * len(columns))
                names = ", ".join(f'"{name}"' for name in columns)
                with _transaction(self._sqlite):
                    self._sqlite.executemany(
                        f"INSERT INTO {table.name} ({names}) VALUES ({marks})", some
                    )
            else:
                await self._postgres.copy_records_to_table(
                    table.name, columns=list(columns), records=some
                )

    @asynccontextmanager
    async def without_indexes(self, *dropped: Table) -> AsyncIterator[None]:
        """Make the tables' further indexes anew behind the block: faster for millions of rows."""
        names = [table.name for table in dropped]
        made = await self._indexes(names)
        for name in made:
            await self._execute(f"DROP INDEX {name}")
        yield
        for definition in made.values():
            await self._execute(definition)
        if self._sqlite is not None:
            # A dropped index takes its figures along, without which SQLite plans otherwise.
            engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path(self._url)))
            with engine.begin() as connection:
                planner.instruct(connection)
            engine.dispose()

    async def _indexes(self, names: list[str]) -> dict[str, str]:
        """How each was made, those of keys left out."""
        marks = ", ".join("?" * len(names))
        if self._sqlite is not None:
            found = self._sqlite.execute(
                "SELECT name, sql FROM sqlite_master "
                f"WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",
                names,
            ).fetchall()
            return dict(found)
        rows = await self._postgres.fetch(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = ANY($1) AND indexname NOT LIKE '%_pkey'",
            names,
        )
        return {row[0]: row[1] for row in rows}

    async def _execute(self, statement: str) -> None:
        if self._sqlite is not None:
            self._sqlite.execute(statement)
        else:
            await self._postgres.execute(statement)

    async def read(self, table: Table, columns: Sequence[str], where: str) -> list[Record]:
        """As the driver gives them, so that write() takes them again."""
        names = ", ".join(f'"{name}"' for name in columns)
        query = f"SELECT {names} FROM {table.name} WHERE {where}"
        if self._sqlite is not None:
            return self._sqlite.execute(query).fetchall()
        return [tuple(row) for row in await self._postgres.fetch(query)]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
