"""The migration that takes the foreign key from the history of statuses."""

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import inspect

from store import Database, tables
from store.words import ContactStatus
from tests.support.factories import a_contact, a_workspace

migration = import_module("store.migrations.versions.0017_history_of_statuses")


async def test_the_history_of_statuses_is_kept(database: Database) -> None:
    workspace = await a_workspace(database)
    for name, status in (("bob", ContactStatus.LEAD), ("eva", ContactStatus.CUSTOMER)):
        await a_contact(workspace, name, status=status)
    before = await workspace.rows(tables.contact_status_changes)
    keys: list[int] = []

    def again(connection: SyncConnection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            for change in (migration.downgrade, migration.upgrade):
                change()
                keys.append(len(inspect(connection).get_foreign_keys("contact_status_changes")))

    async with database.write() as connection:
        await connection.run_sync(again)
        found = await connection.run_sync(
            lambda sync: inspect(sync).get_table_options("contact_status_changes")
        )

    assert len(before) == 2
    assert await workspace.rows(tables.contact_status_changes) == before
    assert keys == [1, 0]
    assert found == ({"sqlite_with_rowid": False} if database.is_sqlite else {})
