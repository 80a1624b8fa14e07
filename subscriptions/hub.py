"""The hub: who waits for a workspace's log to grow, and the doorbell that wakes them.

The bell carries `workspace:journey,journey:seq`, never an event: who wakes reads the log. A lost
ring costs a poll interval.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass

import structlog

from store.types import Id
from subscriptions.doorbell import Doorbell
from subscriptions.tails import Tails

logger = structlog.get_logger(__name__)

POLL_INTERVAL_S = 2.0
WATCH_INTERVAL_S = 0.05
_JOURNEYS_NAMED = 100
"""More are not named, so that a message fits in PostgreSQL's 8,000 bytes: it then means all."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    seq: int
    journeys: frozenset[Id] | None
    woken: asyncio.Future[None]


class Hub:
    """One a process. `watch` returns a number that changes when the database does, or None."""

    def __init__(
        self,
        url: str = "memory://",
        *,
        poll_interval: float = POLL_INTERVAL_S,
        watch: Callable[[], Awaitable[int | None]] | None = None,
    ) -> None:
        self.poll_interval = poll_interval
        self.wakes = 0
        self.tails = Tails(self)
        self._doorbell = Doorbell(url, on_message=self._hear, on_reconnect=self.wake_all)
        self._watch = watch
        self._known: dict[int, int] = {}
        self._waiters: dict[int, set[_Waiter]] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._is_stopping = asyncio.Event()

    @property
    def is_listening(self) -> bool:
        """Whether other processes' rings arrive at this moment."""
        return self._doorbell.is_listening

    async def start(self) -> None:
        """Does not wait for the broker: until it answers, readers poll."""
        self._doorbell.start()
        if self._watch is not None and await self._watch() is not None:
            self._watcher = asyncio.create_task(self._watch_database(self._watch))

    async def stop(self) -> None:
        self._is_stopping.set()
        if self._watcher is not None:
            # Not cancelled: a statement that is cut off costs its connection.
            await self._watcher
            self._watcher = None
        await self._doorbell.stop()
        self.tails.stop()
        self.wake_all()
        await self.tails.ended()

    async def until_listening(self) -> None:
        await self._doorbell.until_listening()

    def ring(self, workspace_id: int, journey_ids: Collection[Id], seq: int) -> None:
        """Say that the log is at seq; no journeys: whoever waits may be concerned.

        Never waits and never fails: the mutation is committed, with or without a broker.
        """
        named = frozenset(journey_ids) if len(journey_ids) <= _JOURNEYS_NAMED else frozenset()
        self._wake(workspace_id, named, seq)
        self._doorbell.ring(workspace_id, named, seq)

    async def wait(
        self,
        workspace_id: int,
        seq: int,
        timeout: float | None = None,
        *,
        journey_ids: frozenset[Id] | None = None,
        since: int | None = None,
    ) -> None:
        """Return when the log is known to be beyond seq, or after the timeout (a poll interval).

        journey_ids: rings for other journeys do not wake. since: the `wakes` seen before the log
        was read; a wake-up of everybody in between returns at once.
        """
        if self.known(workspace_id) > seq or since not in (None, self.wakes):
            return
        waiter = _Waiter(seq, journey_ids, asyncio.get_running_loop().create_future())
        waiters = self._waiters.setdefault(workspace_id, set())
        waiters.add(waiter)
        try:
            async with asyncio.timeout(self.poll_interval if timeout is None else timeout):
                await waiter.woken
        except TimeoutError:
            return
        finally:
            waiters.discard(waiter)
            if not waiters and self._waiters.get(workspace_id) is waiters:
                del self._waiters[workspace_id]

    def known(self, workspace_id: int) -> int:
        """The highest seq that was rung; 0 before the first."""
        return self._known.get(workspace_id, 0)

    def correct(self, workspace_id: int, *, known: int, seq: int) -> None:
        """The log, read after `known` was, is only at seq: it went back, as a restored backup does.

        Left uncorrected, waits behind seq would return at once for ever.
        """
        if known > seq and self.known(workspace_id) == known:
            self._known[workspace_id] = seq

    def wake_all(self) -> None:
        """Something may have happened anywhere: everybody reads."""
        self.wakes += 1
        for waiters in self._waiters.values():
            for waiter in waiters:
                _let_go(waiter)

    def _wake(self, workspace_id: int, journeys: frozenset[Id], seq: int) -> None:
        self._known[workspace_id] = max(seq, self.known(workspace_id))
        for waiter in self._waiters.get(workspace_id, ()):
            concerned = not journeys or waiter.journeys is None or waiter.journeys & journeys
            if waiter.seq < seq and concerned:
                _let_go(waiter)

    def _hear(self, message: str) -> None:
        for workspace_id, journeys, seq in _read(message):
            self._wake(workspace_id, journeys, seq)

    async def _watch_database(self, watch: Callable[[], Awaitable[int | None]]) -> None:
        seen: int | None = None
        while not self._is_stopping.is_set():
            pause = WATCH_INTERVAL_S
            try:
                version = await watch()
            except Exception as error:  # noqa: BLE001  Drivers raise what they like; readers poll meanwhile.
                logger.warning("database_watch_failed", error=repr(error))
                version, pause = None, self.poll_interval
            if version != seen:
                seen = version
                self.wake_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._is_stopping.wait()


def _let_go(waiter: _Waiter) -> None:
    if not waiter.woken.done():
        waiter.woken.set_result(None)


def _read(message: str) -> Iterator[tuple[int, frozenset[Id], int]]:
    """What another version or another program says on our channel is passed over."""
    with contextlib.suppress(ValueError):
        workspace, journeys, seq = message.split(":")
        named = frozenset(bytes.fromhex(each) for each in journeys.split(",") if each)
        yield int(workspace), named, int(seq)
