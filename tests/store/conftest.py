"""What the store's tests stand on."""

from collections.abc import AsyncIterator

import pytest

from store import Database
from tests.support.factories import a_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh migrated database, open; the test runs on SQLite and on PostgreSQL."""
    async with a_database(database_url) as opened:
        yield opened
