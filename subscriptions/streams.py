"""Streams: the log from a cursor on, without a gap and without a repetition, and then live."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Generic, Protocol, TypeVar

import structlog

from store import Connection, Database, log
from store.log import Fact, Head
from store.types import Instant
from subscriptions.cursors import LogCursor
from subscriptions.hub import Hub
from subscriptions.tails import Place, Tail

logger = structlog.get_logger(__name__)

BATCH_AT_MOST = 500
EXAMINED_AT_MOST = 20_000
"""Rows of the log behind one read: a filter that hides nearly everything is searched in pieces."""

HEARTBEAT_S = 30.0

LOOK_AGAIN_S = 0.1

PATIENCE_S = 20.0
"""With a database that is away, as while it restarts."""


class LogRow(Protocol):
    """What a stream needs of its rows, which `read` must therefore select."""

    @property
    def seq(self) -> int: ...
    @property
    def recorded_at(self) -> Instant: ...
    @property
    def nonce(self) -> bytes: ...


R = TypeVar("R", bound=LogRow)
T = TypeVar("T")

Read = Callable[[Connection, int, int, int], Awaitable[list[R]]]
"""(connection, after_seq, until_seq, limit): rows in order, after_seq < seq <= until_seq."""

MayHold = Callable[[Fact], bool]


class GapReason(StrEnum):
    EXPIRED = "EXPIRED"
    UNKNOWN_EPOCH = "UNKNOWN_EPOCH"


@dataclass(frozen=True, slots=True)
class Gap:
    """What was asked for is gone; the stream goes on behind oldest_available."""

    reason: GapReason
    oldest_available: LogCursor


@dataclass(frozen=True, slots=True)
class Batch(Generic[R]):
    """Rows up to the cursor. is_caught_up: the log held nothing beyond it when it was read.

    is_silent: nothing to tell, only where the stream is.
    """

    cursor: LogCursor
    rows: Sequence[R] = field(default_factory=list)
    is_caught_up: bool = False
    gap: Gap | None = None
    is_silent: bool = False


async def follow(
    database: Database,
    hub: Hub,
    workspace_id: int,
    read: Read[R],
    after: LogCursor | None,
    *,
    may_hold: MayHold = lambda _: True,
    says_where: bool = False,
    heartbeat: float = HEARTBEAT_S,
) -> AsyncIterator[Batch[R]]:
    """Every row behind `after`, in commit order; None: from now on, an empty batch first.

    Reads on only when the batch was taken: a slow consumer costs no memory. A quiet stream yields
    an empty batch with a fresh cursor every `heartbeat` seconds. `may_hold`: whether `read` can
    give the row of this fact; where it cannot, nothing is read. `says_where`: batches that are
    silent come as well, wherever the stream passed rows without any for it.
    """
    loop = asyncio.get_running_loop()
    with hub.tails.of(database, workspace_id) as tail:
        reader = _Reader(database, workspace_id, tail, read, may_hold)
        breaks = tail.breaks
        head, gap = await patiently(lambda: reader.begin(after))
        cursor = after or LogCursor.at(head)
        has_caught_up = after is None
        batch: Batch[R] | Gap
        if after is None:
            yield Batch(cursor, is_caught_up=True)
        yielded_at = loop.time()
        while True:
            if gap is not None:
                cursor = gap.oldest_available
                yield Batch(cursor, gap=gap)
            if tail.breaks != breaks:
                breaks = tail.breaks
                head, gap = await patiently(partial(reader.begin, cursor))
                continue
            place = tail.place_of(cursor)
            if place is Place.FOREIGN:
                head, gap = await patiently(partial(reader.begin, cursor))
                if gap is None:
                    # It is the tail that holds another log: it will notice.
                    await asyncio.sleep(LOOK_AGAIN_S)
                continue
            if place is Place.HELD:
                batch = await patiently(partial(reader.of_tail, cursor, head.seq))
            elif place is Place.BEFORE:
                batch = await patiently(partial(reader.of_log, cursor))
            else:
                batch = Batch(cursor, is_caught_up=cursor.seq >= head.seq)
            gap = None
            if isinstance(batch, Gap):
                gap = batch
                continue
            has_moved, cursor = batch.cursor != cursor, batch.cursor
            is_due = loop.time() - yielded_at >= heartbeat
            if batch.rows or is_due or (batch.is_caught_up and not has_caught_up):
                yield batch
                has_caught_up |= batch.is_caught_up
                yielded_at = loop.time()
            elif has_moved and says_where:
                yield replace(batch, is_silent=True)
            patience = max(yielded_at + heartbeat - loop.time(), 0)
            await tail.grown(cursor.seq, breaks, min(patience, hub.poll_interval))
            if tail.place_of(cursor) is Place.AHEAD:
                # The log may have gone back, and the tail have begun behind that.
                head, gap = await patiently(partial(reader.begin, cursor))


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What is read, once the database answers; raises what went wrong when it stays away."""
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + PATIENCE_S
    pause = 0.05
    while True:
        try:
            return await read()
        except Exception as error:
            if loop.time() + pause > patient_until:
                raise
            logger.warning("stream_not_read", error=repr(error))
        await asyncio.sleep(pause)
        pause = min(2 * pause, 1.0)


class _Reader(Generic[R]):
    """What one follower reads, of the tail and of the log behind it."""

    def __init__(
        self,
        database: Database,
        workspace_id: int,
        tail: Tail,
        read: Read[R],
        may_hold: MayHold,
    ) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._tail = tail
        self._read = read
        self._may_hold = may_hold

    async def begin(self, after: LogCursor | None) -> tuple[Head, Gap | None]:
        """Where the log is, and whether it still reaches back to the cursor."""
        async with self._database.read() as connection:
            head = await log.head(connection, self._workspace_id)
            gap = await find_gap(connection, self._workspace_id, head, after) if after else None
        return head, gap

    async def of_tail(self, cursor: LogCursor, known: int) -> Batch[R]:
        """What the next stretches hold of it; no statement where that is nothing.

        known: where the log is at least: a tail may lag behind what its follower has seen.
        """
        if self._tail.place_of(cursor) is not Place.HELD:
            # It broke, or forgot, while the database was away: look again.
            return Batch(cursor)
        stretches = self._tail.behind(cursor.seq)
        last = stretches[-1]
        rows: list[R] = []
        facts = chain.from_iterable(stretch.facts for stretch in stretches)
        if any(fact.seq > cursor.seq and self._may_hold(fact) for fact in facts):
            async with self._database.read() as connection:
                rows = await self._read(connection, cursor.seq, last.cursor.seq, BATCH_AT_MOST)
                if not await self._reads_on_to(connection, rows, last.cursor):
                    # Another log by now, which the tail will notice.
                    await asyncio.sleep(LOOK_AGAIN_S)
                    return Batch(cursor)
        is_last = last.reached_head and last.cursor == self._tail.end
        return Batch(last.cursor, rows, is_last and last.cursor.seq >= known)

    async def _reads_on_to(
        self, connection: Connection, rows: Sequence[R], cursor: LogCursor
    ) -> bool:
        """Whether the log that the rows are of has the row at the cursor."""
        if rows and rows[-1].seq == cursor.seq:
            found: tuple[Instant, bytes] | None = (rows[-1].recorded_at, rows[-1].nonce)
        else:
            found = await log.mark(connection, self._workspace_id, cursor.seq)
        return found == (cursor.recorded_at, cursor.nonce)

    async def of_log(self, cursor: LogCursor) -> Batch[R] | Gap:
        """What lies further back than the tail reaches, up to where that begins."""
        # Of one snapshot: rows that are deleted between two statements would be a hole unseen.
        async with self._tail.replaying, self._database.snapshot() as connection:
            head = await log.head(connection, self._workspace_id)
            if gap := await find_gap(connection, self._workspace_id, head, cursor):
                return gap
            until = min(head.seq, cursor.seq + EXAMINED_AT_MOST)
            if self._tail.begins_at is not None and cursor.seq < self._tail.begins_at:
                until = min(until, self._tail.begins_at)
            behind, rows = await self._next(connection, head, cursor, until)
        return Batch(behind, rows, behind.seq == head.seq)

    async def _next(
        self, connection: Connection, head: Head, cursor: LogCursor, until: int
    ) -> tuple[LogCursor, list[R]]:
        """The next rows, and the cursor behind all that was examined for them."""
        if until == cursor.seq:
            return cursor, []
        found = await self._read(connection, cursor.seq, until, BATCH_AT_MOST)
        if len(found) == BATCH_AT_MOST:
            last = found[-1]
            return LogCursor(head.epoch, last.seq, last.recorded_at, last.nonce), found
        if until == head.seq:
            return LogCursor.at(head), found
        mark = await log.mark(connection, self._workspace_id, until)
        return LogCursor(head.epoch, until, *(mark or (0, bytes(4)))), found


async def find_gap(
    connection: Connection, workspace_id: int, head: Head, after: LogCursor
) -> Gap | None:
    """Why the log cannot be read on from there; None when it can."""
    if (lost := _lost(head, after)) or after.seq == head.oldest_seq - 1:
        return lost
    mark = await log.mark(connection, workspace_id, after.seq)
    if mark == (after.recorded_at, after.nonce):
        return None
    return Gap(GapReason.UNKNOWN_EPOCH, _oldest(head))


def _lost(head: Head, cursor: LogCursor) -> Gap | None:
    """What the head alone tells: another log, one that went back, or one whose rows are gone."""
    if head.epoch != cursor.epoch or cursor.seq > head.seq or cursor.seq < 0:
        return Gap(GapReason.UNKNOWN_EPOCH, _oldest(head))
    if cursor.seq < head.oldest_seq - 1:
        return Gap(GapReason.EXPIRED, _oldest(head))
    return None


def _oldest(head: Head) -> LogCursor:
    return LogCursor(head.epoch, head.oldest_seq - 1)
