"""Access: a token opens its own workspace, until it is revoked or expires."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from resolvers.token_secrets import hash_of, new_secret
from server.auth import CACHED_FOR_S, Access, bearer
from store import Database, tokens, workspaces
from store.tables import tokens as table
from store.types import MINUTE, SECOND, Id
from store.words import Scope
from tests.support.factories import NOW
from tests.support.waiting import SOON


@dataclass
class Door:
    """Access with clocks that the test turns."""

    database: Database
    workspace_id: int
    now: int = NOW
    monotonic: float = 0.0
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        self.access = self.another_process()

    def another_process(self) -> Access:
        return Access(self.database, lambda: self.now, clock=lambda: self.monotonic)

    async def a_token(self, *, expires_at: int | None = None) -> tuple[str, Id]:
        secret = new_secret(self.workspace_id)
        async with self.database.write() as connection:
            token_id = await tokens.create(
                connection,
                self.workspace_id,
                name="ops",
                email="ada@example.org",
                scopes=[Scope.READ, Scope.OPERATE],
                secret_hash=hash_of(secret),
                now=self.now,
                expires_at=expires_at,
            )
        return secret, token_id

    async def revoke(self, token_id: Id) -> None:
        async with self.database.write() as connection:
            await tokens.revoke(connection, self.workspace_id, token_id, self.now)

    async def last_used_at(self, token_id: Id) -> int | None:
        async with asyncio.timeout(SOON):
            await self.access.close()
        async with self.database.read() as connection:
            used: int | None = (
                await connection.execute(select(table.c.last_used_at).where(table.c.id == token_id))
            ).scalar_one()
        return used


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    database = Database(database_url)
    async with database.write() as connection:
        workspace_id = await workspaces.create(connection, "acme", NOW)
    door = Door(database, workspace_id)
    yield door
    await door.access.close()
    await database.dispose()


async def test_a_token_says_who_asks(door: Door) -> None:
    secret, token_id = await door.a_token()

    viewer = await door.access.viewer(secret)

    assert viewer is not None
    assert (viewer.workspace, viewer.workspace_id) == ("acme", door.workspace_id)
    assert (viewer.token_id, viewer.token_name) == (token_id, "ops")
    assert viewer.email == "ada@example.org"
    assert viewer.scopes == {Scope.READ, Scope.OPERATE}


async def test_the_secret_itself_is_not_kept(door: Door) -> None:
    secret, token_id = await door.a_token()

    async with door.database.read() as connection:
        row = (await connection.execute(select(table).where(table.c.id == token_id))).one()

    assert secret not in str(row)
    assert row.secret_hash == hash_of(secret)


async def test_a_token_that_names_another_workspace_opens_nothing(door: Door) -> None:
    secret, _ = await door.a_token()
    async with door.database.write() as connection:
        other = await workspaces.create(connection, "other", NOW)

    moved = secret.replace(f"ts_{door.workspace_id}_", f"ts_{other}_")

    assert await door.access.viewer(moved) is None


@pytest.mark.parametrize(
    "text",
    [None, "", "ts", "ts_", "ts_1", "ts_1_", "ts__x", "ts_-1_x", "ts_²_x", "x_1_y", "ts_1_x"],
)
async def test_what_is_no_token_opens_nothing(door: Door, text: str | None) -> None:
    assert await door.access.viewer(text) is None


async def test_a_revoked_token_is_refused_after_a_few_seconds(door: Door) -> None:
    secret, token_id = await door.a_token()
    await door.access.viewer(secret)
    await door.revoke(token_id)

    remembered = await door.access.viewer(secret)
    door.monotonic += CACHED_FOR_S
    forgotten = await door.access.viewer(secret)

    assert (remembered is None, forgotten) == (False, None)


async def test_a_token_ends_when_it_expires_even_while_it_is_remembered(door: Door) -> None:
    secret, _ = await door.a_token(expires_at=NOW + SECOND)
    before = await door.access.viewer(secret)

    door.now += SECOND

    assert before is not None
    assert await door.access.viewer(secret) is None


async def test_the_last_use_is_noted_at_most_once_a_minute(door: Door) -> None:
    secret, token_id = await door.a_token()
    await door.access.viewer(secret)
    first = await door.last_used_at(token_id)

    door.now, door.monotonic = NOW + MINUTE - 1, 60
    await door.access.viewer(secret)
    within = await door.last_used_at(token_id)
    door.now, door.monotonic = NOW + MINUTE, 120
    await door.access.viewer(secret)

    assert (first, within) == (NOW, NOW)
    assert await door.last_used_at(token_id) == NOW + MINUTE


async def test_the_last_use_is_not_noted_again_by_another_process(door: Door) -> None:
    secret, token_id = await door.a_token()
    await door.access.viewer(secret)
    await door.access.close()

    door.now = NOW + SECOND
    other = door.another_process()
    await other.viewer(secret)
    await other.close()

    assert await door.last_used_at(token_id) == NOW


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Bearer  abc ", "abc"),
        ("Bearer", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_the_token_of_a_header(header: str | None, expected: str | None) -> None:
    assert bearer(header) == expected
