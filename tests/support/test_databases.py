"""A fresh migrated database, on each kind."""

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from store import tables
from tests.support.databases import PostgresDatabases
from tests.support.factories import a_database, a_house


async def test_a_database_is_migrated(database_url: str) -> None:
    engine = create_async_engine(database_url)

    async with engine.connect() as connection:
        revisions = (
            await connection.execute(text("SELECT version_num FROM alembic_version"))
        ).all()

    await engine.dispose()
    assert len(revisions) == 1


async def test_two_databases_of_one_test_are_two(sqlite_url: str, postgres_url: str) -> None:
    assert sqlite_url.startswith("sqlite+aiosqlite:///")
    assert postgres_url.startswith("postgresql+asyncpg://")


async def test_a_database_that_is_taken_back_is_as_new(postgres_url: str) -> None:
    databases = PostgresDatabases(postgres_url)
    try:
        url = databases.create()
        async with a_database(url) as database:
            await a_house(database)
        left = await asyncpg.connect(url.replace("+asyncpg", ""))

        databases.drop(url)
        again = databases.create()

        assert again == url
        with pytest.raises(asyncpg.PostgresError):
            await left.execute("SELECT 1")
        async with a_database(again) as database:
            workspace = await a_house(database)
            assert workspace.id == 1
            async with database.read() as connection:
                counts = [
                    (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                    for table in (tables.workspaces, tables.contacts, tables.communications)
                ]
        databases.drop(again)
    finally:
        databases.remove()
    assert counts == [1, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE contacts ADD COLUMN shoe_size integer",
        "DROP INDEX contacts_email_key",
        "ANALYZE workspaces",
        "UPDATE alembic_version SET version_num = '0000'",
        "INSERT INTO workspaces (name, currency, created_at) "
        "SELECT 'workspace ' || n, 'EUR', 0 FROM generate_series(1, 5000) n",
    ],
)
async def test_a_database_that_is_not_as_new_is_not_used_again(
    postgres_url: str, change: str
) -> None:
    databases = PostgresDatabases(postgres_url)
    try:
        url = databases.create()
        async with a_database(url) as database:
            await a_house(database)
        changing = await asyncpg.connect(url.replace("+asyncpg", ""))
        await changing.execute(change)
        await changing.close()

        databases.drop(url)

        assert databases.create() != url
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(url.replace("+asyncpg", ""))
    finally:
        databases.remove()
