"""Databases: an empty migrated one for each test, in milliseconds."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import URL, make_url

import store
from store.tables import metadata
from tests.support.loops import run


class SqliteDatabases:
    """Files copied from a file that was migrated once, whose names come again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free: list[Path] = []
        self._template = folder / "template.db"
        migrated = folder / "migrated.db"
        run(store.migrate(f"sqlite+aiosqlite:///{migrated}"))
        # A backup is one file, whatever stands in the write-ahead log of the original.
        source, target = sqlite3.connect(migrated), sqlite3.connect(self._template)
        source.backup(target)
        source.close()
        target.close()

    def create(self) -> str:
        """A new database's URL."""
        path = self._free.pop() if self._free else self._folder / f"{uuid4().hex}.db"
        shutil.copyfile(self._template, path)
        return f"sqlite+aiosqlite:///{path}"

    def drop(self, url: str) -> None:
        """Delete the file and what SQLite keeps beside it."""
        database = Path(make_url(url).database or "")
        for path in self._folder.glob(f"{database.name}*"):
            path.unlink()
        self._free.append(database)


class PostgresDatabases:
    """Databases copied from one that was migrated once, on the server at the URL.

    One that a test is done with is emptied for the next: a copy costs PostgreSQL several hundred
    files, and its first connection a cache of the catalogue.
    """

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql+asyncpg")
        self._template = f"trackside_template_{uuid4().hex}"
        self._empty: list[str] = []
        self._execute(f"CREATE DATABASE {self._template} TEMPLATE template0 ENCODING 'UTF8'")
        run(store.migrate(self._url(self._template)))
        self._shape = run(_shape(self._server.set(database=self._template)))

    def create(self) -> str:
        """An empty database's URL."""
        if self._empty:
            return self._url(self._empty.pop())
        name = f"trackside_test_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Take it back, cutting the connections that a test left open."""
        name = make_url(url).database or ""
        if run(_emptied(self._server.set(database=name), self._shape)):
            self._empty.append(name)
        else:
            self._drop(name)

    def forget(self) -> None:
        """Empty none of those before: the server's data may have been exchanged."""
        self._empty.clear()

    def remove(self) -> None:
        """Delete the template, and what was emptied."""
        for name in (*self._empty, self._template):
            self._drop(name)
        self._empty.clear()

    def _drop(self, name: str) -> None:
        try:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        except asyncpg.InsufficientPrivilegeError:
            # Autovacuum is inside, which we may not end; without FORCE the server ends it itself.
            self._execute(f"{_CUT_OFF} AND datname = '{name}'")
            self._execute(f"DROP DATABASE IF EXISTS {name}")

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        run(_execute(self._server, statement))


_CUT_OFF = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_RELATIONS = "FROM pg_class r WHERE r.relnamespace = 'public'::regnamespace"
_SHAPE = f"""
SELECT md5(string_agg(concat_ws(' ', r.relname, a.attname, a.atttypid, a.attnotnull), ','
           ORDER BY r.relname, a.attnum)),
    (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
    (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_stats WHERE schemaname = 'public'),
    (SELECT string_agg(version_num, ',') FROM alembic_version)
FROM pg_attribute a JOIN (SELECT r.oid, r.relname {_RELATIONS}) r ON r.oid = a.attrelid
"""
"""What a test may have changed but the rows; statistics, because plans depend on them."""

_BYTES_AT_MOST = 10 * 8192
"""Of a table whose rows are deleted: to the planner it is no larger than a new one then."""

_TABLES = [str(table.name) for table in reversed(metadata.sorted_tables)]
_FILLED = " UNION ALL ".join(
    f"SELECT '{name}', pg_relation_size('{name}') WHERE EXISTS (SELECT FROM {name})"
    for name in _TABLES
)
_RESTART = f"SELECT setval(r.oid::regclass, 1, false) {_RELATIONS} AND r.relkind = 'S'"


async def _shape(database: URL) -> tuple[object, ...]:
    async with _connected(database) as connection:
        return tuple(await connection.fetchrow(_SHAPE) or ())


async def _emptied(database: URL, shape: tuple[object, ...]) -> bool:
    """Delete all rows; whether it is as new then."""
    try:
        async with _connected(database) as connection:
            await connection.execute(f"{_CUT_OFF} AND datname = current_database()")
            if tuple(await connection.fetchrow(_SHAPE) or ()) != shape:
                return False
            filled = await connection.fetch(_FILLED)
            if any(size > _BYTES_AT_MOST for _, size in filled):
                return False
            deleting = [f"DELETE FROM {name}" for name, _ in filled]
            await connection.execute("; ".join([*deleting, _RESTART]))
    except (asyncpg.PostgresError, OSError):
        return False
    return True


async def _execute(server: URL, statement: str) -> None:
    async with _connected(server) as connection:
        await connection.execute(statement)


@asynccontextmanager
async def _connected(database: URL) -> AsyncIterator[asyncpg.Connection]:
    dsn = database.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
