"""Migrations: bringing a database to the tables of this version."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from store import planner
from store.database import Database

_FOLDER = Path(__file__).parent / "migrations"


async def migrate(url: str) -> None:
    """Apply what is missing, in one transaction; two that start at once take turns."""
    database = Database(url, pool_size=1)
    try:
        async with database.write() as connection:
            if not database.is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(7264657)"))
            await connection.run_sync(_upgrade)
            if database.is_sqlite:
                await connection.run_sync(planner.instruct)
    finally:
        await database.dispose()


async def is_current(database: Database) -> bool:
    """Whether the database stands at the newest migration of this version."""
    newest = await asyncio.to_thread(lambda: ScriptDirectory(str(_FOLDER)).get_current_head())
    async with database.read() as connection:
        applied = await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
    return applied == newest


def _upgrade(connection: SyncConnection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
