"""A fresh migrated database, on each kind."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


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
