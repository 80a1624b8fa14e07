"""Databases: a fresh migrated one for each test, copied from a template in milliseconds."""

import shutil
import sqlite3
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import URL, make_url

import store
from tests.support.loops import run


class SqliteDatabases:
    """Files copied from a file that was migrated once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
        path = self._folder / f"{uuid4().hex}.db"
        shutil.copyfile(self._template, path)
        return f"sqlite+aiosqlite:///{path}"

    def drop(self, url: str) -> None:
        """Delete the file and what SQLite keeps beside it."""
        for path in self._folder.glob(f"{Path(make_url(url).database or '').name}*"):
            path.unlink()


class PostgresDatabases:
    """Databases copied from one that was migrated once, on the server at the URL."""

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql+asyncpg")
        self._template = f"trackside_template_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {self._template} TEMPLATE template0 ENCODING 'UTF8'")
        run(store.migrate(self._url(self._template)))

    def create(self) -> str:
        """A new database's URL."""
        name = f"trackside_test_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Delete it, cutting the connections that a test left open."""
        self._drop(make_url(url).database or "")

    def remove(self) -> None:
        """Delete the template."""
        self._drop(self._template)

    def _drop(self, name: str) -> None:
        try:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        except asyncpg.InsufficientPrivilegeError:
            # Autovacuum is inside, which we may not end; without FORCE the server ends it itself.
            self._execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{name}' AND backend_type = 'client backend'"
            )
            self._execute(f"DROP DATABASE IF EXISTS {name}")

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        run(_execute(self._server, statement))


async def _execute(server: URL, statement: str) -> None:
    dsn = server.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
