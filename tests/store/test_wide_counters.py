"""The migration of the counters by day and of all time."""

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection as SyncConnection

from store import Database, tables
from store.words import DeliveryKind
from tests.support.factories import a_house, after, announced, delivered, entered

migration = import_module("store.migrations.versions.0002_wide_counters")


async def test_the_counters_by_day_and_of_all_time_are_made_of_the_hours(
    database: Database,
) -> None:
    house = await a_house(database)
    await house.record(
        entered("e2", at=after(-90_000), in_control_group=True),
        announced("m2", at=-3_600_000_000),
        announced("m3", resource="Reminder"),
        delivered(DeliveryKind.CLICKED, "m2"),
    )
    counters = (tables.communication_counters, tables.entry_counters)
    before = [await house.rows(table) for table in counters]

    def again(connection: SyncConnection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            migration.upgrade()

    async with database.write() as connection:
        await connection.run_sync(again)

    assert [await house.rows(table) for table in counters] == before
    for seconds, messages, entries in ((0, [1, 2], [1, 1]), (86_400, [1, 1, 1], [1, 1])):
        rows = [[row for row in of if row["bucket_seconds"] == seconds] for of in before]
        assert sorted(row["created"] for row in rows[0]) == messages
        assert sorted(row["entered"] for row in rows[1]) == entries
