"""The servers that the tests stand on: two databases, Valkey, a browser.

A server starts when the first test asks for it; with `pytest -n` each worker has its own.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.async_api import Page

from tests.support import chromium
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.postgres import PostgresServer
from tests.support.trackside import Trackside, TracksideServer
from tests.support.valkey import ValkeyServer

# A server that whoever runs the tests has: its URL, of a user who may create databases.
EXTERNAL_POSTGRES = "TRACKSIDE_TEST_POSTGRES_URL"

# A deadline would time the machine. `--hypothesis-profile=thorough` is for a change of a merge.
settings.register_profile("trackside", deadline=None, print_blob=True)
settings.register_profile("thorough", parent=settings.get_profile("trackside"), max_examples=5000)
settings.load_profile("trackside")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database; the test runs once on each kind."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database of each kind for all tests that make workspaces of their own in it."""
    postgres = "_external_databases" if os.environ.get(EXTERNAL_POSTGRES) else "_wheel_databases"
    name = {"sqlite": "_sqlite_databases", "postgresql": postgres}[request.param]
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(name)
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def sqlite_url(_sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """A fresh migrated SQLite file."""
    url = _sqlite_databases.create()
    yield url
    _sqlite_databases.drop(url)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh migrated PostgreSQL database, on `postgres_server` if the test asks for that too."""
    is_ours = "postgres_server" in request.fixturenames or not os.environ.get(EXTERNAL_POSTGRES)
    name = "_wheel_databases" if is_ours else "_external_databases"
    databases: PostgresDatabases = request.getfixturevalue(name)
    url = databases.create()
    yield url
    if is_ours:
        # The test may have stopped it.
        request.getfixturevalue("_wheel_postgres").start()
    if "postgres_server" in request.fixturenames:
        # Or put other data in their place.
        databases.forget()
    databases.drop(url)


@pytest.fixture
def postgres_server(_wheel_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server of `postgres_url`, to stop, kill and start; runs again for the next test."""
    yield _wheel_postgres
    _wheel_postgres.start()


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """An empty Valkey."""
    return valkey_server.url


@pytest.fixture
def valkey_server(_valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """The server of `valkey_url`, to stop, kill and start; runs again for the next test."""
    _valkey.empty()
    yield _valkey
    _valkey.start()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program."""
    return chromium.path()


@pytest.fixture
async def page(chromium_path: str) -> AsyncIterator[Page]:
    """A page in a new browser; the test fails when a script of the page fails."""
    async with chromium.open_page(chromium_path) as opened:
        yield opened


@pytest.fixture
async def trackside(_trackside_server: TracksideServer) -> Trackside:
    """An empty workspace of a server in a process of its own, to stop, kill and start."""
    _trackside_server.start()
    return await _trackside_server.a_workspace()


@pytest.fixture(scope="session")
def _trackside_server(_sqlite_databases: SqliteDatabases) -> Iterator[TracksideServer]:
    server = TracksideServer(_sqlite_databases.create())
    yield server
    server.stop()
    _sqlite_databases.drop(server.database_url)


@pytest.fixture(scope="session")
def _sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(Path(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def _wheel_postgres() -> Iterator[PostgresServer]:
    # It gathers no statistics by itself: plans are the same in every run.
    server = PostgresServer({"autovacuum": "off"})
    yield server
    server.remove()


@pytest.fixture(scope="session")
def _wheel_databases(_wheel_postgres: PostgresServer) -> PostgresDatabases:
    return PostgresDatabases(_wheel_postgres.url)


@pytest.fixture(scope="session")
def _external_databases() -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(os.environ[EXTERNAL_POSTGRES])
    yield databases
    databases.remove()


@pytest.fixture(scope="session")
def _valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    yield server
    server.remove()
