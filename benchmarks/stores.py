"""Stores: the two databases that are measured, each fresh and migrated."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from benchmarks import machine
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.loops import run
from tests.support.postgres import PostgresServer

EXTERNAL_POSTGRES = "TRACKSIDE_TEST_POSTGRES_URL"


class Kind(StrEnum):
    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Stores:
    """Makes databases until the end of the run."""

    postgres: str
    """Its version and settings."""

    _sqlite: SqliteDatabases
    _postgres: PostgresDatabases

    @contextmanager
    def fresh(self, kind: Kind) -> Iterator[str]:
        """The URL of an empty database with this version's tables; dropped behind the block."""
        databases = self._sqlite if kind is Kind.SQLITE else self._postgres
        url = databases.create()
        try:
            yield url
        finally:
            databases.drop(url)


@contextmanager
def opened() -> Iterator[Stores]:
    """Both databases; PostgreSQL from the wheel, unless the environment names a server.

    The wheel's is set as README.md advises.
    """
    with tempfile.TemporaryDirectory(prefix="trackside-bench-") as folder, _postgres_url() as url:
        postgres = PostgresDatabases(url)
        try:
            yield Stores(run(_described(url)), SqliteDatabases(Path(folder)), postgres)
        finally:
            postgres.remove()


def kind_of(url: str) -> Kind:
    return Kind.SQLITE if make_url(url).get_backend_name() == "sqlite" else Kind.POSTGRESQL


def dsn(url: str) -> str:
    """As asyncpg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def path(url: str) -> str:
    """The file of a SQLite database."""
    return str(make_url(url).database)


async def settle(url: str) -> None:
    """After a bulk load: what PostgreSQL's autovacuum would do soon; the log into SQLite's file."""
    if kind_of(url) is Kind.SQLITE:
        connection = sqlite3.connect(path(url))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    server = await asyncpg.connect(dsn(url), command_timeout=600)
    try:
        await server.execute("VACUUM ANALYZE")
    finally:
        await server.close()


@contextmanager
def _postgres_url() -> Iterator[str]:
    if external := os.environ.get(EXTERNAL_POSTGRES):
        yield external
        return
    server = PostgresServer(machine.postgres_settings())
    try:
        yield server.url
    finally:
        server.remove()


async def _described(url: str) -> str:
    connection = await asyncpg.connect(dsn(url))
    try:
        version = await connection.fetchval("SHOW server_version")
        shown = [
            f"{name} {await connection.fetchval(f'SHOW {name}')}"
            for name in ("shared_buffers", "max_wal_size")
        ]
    finally:
        await connection.close()
    return f"{version} ({', '.join(shown)})"
