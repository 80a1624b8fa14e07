"""What the store's tests stand on."""

from collections.abc import AsyncIterator

import pytest

from store import Database
from tests.support.factories import a_database


@pytest.fixture
async def database(shared_url: str) -> AsyncIterator[Database]:
    """The shared database, open: make a workspace in it, which is as fresh and much faster made."""
    async with a_database(shared_url) as opened:
        yield opened
