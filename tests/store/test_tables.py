"""The tables: each row belongs to a workspace, and the migrations make just these tables."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Table, UniqueConstraint, inspect, text
from sqlalchemy.engine import make_url

import store
from store import Database, tables
from store.migrate import is_current
from tests.support.factories import a_database

OURS = [table for table in tables.metadata.sorted_tables if table.name != "workspaces"]
# The queue from which jobs are claimed is of all workspaces (decision 1).
ACROSS_WORKSPACES = {"jobs_claim_idx"}


def name(table: Table) -> str:
    return table.name


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=name)
def test_a_primary_key_begins_with_the_workspace(table: Table) -> None:
    first = next(iter(table.primary_key))

    assert first.name == "workspace_id"


@pytest.mark.parametrize("table", OURS, ids=name)
def test_an_index_begins_with_the_workspace(table: Table) -> None:
    firsts = {
        str(index.name): next(iter(index.columns)).name
        for index in table.indexes
        if index.name not in ACROSS_WORKSPACES
    }
    firsts |= {
        str(constraint.name): next(iter(constraint.columns)).name
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }

    assert set(firsts.values()) <= {"workspace_id"}, firsts


@pytest.mark.parametrize("table", OURS, ids=name)
def test_a_foreign_key_carries_the_workspace(table: Table) -> None:
    for key in table.foreign_key_constraints:
        pairs = [(element.parent.name, element.column.name) for element in key.elements]

        assert ("workspace_id", "workspace_id") in pairs


async def test_the_migrations_make_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: SyncConnection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, tables.metadata))

    async with database.read() as connection:
        found = await connection.run_sync(differences)

    assert [one for one in found if not _is_of_search(one)] == []


def _is_of_search(found: object) -> bool:
    """Trigrams are each database's own, so the code's tables do not have them."""
    if not isinstance(found, tuple):
        return False
    if found[0] == "remove_table":
        return str(found[1].name).startswith("contacts_search")
    return found[0] == "remove_index" and str(found[1].name).startswith(
        ("contacts_search", "journeys_search", "resources_search")
    )


async def test_search_columns_have_trigram_indexes_on_postgresql(postgres_url: str) -> None:
    database = Database(postgres_url)

    async with database.read() as connection:
        indexes = await connection.run_sync(
            lambda sync: {
                table: {one["name"] for one in inspect(sync).get_indexes(table)}
                for table in ("contacts", "journeys", "resources", "communications")
            }
        )
    await database.dispose()

    assert "contacts_search_idx" in indexes["contacts"]
    assert "journeys_search_idx" in indexes["journeys"]
    assert "resources_search_idx" in indexes["resources"]
    # Not on the path where messages are appended (measured: 75-90 % of its rate).
    assert not any("search" in str(one) for one in indexes["communications"])


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await store.migrate(database.url)

    assert await is_current(database)


async def test_two_that_migrate_an_empty_database_at_once_take_turns(database_url: str) -> None:
    await empty(database_url)

    async with asyncio.timeout(60):
        await asyncio.gather(store.migrate(database_url), store.migrate(database_url))

    async with a_database(database_url) as database:
        assert await is_current(database)


async def empty(url: str) -> None:
    """Take away what the fixture migrated."""
    path = make_url(url).database or ""
    if url.startswith("sqlite"):
        await asyncio.to_thread(Path(path).unlink)
        return
    async with a_database(url) as database, database.write() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
