"""Operations: journeys as the screens show them, of rows that the store would have left."""

from typing import Any

from sqlalchemy import inspect

from benchmarks import operation
from store import Database, lists
from store.entities import ACTIVITY, COMMUNICATION, ENTRY
from store.filters import ActivityFilter, CommunicationFilter, EntryFilter
from store.words import ActivityKind, DeliveryStatus


async def indexes(database: Database) -> set[str]:
    def names(sync: Any) -> set[str]:
        tables = ("entries", "communications", "log")
        return {str(one["name"]) for table in tables for one in inspect(sync).get_indexes(table)}

    async with database.read() as connection:
        return await connection.run_sync(names)


async def test_each_list_of_a_loaded_journey_holds_what_it_should(database_url: str) -> None:
    database = Database(database_url)
    before = await indexes(database)

    made = await operation.make(database_url, messages=1_000)

    here = (made.journey,)
    async with database.read() as connection:

        async def counted(entity: Any, asked: Any) -> int:
            return (await lists.count(connection, entity, 1, asked)).value

        entries = await counted(ENTRY, EntryFilter(journey_id=here))
        messages = await counted(COMMUNICATION, CommunicationFilter(journey_id=here))
        failed = await counted(
            COMMUNICATION, CommunicationFilter(journey_id=here, status=(DeliveryStatus.FAILED,))
        )
        bonus = await counted(
            ACTIVITY, ActivityFilter(journey_id=here, kind=(ActivityKind.BONUS_RECEIVED,))
        )
        at_last_step = await counted(
            ENTRY, EntryFilter(journey_id=here, current_step_id=made.steps[-1:])
        )
        found = await counted(ENTRY, EntryFilter(journey_id=here, search=made.rare_name))

    assert entries == 100
    assert 400 < messages < 600
    assert 0 < failed < messages // 5
    assert bonus == at_last_step == 100
    assert found == 2
    assert await indexes(database) == before
    await database.dispose()
