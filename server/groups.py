"""Groups: subscribers who asked the same share one execution and one encoding.

A group is driven by a stream of its own and keeps its latest results. A subscriber is a place
behind which it wants more: one that is too slow finds its place gone and reads for itself until it
meets the group again.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType

import structlog

from subscriptions.cursors import LogCursor

logger = structlog.get_logger(__name__)

RESULTS_AT_MOST = 128
BYTES_AT_MOST = 2_000_000
"""Kept by one group; the newest result is kept whatever its size."""

_PLACES_AT_MOST = 1_000
_MEETS_WITHIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Told:
    """One result. payload: the JSON object with "data" and, where something failed, "errors".

    cursor: the LogCursor behind it, where the subscription follows the log.
    """

    payload: bytes
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A result and the places that it tells of: it begins behind `first - 1`, or further back."""

    told: Told
    first: int
    until: int
    cursor: LogCursor | None = None


Parts = AsyncGenerator[Part | LogCursor, None]
"""What is told, and places of the log with nothing to tell, of which the first is the beginning."""

Sink = Callable[[Told], bool]
"""Takes a result without waiting; False when it cannot."""


class _Listener:
    """A subscriber that has all up to a place, and can take more at once."""

    def __init__(self, sink: Sink, place: int) -> None:
        self.taken: Part | None = None
        self.released = asyncio.get_running_loop().create_future()
        self._sink = sink
        self._place = place

    def hear(self, part: Part) -> bool:
        """Whether it was taken."""
        if not self.released.done():
            if part.first > self._place and self._sink(part.told):
                self.taken, self._place = part, part.until
                return True
            self.release()
        return False

    def release(self) -> None:
        if not self.released.done():
            self.released.set_result(None)


class Group:
    """Tells parts to whoever waits.

    `known`: of an answer that may change, what was told of it; then only the newest counts,
    whatever was missed. None: the parts are of the log, and each counts. `count` is told how many
    took a part by their sinks.
    """

    def __init__(
        self, known: Told | None = None, *, count: Callable[[int], object] = lambda _: None
    ) -> None:
        self._conflates = known is not None
        self._known = known
        self._count = count
        self._members = 0
        self._driving: asyncio.Task[None] | None = None
        self._on_end: Callable[[], object] = lambda: None
        self._parts: deque[Part] = deque()
        self._bytes = 0
        self._begins_at = self._place = 0
        self._passed: OrderedDict[int, LogCursor] = OrderedDict()
        self._moved = asyncio.Event()
        self._begun = asyncio.Event()
        self._is_over = False
        self._listeners: dict[_Listener, None] = {}
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def meets(self, cursor: LogCursor | None) -> bool:
        """Whether one who has all up to the cursor may go on with the group, or soon may.

        Only where the group has stood itself: in another log, as after a failover, a place of the
        same number is another.
        """
        await self._begun.wait()
        if cursor is None:
            return not self._is_over
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MEETS_WITHIN_S):
                await self._until_at(cursor.seq)
        return self._passed.get(cursor.seq) == cursor and self._can_tell(cursor.seq)

    async def _until_at(self, place: int) -> None:
        while not self._is_over and place > next(reversed(self._passed), place):
            await self._moved.wait()

    def _can_tell(self, place: int) -> bool:
        if self._is_over or place < self._begins_at:
            return False
        return place >= self._place or self._behind(place) is not None

    async def next(self, place: int) -> Part | None:
        """The part behind the place, when there is one; None: read for yourself."""
        while not self._is_over and place >= self._begins_at:
            if place < self._place:
                return self._parts[-1] if self._conflates else self._behind(place)
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[waiter] = None
            try:
                await waiter
            finally:
                self._waiting.pop(waiter, None)
        return None

    async def push(self, place: int, sink: Sink) -> Part | None:
        """Give parts to the sink as they come, without a task's turn for each.

        Returns the last that it took, when it takes no more or the group ends; at once where there
        is something to tell already.
        """
        if self._is_over or place < self._place:
            return None
        listener = _Listener(sink, place)
        self._listeners[listener] = None
        try:
            await listener.released
        finally:
            self._listeners.pop(listener, None)
        return listener.taken

    def begin(self, parts: Parts, on_end: Callable[[], object]) -> None:
        """Tell what comes until it ends, or the last member leaves."""
        self._on_end = on_end
        self._driving = asyncio.create_task(self._drive(parts))

    def join(self) -> None:
        self._members += 1

    def leave(self) -> None:
        self._members -= 1
        if self._members == 0 and self._driving is not None:
            self._end()
            self._driving.cancel()

    async def _drive(self, parts: Parts) -> None:
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, LogCursor):
                        self._pass(part)
                    elif part.told != self._known:
                        self._tell(part)
                    self._begun.set()
        except Exception as error:  # noqa: BLE001  Members read for themselves, and hear why that fails.
            logger.warning("group_failed", error=repr(error))
        finally:
            self._end()

    def _pass(self, cursor: LogCursor) -> None:
        """Stand there, with nothing to tell."""
        if not self._passed:
            self._begins_at = self._place = cursor.seq
        self._passed[cursor.seq] = cursor
        if len(self._passed) > _PLACES_AT_MOST:
            self._passed.popitem(last=False)
        self._moved.set()
        self._moved = asyncio.Event()

    def _end(self) -> None:
        """Whoever comes later begins another group."""
        if not self._is_over:
            self._is_over = True
            self._on_end()
            self._begun.set()
            self._moved.set()
            self._wake()

    def _behind(self, place: int) -> Part | None:
        newest = self._parts[-1]
        if newest.first > place and (len(self._parts) == 1 or self._parts[-2].until <= place):
            return newest
        for part in self._parts:
            if part.until > place:
                return part if part.first > place else None
        return None

    def _tell(self, part: Part) -> None:
        if part.cursor is not None:
            self._pass(part.cursor)
        self._known = None
        self._parts.append(part)
        self._bytes += len(part.told.payload)
        self._place = part.until
        self._count(sum(listener.hear(part) for listener in self._listeners))
        results_at_most = 1 if self._conflates else RESULTS_AT_MOST
        while len(self._parts) > results_at_most or (
            self._bytes > BYTES_AT_MOST and len(self._parts) > 1
        ):
            gone = self._parts.popleft()
            self._bytes -= len(gone.told.payload)
            if not self._conflates:
                self._begins_at = gone.until
        self._wake()

    def _wake(self) -> None:
        if self._is_over:
            for listener in self._listeners:
                listener.release()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)


class Seat:
    """A subscriber's membership: in one group at a time, left at the end of the block."""

    def __init__(self) -> None:
        self._group: Group | None = None

    def take(self, group: Group) -> None:
        if group is not self._group:
            self._leave()
            self._group = group
            group.join()

    def __enter__(self) -> "Seat":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._group is not None:
            self._group.leave()
            self._group = None
