"""Streams: every row once, in order, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text

from store import Connection, Database, log, workspaces
from store.filters import DeliveryEventFilter
from store.rows import DeliveryEvent
from store.want import want
from store.words import DeliveryKind
from subscriptions.cursors import LogCursor
from subscriptions.hub import Hub
from subscriptions.streams import Batch, Gap, GapReason, Read, follow
from tests.subscriptions.facts import NOW, a_fact
from tests.support.waiting import SOON, settle

WANTED = want(["seq", "recorded_at", "nonce", "delivery"])


@dataclass
class House:
    """A database, a hub and one workspace of it."""

    database: Database
    hub: Hub
    workspace_id: int

    async def write(self, count: int = 1, kind: DeliveryKind = DeliveryKind.SENT) -> LogCursor:
        """Events of one kind, committed and rung; the cursor behind them."""
        async with self.database.write() as connection:
            head = await log.append(
                connection, self.workspace_id, [a_fact(kind) for _ in range(count)], NOW
            )
        self.hub.ring(self.workspace_id, [], head.seq)
        return LogCursor(head.epoch, head.seq, head.recorded_at, head.nonce)

    async def execute(self, statement: str, **values: object) -> None:
        async with self.database.write() as connection:
            await connection.execute(text(statement), {"w": self.workspace_id, **values})

    def follow(
        self,
        after: LogCursor | None = None,
        *,
        kind: DeliveryKind | None = None,
        heartbeat: float = 60,
    ) -> "aclosing[Follower]":
        stream = follow(
            self.database,
            self.hub,
            self.workspace_id,
            reading(self.workspace_id, kind),
            after,
            heartbeat=heartbeat,
        )
        return aclosing(Follower(stream))


class Follower:
    """A stream that is read with patience, but not for ever."""

    def __init__(self, stream: AsyncIterator[Batch[DeliveryEvent]]) -> None:
        self._stream = stream

    async def next(self) -> Batch[DeliveryEvent]:
        async with asyncio.timeout(SOON):
            return await anext(self._stream)

    async def seqs(self, count: int) -> list[int]:
        """The places of the next rows; reads on until there are that many."""
        seen: list[int] = []
        while len(seen) < count:
            seen += [row.seq for row in (await self.next()).rows]
        return seen

    async def aclose(self) -> None:
        await self._stream.aclose()  # type: ignore[attr-defined]


def reading(workspace_id: int, kind: DeliveryKind | None) -> Read[DeliveryEvent]:
    asked = DeliveryEventFilter(kind=(kind,) if kind else None)

    async def read(
        connection: Connection, after: int, until: int, limit: int
    ) -> list[DeliveryEvent]:
        return await log.delivery_events(
            connection, workspace_id, asked, after, until, limit, WANTED
        )

    return read


@asynccontextmanager
async def a_house(url: str, *, rings: bool = True) -> AsyncIterator[House]:
    database = Database(url)
    hub = Hub("memory://", poll_interval=60 if rings else 0.01)
    if rings:
        await hub.start()
        await hub.until_listening()
    try:
        async with database.write() as connection:
            workspace_id = await workspaces.create(connection, "acme", NOW)
        yield House(database, hub, workspace_id)
    finally:
        await hub.stop()
        await database.dispose()


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with a_house(database_url) as house:
        yield house


@pytest.fixture
async def sqlite_house(sqlite_url: str) -> AsyncIterator[House]:
    async with a_house(sqlite_url) as house:
        yield house


async def test_a_stream_without_a_cursor_begins_now_and_says_where(house: House) -> None:
    behind = await house.write(3)

    async with house.follow() as follower:
        first = await follower.next()

    assert first == Batch(behind, [], is_caught_up=True)


async def test_what_is_committed_after_the_beginning_arrives_in_order(house: House) -> None:
    async with house.follow() as follower:
        await follower.next()

        await house.write(2)
        await house.write(3)

        assert await follower.seqs(5) == [1, 2, 3, 4, 5]


async def test_a_stream_resumes_exactly_behind_its_cursor(house: House) -> None:
    cursor = await house.write(3)
    behind = await house.write(4)

    async with house.follow(cursor) as follower:
        batch = await follower.next()

    assert [row.seq for row in batch.rows] == [4, 5, 6, 7]
    assert (batch.cursor, batch.is_caught_up, batch.gap) == (behind, True, None)


async def test_the_cursor_of_every_batch_resumes_there(house: House) -> None:
    beginning = await the_beginning(house)
    await house.write(1203)

    cursors = [beginning]
    async with house.follow(beginning) as follower:
        batches = [await follower.next() for _ in range(3)]
    cursors += [batch.cursor for batch in batches]

    assert [len(batch.rows) for batch in batches] == [500, 500, 203]
    assert [batch.is_caught_up for batch in batches] == [False, False, True]
    for cursor, batch in zip(cursors, batches, strict=False):
        async with house.follow(cursor) as follower:
            again = await follower.next()
        assert [row.seq for row in again.rows] == [row.seq for row in batch.rows]


async def test_a_stream_that_has_nothing_to_catch_up_says_so_at_once(house: House) -> None:
    cursor = await house.write(3)

    async with house.follow(cursor) as follower:
        batch = await follower.next()

    assert batch == Batch(cursor, [], is_caught_up=True)


async def test_a_filter_that_hides_everything_still_moves_the_cursor(house: House) -> None:
    beginning = await the_beginning(house)
    behind = await house.write(3)

    async with house.follow(beginning, kind=DeliveryKind.CLICKED) as follower:
        batch = await follower.next()

    assert batch == Batch(behind, [], is_caught_up=True)


async def test_a_quiet_stream_gets_a_fresh_cursor_from_time_to_time(sqlite_house: House) -> None:
    async with sqlite_house.follow(kind=DeliveryKind.CLICKED, heartbeat=0.01) as follower:
        await follower.next()
        behind = await sqlite_house.write(3)

        batch = await follower.next()
        while batch.cursor != behind:
            batch = await follower.next()

    assert (batch.rows, batch.is_caught_up) == ([], True)


async def test_without_any_ring_the_log_is_polled(sqlite_url: str) -> None:
    async with a_house(sqlite_url, rings=False) as house, house.follow() as follower:
        await follower.next()

        await house.write(2)

        assert await follower.seqs(2) == [1, 2]


async def test_a_rare_kind_is_found_behind_more_rows_than_one_read_examines(
    sqlite_house: House,
) -> None:
    beginning = await the_beginning(sqlite_house)
    for _ in range(5):
        await sqlite_house.write(5_000)
    behind = await sqlite_house.write(1, DeliveryKind.CLICKED)

    async with sqlite_house.follow(beginning, kind=DeliveryKind.CLICKED) as follower:
        batch = await follower.next()

    assert [row.seq for row in batch.rows] == [25_001]
    assert batch.cursor == behind


async def test_the_cursor_of_a_read_that_examined_without_finding_resumes_there(
    sqlite_house: House,
) -> None:
    beginning = await the_beginning(sqlite_house)
    for _ in range(5):
        await sqlite_house.write(5_000)

    async with sqlite_house.follow(beginning, kind=DeliveryKind.CLICKED, heartbeat=0) as follower:
        examined = await follower.next()
    async with sqlite_house.follow(examined.cursor) as follower:
        batch = await follower.next()

    assert 0 < examined.cursor.seq <= 20_000
    assert not examined.is_caught_up
    assert (batch.gap, batch.rows[0].seq) == (None, examined.cursor.seq + 1)


async def test_many_writers_and_a_reader_that_comes_and_goes_lose_and_repeat_nothing(
    house: House,
) -> None:
    cursor = await the_beginning(house)
    seen: list[int] = []

    async def write() -> None:
        for size in (1, 2, 3, 1, 5):
            await house.write(size)

    writing = asyncio.gather(*(write() for _ in range(8)))
    while len(seen) < 96:
        async with house.follow(cursor) as follower:
            batch = await follower.next()
            if not batch.rows and not writing.done():
                batch = await follower.next()
        seen += [row.seq for row in batch.rows]
        cursor = batch.cursor
    await writing

    assert seen == list(range(1, 97))


async def test_another_workspaces_events_do_not_arrive(house: House) -> None:
    async with house.database.write() as connection:
        other = await workspaces.create(connection, "other", NOW)
    await replace(house, workspace_id=other).write(3)

    async with house.follow() as follower:
        await follower.next()
        await replace(house, workspace_id=other).write(3)
        await house.write(1)
        batch = await follower.next()

    assert [row.seq for row in batch.rows] == [1]


async def test_another_workspaces_cursor_is_a_gap(house: House) -> None:
    await house.write(3)
    async with house.database.write() as connection:
        other = await workspaces.create(connection, "other", NOW)
    foreign = await replace(house, workspace_id=other).write(2)

    async with house.follow(foreign) as follower:
        first, then = await follower.next(), await follower.next()

    assert first.gap is not None
    assert first.gap.reason == GapReason.UNKNOWN_EPOCH
    assert [row.seq for row in then.rows] == [1, 2, 3]


async def test_a_cursor_that_expired_is_a_gap_and_the_stream_goes_on_from_the_oldest(
    house: House,
) -> None:
    cursor = await house.write(2)
    await house.write(5)
    await forget(house, until=4)

    async with house.follow(cursor) as follower:
        first, then = await follower.next(), await follower.next()

    oldest = LogCursor(cursor.epoch, 4)
    assert first == Batch(oldest, [], gap=Gap(GapReason.EXPIRED, oldest))
    assert [row.seq for row in then.rows] == [5, 6, 7]
    assert (then.is_caught_up, then.gap) == (True, None)


async def test_a_cursor_whose_next_row_is_the_oldest_kept_is_no_gap(house: House) -> None:
    cursor = await house.write(4)
    await house.write(3)
    await forget(house, until=4)

    async with house.follow(cursor) as follower:
        batch = await follower.next()

    assert (batch.gap, [row.seq for row in batch.rows]) == (None, [5, 6, 7])


async def test_the_oldest_available_cursor_of_a_gap_resumes_without_another(house: House) -> None:
    cursor = await house.write(2)
    await house.write(5)
    await forget(house, until=4)

    async with house.follow(cursor) as follower:
        gap = (await follower.next()).gap
    assert gap is not None
    async with house.follow(gap.oldest_available) as follower:
        batch = await follower.next()

    assert (batch.gap, [row.seq for row in batch.rows]) == (None, [5, 6, 7])


async def test_a_log_begun_anew_is_a_gap(house: House) -> None:
    cursor = await house.write(2)
    await house.execute(
        "UPDATE heads SET epoch = :epoch WHERE workspace_id = :w", epoch=b"another."
    )

    async with house.follow(cursor) as follower:
        batch = await follower.next()

    oldest = LogCursor(b"another.", 0)
    assert batch == Batch(oldest, [], gap=Gap(GapReason.UNKNOWN_EPOCH, oldest))


async def test_a_restored_backup_that_reuses_a_place_is_a_gap(house: House) -> None:
    await house.write(2)
    cursor = await house.write(3)
    await go_back(house, to=2)
    await house.write(6)

    async with house.follow(cursor) as follower:
        first, then = await follower.next(), await follower.next()

    assert first.gap is not None
    assert first.gap.reason == GapReason.UNKNOWN_EPOCH
    assert [row.seq for row in then.rows] == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_cursor_beyond_the_log_is_a_gap(house: House) -> None:
    await house.write(2)
    cursor = await house.write(3)
    await go_back(house, to=2)

    async with house.follow(cursor) as follower:
        batch = await follower.next()

    assert batch.gap is not None
    assert batch.gap.reason == GapReason.UNKNOWN_EPOCH


async def test_a_log_that_goes_back_under_a_live_stream_is_a_gap(house: House) -> None:
    async with house.follow() as follower:
        await follower.next()
        await house.write(5)
        assert await follower.seqs(5) == [1, 2, 3, 4, 5]

        await go_back(house, to=2)
        house.hub.wake_all()

        assert (await follower.next()).gap is not None
        assert await follower.seqs(2) == [1, 2]


async def test_a_slow_reader_is_not_read_ahead_for(sqlite_house: House) -> None:
    reads: list[int] = []
    inner = reading(sqlite_house.workspace_id, None)

    async def read(
        connection: Connection, after: int, until: int, limit: int
    ) -> list[DeliveryEvent]:
        reads.append(after)
        return await inner(connection, after, until, limit)

    beginning = await the_beginning(sqlite_house)
    await sqlite_house.write(2_000)
    stream = follow(
        sqlite_house.database, sqlite_house.hub, sqlite_house.workspace_id, read, beginning
    )
    await anext(stream)
    await settle()

    assert reads == [0]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_stream_that_is_closed_leaves_no_waiter_behind(sqlite_house: House) -> None:
    async with sqlite_house.follow() as follower:
        await follower.next()
        waiting = asyncio.create_task(follower.next())
        await settle()
        waiting.cancel()
        await asyncio.wait([waiting])

    # The tail behind it ends in the background, soon.
    async with asyncio.timeout(SOON):
        while sqlite_house.hub._waiters:
            await settle()


async def the_beginning(house: House) -> LogCursor:
    async with house.follow() as follower:
        return (await follower.next()).cursor


async def forget(house: House, until: int) -> None:
    await house.execute("DELETE FROM log WHERE workspace_id = :w AND seq <= :until", until=until)
    await house.execute(
        "UPDATE heads SET oldest_seq = :oldest WHERE workspace_id = :w", oldest=until + 1
    )


async def go_back(house: House, to: int) -> None:
    """As a backup that was taken at that place does."""
    await house.execute("DELETE FROM log WHERE workspace_id = :w AND seq > :to", to=to)
    await house.execute(
        "UPDATE heads SET seq = :to, (recorded_at, nonce) = (SELECT recorded_at, nonce FROM log "
        "WHERE workspace_id = :w AND seq = :to) WHERE workspace_id = :w",
        to=to,
    )
