"""The database: what reading and writing promise, alike on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from store import Conflict, Connection, Database, bulk, tables
from store.types import MoneyColumn, new_id
from tests.support.factories import (
    NOW,
    a_contact,
    a_database,
    a_journey,
    a_workspace,
)

SOON = 20.0


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """One with no workspace in it."""
    async with a_database(database_url) as opened:
        yield opened


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        result = await connection.execute(select(tables.workspaces.c.name).order_by("name"))
        return list(result.scalars())


def a_row(name: str) -> dict[str, object]:
    return {"name": name, "created_at": NOW}


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(DBAPIError, match=r"readonly|read-only"):
            await connection.execute(insert(tables.workspaces), a_row("north"))

    assert await names(database) == []


async def test_an_exception_rolls_the_whole_write_back(database: Database) -> None:
    async def fail_behind_the_first_row() -> None:
        async with database.write() as connection:
            await connection.execute(insert(tables.workspaces), a_row("north"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_behind_the_first_row()

    assert await names(database) == []


async def test_a_cancelled_write_is_rolled_back_and_the_next_one_goes_on(
    database: Database,
) -> None:
    has_written = asyncio.Event()

    async def write_and_hang() -> None:
        async with database.write() as connection:
            await connection.execute(insert(tables.workspaces), a_row("north"))
            has_written.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(write_and_hang())
    async with asyncio.timeout(SOON):
        await has_written.wait()
        hanging.cancel()
        with suppress(asyncio.CancelledError):
            await hanging

        async with database.write() as connection:
            await connection.execute(insert(tables.workspaces), a_row("south"))

    assert await names(database) == ["south"]


async def test_writers_cancelled_at_any_moment_leave_the_database_usable(
    database: Database,
) -> None:
    async def write(number: int) -> None:
        async with database.write() as connection:
            await connection.execute(insert(tables.workspaces), a_row(f"w{number}"))
            await connection.execute(select(1))

    async with asyncio.timeout(SOON):
        for turns in range(12):
            tasks = [asyncio.create_task(write(10 * turns + n)) for n in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        await write(999)

    assert "w999" in await names(database)


async def test_a_reader_sees_what_is_committed_and_nothing_else(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(tables.workspaces), a_row("north"))
        before = await names(database)
    after = await names(database)

    assert (before, after) == ([], ["north"])


async def test_statements_of_a_snapshot_see_the_same_commit(database: Database) -> None:
    counting = select(func.count()).select_from(tables.workspaces)

    async with database.snapshot() as snapshot:
        before = (await snapshot.execute(counting)).scalar_one()
        async with database.write() as connection:
            await connection.execute(insert(tables.workspaces), a_row("north"))
        after = (await snapshot.execute(counting)).scalar_one()

    assert (before, after) == (0, 0)
    assert await names(database) == ["north"]


async def test_400_concurrent_increments_lose_none(database_url: str) -> None:
    async with a_database(database_url) as one, a_database(database_url) as other:
        workspace = await a_workspace(one)
        heads = tables.heads

        async def increment(database: Database) -> None:
            async with database.write() as connection:
                found = select(heads.c.seq).where(heads.c.workspace_id == workspace.id)
                seq = (await connection.execute(found.with_for_update())).scalar_one()
                await connection.execute(
                    update(heads).where(heads.c.workspace_id == workspace.id).values(seq=seq + 1)
                )

        await asyncio.gather(*(increment(one if n % 2 else other) for n in range(400)))

        assert [row["seq"] for row in await workspace.rows(heads)] == [400]


async def test_a_name_that_is_taken_is_a_conflict(database: Database) -> None:
    workspace = await a_workspace(database)
    await a_contact(workspace, "bob", email="bob@example.org")
    columns = ("workspace_id", "id", "email_key", "search", "last_name_key", "status", "source")
    record = (workspace.id, new_id(), "bob@example.org", "", "", "LEAD", "CREATED", NOW, NOW)

    with pytest.raises(Conflict):
        async with database.write() as connection:
            await bulk.insert(
                connection, tables.contacts, (*columns, "created_at", "active_at"), [record]
            )

    assert len(await workspace.rows(tables.contacts)) == 1


async def test_a_unique_name_taken_meanwhile_is_tried_again(postgres_url: str) -> None:
    async with a_database(postgres_url) as database:
        tries = 0

        async def take_a_free_name(connection: Connection) -> str:
            nonlocal tries
            tries += 1
            taken = set((await connection.execute(select(tables.workspaces.c.name))).scalars())
            if tries == 1:
                async with database.write() as other:
                    await other.execute(insert(tables.workspaces), a_row("north"))
            name = next(one for one in ("north", "south") if one not in taken)
            await connection.execute(insert(tables.workspaces), a_row(name))
            return name

        name = await database.transact(take_a_free_name)

        assert (name, tries) == ("south", 2)


async def test_a_conflict_that_stays_is_raised_in_the_end(database: Database) -> None:
    tries = 0

    async def always_meet_another(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        raise Conflict

    with pytest.raises(Conflict):
        await database.transact(always_meet_another)

    assert tries > 1


async def test_money_comes_back_as_it_went_in(database: Database) -> None:
    workspace = await a_workspace(database)
    journey_id = await a_journey(workspace)
    values = [
        Decimal(text) for text in ("0.000001", "-0.10", "19.99", "9223372036854.775807", "1e3")
    ]

    for number, value in enumerate(values):
        await workspace.insert(
            tables.rewards,
            id=new_id(),
            journey_id=journey_id,
            key=str(number),
            name="A reward",
            value=value,
            position=number,
            is_archived=False,
        )

    assert [row["value"] for row in await workspace.rows(tables.rewards)] == values


@given(st.integers(-(10**18), 10**18))
def test_money_is_exact_to_the_millionth(millionths: int) -> None:
    column = MoneyColumn()
    value = Decimal(millionths).scaleb(-6)

    stored = column.process_bind_param(value, None)  # type: ignore[arg-type]

    assert stored == millionths
    assert column.process_result_value(stored, None) == value  # type: ignore[arg-type]


async def test_large_numbers_old_times_and_bytes_come_back_as_they_went_in(
    database: Database,
) -> None:
    workspace = await a_workspace(database)
    row = {"seq": 2**53 + 1, "recorded_at": -(2**62), "nonce": b"\x00\xff'\\"}

    async with database.write() as connection:
        await connection.execute(
            update(tables.heads).where(tables.heads.c.workspace_id == workspace.id).values(row)
        )

    (kept,) = await workspace.rows(tables.heads)
    assert {name: kept[name] for name in row} == row


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
async def test_any_text_comes_back_as_it_went_in(database: Database, text: str) -> None:
    workspace = await a_workspace(database)

    await a_contact(workspace, last_name=text)

    (kept,) = await workspace.rows(tables.contacts)
    assert kept["last_name"] == text


async def test_a_foreign_key_holds(database: Database) -> None:
    workspace = await a_workspace(database)
    orphan = {
        "workspace_id": workspace.id,
        "contact_id": new_id(),
        "channel": "EMAIL",
        "is_subscribed": False,
        "since": NOW,
        "source": "ops",
    }

    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with database.write() as connection:
            await connection.execute(insert(tables.contact_consents), orphan)

    assert await workspace.rows(tables.contact_consents) == []


async def test_sqlite_writes_ahead_and_syncs_each_commit(sqlite_url: str) -> None:
    async with a_database(sqlite_url) as database, database.write() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_several_that_open_a_new_sqlite_database_at_once_all_do(tmp_path: Path) -> None:
    async def opened(url: str) -> str:
        async with a_database(url) as database, database.read() as connection:
            return str((await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one())

    for number in range(20):
        url = f"sqlite+aiosqlite:///{tmp_path}/{number}.db"
        assert await asyncio.gather(*(opened(url) for _ in range(4))) == ["wal"] * 4


async def test_a_sqlite_database_without_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="names no file"):
        Database("sqlite+aiosqlite:///:memory:")


async def test_data_version_changes_when_another_connection_commits(sqlite_url: str) -> None:
    async with a_database(sqlite_url) as database:
        before = await database.data_version()
        await a_workspace(database)

        after = await database.data_version()

    assert before != after


async def test_connections_that_are_given_back_late_are_closed_as_well(postgres_url: str) -> None:
    database = Database(postgres_url)
    began, may_end = asyncio.Event(), asyncio.Event()

    async def read_for_long() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT 1"))
            began.set()
            await may_end.wait()

    reading = asyncio.create_task(read_for_long())
    await began.wait()
    disposing = asyncio.create_task(database.dispose())
    done, _ = await asyncio.wait([disposing], timeout=0.1)
    may_end.set()
    async with asyncio.timeout(SOON):
        await reading
        await disposing

    assert not done
    async with a_database(postgres_url) as another, another.read() as connection:
        sessions = await connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )
        assert sessions.scalar_one() == 0


async def test_a_table_outgrows_the_plans_that_were_made_while_it_was_small(
    postgres_url: str,
) -> None:
    keys = tables.communication_keys
    renaming = (
        update(keys)
        .where(keys.c.workspace_id == bindparam("own"), keys.c.external_id == bindparam("name"))
        .values(communication_id=bindparam("id"))
    )
    reading = text(
        "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'communication_keys'"
    )
    database = Database(postgres_url, pool_size=1)
    workspace = await a_workspace(database)
    read = []
    try:
        async with database.write() as connection:
            await connection.execute(text("ANALYZE communication_keys"))
        for number in range(20):
            names = [f"message-{number}-{place}" for place in range(200)]
            rows = [
                {"workspace_id": workspace.id, "external_id": name, "is_known": False}
                for name in names
            ]
            changes = [{"own": workspace.id, "name": name, "id": new_id()} for name in names]
            async with database.write() as connection:
                await connection.execute(insert(keys), rows)
                before = (await connection.execute(reading)).scalar_one()
                await connection.execute(renaming, changes)
                read.append((await connection.execute(reading)).scalar_one() - before)
    finally:
        await database.dispose()

    assert read[0] > 0
    assert read[-1] == 0


async def test_a_database_that_is_away_is_not_reachable() -> None:
    async with a_database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing") as database:
        assert not await database.is_reachable()


async def test_a_database_that_answers_is_reachable(database: Database) -> None:
    assert await database.is_reachable()


def test_ids_of_one_process_are_in_the_order_of_their_making() -> None:
    ids = [new_id() for _ in range(1_000)]

    assert ids == sorted(set(ids))
    assert {one[6] >> 4 for one in ids} == {7}


async def test_deleting_what_others_point_to_is_refused(database: Database) -> None:
    workspace = await a_workspace(database)
    journey_id = await a_journey(workspace)

    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with database.write() as connection:
            await connection.execute(
                delete(tables.journeys).where(
                    tables.journeys.c.workspace_id == workspace.id,
                    tables.journeys.c.id == journey_id,
                )
            )

    assert len(await workspace.rows(tables.journeys)) == 1
