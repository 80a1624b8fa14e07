"""Datasets: rows written in bulk are rows that the store takes for its own."""

import time

from sqlalchemy import func, select

from benchmarks import dataset
from store import Database, tables
from store.ingest.events import CommunicationCreated, Delivery
from store.ingest.outcomes import Arrival
from store.ingest.record import record
from store.words import Channel, DeliveryKind, EventOutcome


async def test_events_of_loaded_messages_and_entries_are_accepted(database_url: str) -> None:
    made = await dataset.make(database_url, messages=50, entries=20)
    database = Database(database_url)
    now = time.time_ns() // 1_000
    arrivals = [
        Arrival(Delivery("a", now, "message-49", DeliveryKind.COMPLAINED), "partner"),
        Arrival(
            CommunicationCreated(
                "b", now, "new", Channel.EMAIL, "Welcome", entry=made.entry(19), step="step-0"
            ),
            "partner",
        ),
    ]

    recorded = await database.transact(
        lambda connection: record(connection, made.workspace_id, arrivals, now)
    )

    assert [one.kind for one in recorded.outcomes] == [EventOutcome.ACCEPTED] * 2
    await database.dispose()


async def test_a_dataset_has_as_many_rows_as_were_wanted(database_url: str) -> None:
    await dataset.make(database_url, messages=50, entries=20)

    database = Database(database_url)
    counted = {}
    async with database.read() as connection:
        for table in (tables.communications, tables.communication_keys, tables.entries):
            rows = await connection.execute(select(func.count()).select_from(table))
            counted[table.name] = rows.scalar_one()
    assert counted == {"communications": 50, "communication_keys": 50, "entries": 20}
    await database.dispose()
