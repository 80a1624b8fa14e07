"""Rows of a list that are written without a look at who is known, on both databases."""

import asyncio

import pytest

from store import Conflict, Connection, Database, contact_imports, erasures, tables
from store.contact_imports import Row
from store.log import Head
from store.types import Id, new_id
from store.words import ContactStatus
from subscriptions.signing import Signer
from tests.support.factories import NOW, Workspace, a_contact, a_workspace

SIGNER = Signer(b"a secret of the tests")
ROWS = [
    Row.of(2, "Eve", "Groß", "Eve@example.org"),
    Row.of(3, "Bob", None, "Bob@example.org"),
]


async def write_new(connection: Connection, workspace: Workspace) -> Head | None:
    return await contact_imports.write_new(
        connection, workspace.id, ROWS, ContactStatus.LEAD, SIGNER, by="shop", now=NOW
    )


async def erase(connection: Connection, workspace: Workspace, contact_id: Id) -> None:
    await erasures.erase(
        connection, workspace.id, new_id(), [contact_id], SIGNER, by="ops", now=NOW
    )


async def test_all_rows_become_contacts(database: Database) -> None:
    workspace = await a_workspace(database)

    async with database.write() as connection:
        behind = await write_new(connection, workspace)

    eve, bob = await workspace.rows(tables.contacts)
    assert (eve["email"], eve["email_key"], eve["status"]) == (
        "Eve@example.org",
        "eve@example.org",
        "LEAD",
    )
    assert (eve["search"], eve["last_name_key"]) == (
        "\neve gross\ngross\neve@example.org",
        "gross",
    )
    log = await workspace.rows(tables.log)
    assert [row["contact_id"] for row in log] == [eve["id"], bob["id"]]
    assert behind is not None
    assert behind.seq == log[-1]["seq"]


async def test_one_who_is_known_is_a_conflict(database: Database) -> None:
    workspace = await a_workspace(database)
    await a_contact(workspace, "bob", email="BOB@example.org")

    with pytest.raises(Conflict):
        async with database.write() as connection:
            await write_new(connection, workspace)

    assert [row["email"] for row in await workspace.rows(tables.contacts)] == ["BOB@example.org"]


async def test_one_who_was_erased_is_a_conflict(database: Database) -> None:
    workspace = await a_workspace(database)
    bob = await a_contact(workspace, "bob", email="bob@example.org")
    async with database.write() as connection:
        await erase(connection, workspace, bob)

    with pytest.raises(Conflict):
        async with database.write() as connection:
            await write_new(connection, workspace)

    assert [row["email"] for row in await workspace.rows(tables.contacts)] == [None]


async def test_one_who_is_being_erased_is_a_conflict(database: Database) -> None:
    workspace = await a_workspace(database)
    bob = await a_contact(workspace, "bob", email="bob@example.org")
    is_blank, is_met = asyncio.Event(), asyncio.Event()

    async def erasing() -> None:
        async with database.write() as connection:
            await erase(connection, workspace, bob)
            is_blank.set()
            # The import comes to the address that the erasure holds, and waits.
            await asyncio.sleep(0.3)
            assert not is_met.is_set()

    async def importing() -> None:
        await is_blank.wait()
        async with database.write() as connection:
            try:
                await write_new(connection, workspace)
            finally:
                is_met.set()

    with pytest.raises(Conflict):
        await asyncio.gather(erasing(), importing())

    assert [row["email"] for row in await workspace.rows(tables.contacts)] == [None]
