"""Streams: the log from a cursor on, without a gap and without a repetition, and then live."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from store import Connection, Database, log
from store.log import Head
from store.types import Id, Instant
from subscriptions.cursors import LogCursor
from subscriptions.hub import Hub

BATCH_AT_MOST = 500
EXAMINED_AT_MOST = 20_000
"""Rows of the log behind one read: a filter that hides nearly everything is searched in pieces."""

HEARTBEAT_S = 30.0


class LogRow(Protocol):
    """What a stream needs of its rows, which `read` must therefore select."""

    @property
    def seq(self) -> int: ...
    @property
    def recorded_at(self) -> Instant: ...
    @property
    def nonce(self) -> bytes: ...


R = TypeVar("R", bound=LogRow)

Read = Callable[[Connection, int, int, int], Awaitable[list[R]]]
"""(connection, after_seq, until_seq, limit): rows in order, after_seq < seq <= until_seq."""


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
    """Rows up to the cursor. is_caught_up: the log held nothing beyond it when it was read."""

    cursor: LogCursor
    rows: Sequence[R] = field(default_factory=list)
    is_caught_up: bool = False
    gap: Gap | None = None


async def follow(
    database: Database,
    hub: Hub,
    workspace_id: int,
    read: Read[R],
    after: LogCursor | None,
    *,
    journey_ids: frozenset[Id] | None = None,
    heartbeat: float = HEARTBEAT_S,
) -> AsyncIterator[Batch[R]]:
    """Every row behind `after`, in commit order; None: from now on, an empty batch first.

    Reads on only when the batch was taken: a slow consumer costs no memory. A quiet stream yields
    an empty batch with a fresh cursor every `heartbeat` seconds.
    """
    loop = asyncio.get_running_loop()
    async with database.read() as connection:
        head = await log.head(connection, workspace_id)
        gap = await find_gap(connection, workspace_id, head, after) if after else None
    cursor = after or _at(head)
    has_caught_up = after is None
    if after is None:
        yield Batch(cursor, is_caught_up=True)
    yielded_at = loop.time()
    while True:
        if gap is not None:
            cursor = gap.oldest_available
            yield Batch(cursor, gap=gap)
        wakes, known = hub.wakes, hub.known(workspace_id)
        async with database.read() as connection:
            head = await log.head(connection, workspace_id)
            gap = _lost(head, cursor)
            if gap is not None:
                continue
            cursor, found = await _next(connection, workspace_id, head, cursor, read)
        is_caught_up = cursor.seq == head.seq
        is_due = loop.time() - yielded_at >= heartbeat
        if found or is_due or (is_caught_up and not has_caught_up):
            yield Batch(cursor, found, is_caught_up)
            has_caught_up |= is_caught_up
            yielded_at = loop.time()
        if is_caught_up:
            hub.correct(workspace_id, known=known, seq=head.seq)
            patience = min(hub.poll_interval, max(yielded_at + heartbeat - loop.time(), 0))
            await hub.wait(workspace_id, head.seq, patience, journey_ids=journey_ids, since=wakes)


async def _next(
    connection: Connection, workspace_id: int, head: Head, cursor: LogCursor, read: Read[R]
) -> tuple[LogCursor, list[R]]:
    """The next rows, and the cursor behind all that was examined for them."""
    if head.seq == cursor.seq:
        return cursor, []
    until = min(head.seq, cursor.seq + EXAMINED_AT_MOST)
    found = await read(connection, cursor.seq, until, BATCH_AT_MOST)
    if len(found) == BATCH_AT_MOST:
        last = found[-1]
        return LogCursor(head.epoch, last.seq, last.recorded_at, last.nonce), found
    if until == head.seq:
        return _at(head), found
    recorded_at, nonce = await log.mark(connection, workspace_id, until) or (0, bytes(4))
    return LogCursor(head.epoch, until, recorded_at, nonce), found


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


def _at(head: Head) -> LogCursor:
    return LogCursor(head.epoch, head.seq, head.recorded_at, head.nonce)


def _oldest(head: Head) -> LogCursor:
    return LogCursor(head.epoch, head.oldest_seq - 1)
