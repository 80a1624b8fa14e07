"""Tails: the newest rows of a workspace's log, read once for all who follow it.

A tail holds what rows are about, in stretches. Who follows the log asks it what comes next, and
reads from the database only what concerns it, or what lies further back than the tail reaches.
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice, takewhile
from time import process_time
from typing import Protocol

import structlog

from store import Database, log
from store.log import Fact, Head
from subscriptions.cursors import LogCursor

logger = structlog.get_logger(__name__)

BLOCK_AT_MOST = 500
FACTS_AT_MOST = 10_000
"""Held by one tail."""

REPLAYS_AT_MOST = 4
"""At once in one process; the pool of connections has ten."""

HELD_FOR_S = 600.0
"""Far less than what retention keeps: what is held has its rows in the database."""

LINGERS_S = 60.0
"""How long a tail goes on when nobody follows it: those who were cut off come back."""

REST_AT_MOST_S = 0.05
"""Between two readings while the process is busy; an idle one reads at once."""

_BUSY_FROM = 0.3
_RESTS_LEFT_OUT_AT_MOST = 15
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Bell(Protocol):
    """What a tail needs of the hub."""

    @property
    def wakes(self) -> int: ...
    def known(self, workspace_id: int) -> int: ...
    def correct(self, workspace_id: int, *, known: int, seq: int) -> None: ...
    async def wait(
        self, workspace_id: int, seq: int, timeout: float | None = None, *, since: int | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The rows of the log behind `after_seq` up to the cursor, all of them.

    reached_head: the log held nothing beyond when it was read. block: stretches of one block are
    at most BLOCK_AT_MOST rows, and may be read at once by those who lag behind. Nobody reads over
    the end of a block, so that all who follow meet there, however they came.
    """

    after_seq: int
    cursor: LogCursor
    facts: Sequence[Fact]
    reached_head: bool
    block: int
    read_at: float


class Place(Enum):
    """Where a cursor stands to what a tail holds; FOREIGN: its row was another."""

    BEFORE = auto()
    HELD = auto()
    AT_END = auto()
    AHEAD = auto()
    FOREIGN = auto()


class Tail:
    """Of one workspace, in one process; `followers` hold it alive.

    `breaks` counts how often the log turned out to be another, as after a failover that lost rows:
    cursors then have to be looked at anew. `replaying` bounds how many read what lies further back
    at the same time: thousands who come back at once leave connections to those who write.
    """

    def __init__(
        self,
        database: Database,
        bell: Bell,
        workspace_id: int,
        facts_at_most: int,
        replaying: asyncio.Semaphore,
    ) -> None:
        self.followers = 0
        self.breaks = 0
        self.end: LogCursor | None = None
        self.replaying = replaying
        self._database = database
        self._bell = bell
        self._workspace_id = workspace_id
        self._facts_at_most = facts_at_most
        self._stretches: deque[Stretch] = deque()
        self._begins = LogCursor(b"", 0)
        self._facts = 0
        self._block = self._in_block = 0
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._is_stopping = False
        self._left_at = 0.0
        self._load = _Load()

    def place_of(self, cursor: LogCursor) -> Place:
        """Where the cursor stands to what is held. HELD and AT_END: the row at it is the same."""
        self._let_go_of_old()
        if self.end is None:
            return Place.BEFORE
        if cursor.seq > self.end.seq:
            return Place.AHEAD
        if cursor.seq < self._begins.seq:
            return Place.BEFORE
        if not _is_same(cursor, self._row_at(cursor.seq)):
            return Place.FOREIGN
        return Place.AT_END if cursor.seq == self.end.seq else Place.HELD

    def behind(self, seq: int) -> list[Stretch]:
        """The stretches with the next rows, of one block, if there are any; where it reaches."""
        if self.end is None or seq >= self.end.seq:
            return []
        newest = self._stretches[-1]
        if seq >= newest.after_seq:
            return [newest]
        place = bisect_right(self._stretches, seq, key=lambda one: one.cursor.seq)
        first = self._stretches[place]
        following = islice(self._stretches, place, None)
        return list(takewhile(lambda one: one.block == first.block, following))

    @property
    def begins_at(self) -> int | None:
        """Rows behind this seq are held; None before the first reading."""
        return None if self.end is None else self._begins.seq

    async def grown(self, seq: int, breaks: int, timeout: float) -> None:
        """Return when the tail goes beyond seq or broke since, or after the timeout."""
        if self.breaks != breaks or (self.end is not None and self.end.seq > seq):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return
        finally:
            self._waiting.pop(waiter, None)

    def leave(self) -> None:
        self.followers -= 1
        self._left_at = asyncio.get_running_loop().time()

    def stop(self) -> None:
        """Ends `run` when its reading is done: a statement that is cut off costs its connection."""
        self._is_stopping = True

    async def run(self) -> None:
        """Reads on whenever there is more, until stopped or left alone for a while."""
        bell, workspace_id = self._bell, self._workspace_id
        failures = 0
        while not self._is_stopping and not self._is_left_alone():
            wakes, known = bell.wakes, bell.known(workspace_id)
            try:
                seq = await self._read()
            except Exception as error:  # noqa: BLE001  Drivers raise what they like when a database is away.
                logger.warning("log_not_read", error=repr(error), failures=failures)
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
                continue
            failures = 0
            if self.end is not None and self.end.seq < seq:
                continue
            bell.correct(workspace_id, known=known, seq=seq)
            await bell.wait(workspace_id, seq, since=wakes)
            if (rest := self._load.rest()) > 0:
                rung = bell.known(workspace_id)
                await asyncio.sleep(rest)
                self._load.rested(in_vain=bell.known(workspace_id) == rung)

    async def _read(self) -> int:
        """One stretch, if there is one; where the log is by now, at least."""
        end, facts = self.end, list[Fact]()
        async with self._database.read() as connection:
            if end is not None:
                until = end.seq + BLOCK_AT_MOST
                facts = await log.facts(connection, self._workspace_id, end.seq, until)
                if len(facts) <= BLOCK_AT_MOST and _begin_with(facts, end):
                    # Nearly always: the row that we stand on says that it is the same log, and
                    # fewer rows than were asked for that it ends there. The head adds nothing.
                    return self._go_on(end, facts[1:], facts[-1].seq)
            head = await log.head(connection, self._workspace_id)
        if end is None or end.epoch != head.epoch or end.seq > head.seq:
            return self._begin_at(head)
        if end == LogCursor.at(head):
            return head.seq
        is_same = _begin_with(facts, end)
        new = facts[1:] if is_same else facts
        is_other = end.seq == head.seq or (end.seq >= head.oldest_seq and not is_same)
        was_deleted = end.seq < head.oldest_seq - 1 or (new and new[0].seq != end.seq + 1)
        if is_other or was_deleted:
            return self._begin_at(head)
        return self._go_on(end, new, head.seq)

    def _go_on(self, end: LogCursor, new: Sequence[Fact], head_seq: int) -> int:
        if new:
            newest = new[-1]
            cursor = LogCursor(end.epoch, newest.seq, newest.recorded_at, newest.nonce)
            block = self._block_for(len(new))
            reached_head = newest.seq >= head_seq
            self._append(Stretch(end.seq, cursor, new, reached_head, block, _now()))
        return head_seq

    def _begin_at(self, head: Head) -> int:
        is_first = self.end is None
        self._stretches.clear()
        self._facts = 0
        self._begins = self.end = LogCursor.at(head)
        if not is_first:
            self.breaks += 1
        self._wake()
        return head.seq

    def _block_for(self, facts: int) -> int:
        if self._in_block + facts > BLOCK_AT_MOST:
            self._block, self._in_block = self._block + 1, 0
        self._in_block += facts
        return self._block

    def _append(self, stretch: Stretch) -> None:
        self._stretches.append(stretch)
        self._facts += len(stretch.facts)
        self.end = stretch.cursor
        while self._facts > self._facts_at_most and len(self._stretches) > 1:
            self._let_go()
        self._wake()

    def _let_go(self) -> None:
        oldest = self._stretches.popleft()
        self._facts -= len(oldest.facts)
        self._begins = oldest.cursor

    def _row_at(self, seq: int) -> LogCursor:
        if seq == self._begins.seq:
            return self._begins
        place = bisect_right(self._stretches, seq - 1, key=lambda one: one.cursor.seq)
        stretch = self._stretches[place]
        fact = stretch.facts[seq - stretch.after_seq - 1]
        return LogCursor(stretch.cursor.epoch, seq, fact.recorded_at, fact.nonce)

    def _let_go_of_old(self) -> None:
        while self._stretches and self._stretches[0].read_at < _now() - HELD_FOR_S:
            self._let_go()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _is_left_alone(self) -> bool:
        return self.followers == 0 and _now() - self._left_at > LINGERS_S


class Tails:
    """The tails of one process, made when somebody follows."""

    def __init__(self, bell: Bell, *, facts_at_most: int = FACTS_AT_MOST) -> None:
        self._bell = bell
        self._facts_at_most = facts_at_most
        self._replaying = asyncio.Semaphore(REPLAYS_AT_MOST)
        self._tails: dict[int, tuple[Tail, asyncio.Task[None]]] = {}

    @contextlib.contextmanager
    def of(self, database: Database, workspace_id: int) -> Iterator[Tail]:
        running = self._tails.get(workspace_id)
        if running is None or running[1].done():
            tail = Tail(database, self._bell, workspace_id, self._facts_at_most, self._replaying)
            self._tails[workspace_id] = running = (tail, asyncio.create_task(tail.run()))
        tail = running[0]
        tail.followers += 1
        try:
            yield tail
        finally:
            tail.leave()

    def stop(self) -> None:
        """Each ends when it is next woken."""
        for tail, _ in self._tails.values():
            tail.stop()

    async def ended(self) -> None:
        await asyncio.gather(*(task for _, task in self._tails.values()), return_exceptions=True)
        self._tails.clear()


class _Load:
    """How busy this process is, by the CPU it had since it was last asked.

    Whoever writes the next event when the last was heard has nothing gathered by a rest, and pays
    for it: hearing an event cost three times the CPU. After rests in vain more are left out.
    """

    def __init__(self) -> None:
        self._asked_at, self._cpu = _now(), process_time()
        self._left_out = self._to_leave_out = 0

    def rest(self) -> float:
        """For how many seconds to let events gather: none when idle."""
        now, cpu = _now(), process_time()
        passed = max(now - self._asked_at, 0.001)
        share = min((cpu - self._cpu) / passed, 1.0)
        self._asked_at, self._cpu = now, cpu
        if share < _BUSY_FROM:
            return 0.0
        if self._to_leave_out > 0:
            self._to_leave_out -= 1
            return 0.0
        return max(0.0, REST_AT_MOST_S * share - passed)

    def rested(self, *, in_vain: bool) -> None:
        self._left_out = min(2 * self._left_out + 1, _RESTS_LEFT_OUT_AT_MOST) if in_vain else 0
        self._to_leave_out = self._left_out


def _is_same(cursor: LogCursor, row: LogCursor) -> bool:
    """Whether the cursor names this row; one that names none, as before the oldest, fits any."""
    names_none = cursor.seq == 0 or (cursor.recorded_at, cursor.nonce) == (0, bytes(4))
    return cursor == row or (names_none and cursor.epoch == row.epoch)


def _begin_with(facts: Sequence[Fact], cursor: LogCursor) -> bool:
    """Whether the first of them is the row at the cursor, and not another at its place."""
    place = (cursor.seq, cursor.recorded_at, cursor.nonce)
    return bool(facts) and (facts[0].seq, facts[0].recorded_at, facts[0].nonce) == place


def _now() -> float:
    return asyncio.get_running_loop().time()
