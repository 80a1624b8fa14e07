"""The migration of the counters of all time."""

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection as SyncConnection

from store import Database, tables
from store.words import DeliveryKind
from tests.support.factories import a_house, after, announced, delivered, entered

migration = import_module("store.migrations.versions.0002_all_time_counters")


async def test_the_counters_of_all_time_are_made_of_the_hours(database: Database) -> None:
    house = await a_house(database)
    await house.record(
        entered("e2", at=after(-90_000), in_control_group=True),
        announced("m2", at=after(-90_000)),
        announced("m3", resource="Reminder"),
        delivered(DeliveryKind.CLICKED, "m2"),
    )
    counters = (tables.communication_counters, tables.entry_counters)
    before = [await house.rows(table, bucket_seconds=0) for table in counters]

    def again(connection: SyncConnection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            migration.upgrade()

    async with database.write() as connection:
        await connection.run_sync(again)

    after_ = [await house.rows(table, bucket_seconds=0) for table in counters]
    assert after_ == before
    assert sum(row["created"] for row in before[0]) == 3
    assert sum(row["entered"] for row in before[1]) == 2
