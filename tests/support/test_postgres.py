"""What the tests of everything else assume about their PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.support.postgres import PostgresServer


async def test_text_is_utf_8_and_letters_fold_beyond_ascii(postgres_url: str) -> None:
    async with connected(postgres_url) as connection:
        encoding = await connection.fetchval("SHOW server_encoding")
        folded = await connection.fetchval("SELECT lower('ÄRGER')")

    assert (encoding, folded) == ("UTF8", "ärger")


@pytest.mark.parametrize("extension", ["pg_trgm", "btree_gin"])
async def test_the_role_may_add_the_extensions_of_search(postgres_url: str, extension: str) -> None:
    async with connected(postgres_url) as connection:
        await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")

        found = await connection.fetchval(
            "SELECT extname FROM pg_extension WHERE extname = $1", extension
        )

    assert found == extension


async def test_the_role_is_no_superuser(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with connected(postgres_url) as connection:
        is_superuser = await connection.fetchval("SHOW is_superuser")

    assert is_superuser == "off"


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_what_was_committed_survives(
    postgres_server: PostgresServer, postgres_url: str, ending: str
) -> None:
    async with connected(postgres_url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    getattr(postgres_server, ending)()
    with pytest.raises(ConnectionError):
        await asyncpg.connect(dsn(postgres_url))
    postgres_server.start()

    async with connected(postgres_url) as connection:
        assert await connection.fetchval("SELECT number FROM kept") == 7


async def test_a_test_may_leave_the_server_stopped(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    postgres_server.stop()

    assert not postgres_server.is_running


@pytest.mark.parametrize("name", ["first", "second"])
async def test_every_test_has_a_database_of_its_own(postgres_url: str, name: str) -> None:
    async with connected(postgres_url) as connection:
        await connection.execute("CREATE TABLE not_seen_by_the_other (name text)")


def dsn(url: str) -> str:
    return url.replace("+asyncpg", "")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn(url))
    try:
        yield connection
    finally:
        await connection.close()
