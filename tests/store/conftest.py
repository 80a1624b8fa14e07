"""What the store's tests stand on: a workspace is as fresh as a database, and made a hundred times
faster."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from store import Database
from tests.conftest import EXTERNAL_POSTGRES
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.factories import a_database


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database of each kind, in which every test makes workspaces of its own."""
    names = {
        "sqlite": "_sqlite_databases",
        "postgresql": "_external_databases"
        if os.environ.get(EXTERNAL_POSTGRES)
        else "_wheel_databases",
    }
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(names[request.param])
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
async def database(shared_url: str) -> AsyncIterator[Database]:
    """The shared database, open; the test runs on SQLite and on PostgreSQL."""
    async with a_database(shared_url) as opened:
        yield opened
