"""The recorder: concurrent requests of a process share transactions, then the doorbell rings."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from store import Database
from store.ingest.outcomes import Arrival, Recorded
from store.ingest.record import record
from store.types import Instant
from subscriptions import Hub

EVENTS_A_TRANSACTION = 1_000
WAITING_AT_MOST = 20_000
"""Events of all workspaces that a process holds unwritten: a few seconds' work, some 40 MB."""


class Overloaded(Exception):
    """So much waits to be written that nothing more is taken; what was taken will be written."""

    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            "Too many events wait to be written here, and none of these was taken: send them again "
            f"in {self.retry_after_s} seconds, with the same keys."
        )


@dataclass(eq=False, slots=True)
class _Request:
    arrivals: Sequence[Arrival]
    done: asyncio.Future[Recorded]


@dataclass(eq=False, slots=True)
class _Queue:
    requests: deque[_Request] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


class Recorder:
    """Records events, one transaction at a time for each workspace of this process.

    What comes while a transaction runs goes together into the next one: under load the cost of a
    commit is shared, and a lone request waits for nobody.
    """

    def __init__(self, database: Database, hub: Hub, now: Callable[[], Instant]) -> None:
        self._database, self._hub, self._now = database, hub, now
        self._queues: dict[int, _Queue] = {}
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many events are handed in and not written."""
        return self._waiting

    async def record(
        self, workspace_id: int, arrivals: Sequence[Arrival], *, is_single: bool = False
    ) -> Recorded:
        """Record the arrivals; returns after the commit, also of a caller that is cancelled.

        Raises Overloaded, and then has taken none of them. `is_single`: what a person just did,
        and no sender will send again, is taken all the same.
        """
        if self._waiting >= WAITING_AT_MOST and not is_single:
            raise Overloaded
        self._waiting += len(arrivals)
        queue = self._queues.setdefault(workspace_id, _Queue())
        request = _Request(arrivals, asyncio.get_running_loop().create_future())
        queue.requests.append(request)
        if queue.worker is None:
            queue.worker = asyncio.create_task(self._work(workspace_id, queue))
        return await asyncio.shield(request.done)

    async def drain(self) -> None:
        """Wait until what was handed in is written."""
        workers = [queue.worker for queue in self._queues.values() if queue.worker is not None]
        await asyncio.gather(*workers)

    async def _work(self, workspace_id: int, queue: _Queue) -> None:
        try:
            while queue.requests:
                await self._commit(workspace_id, _take(queue.requests))
        finally:
            queue.worker = None
            if self._queues.get(workspace_id) is queue:
                del self._queues[workspace_id]

    async def _commit(self, workspace_id: int, group: Sequence[_Request]) -> None:
        """Write a group; if that fails, each request alone, so that one cannot fail another."""
        try:
            arrivals = [arrival for request in group for arrival in request.arrivals]
            recorded = await self._database.transact(
                lambda connection: record(connection, workspace_id, arrivals, self._now())
            )
        except Exception as error:  # noqa: BLE001  Whatever it is belongs to the requests that wait.
            if len(group) > 1:
                for request in group:
                    await self._commit(workspace_id, [request])
            else:
                self._waiting -= len(group[0].arrivals)
                if not group[0].done.cancelled():
                    group[0].done.set_exception(error)
            return
        if recorded.seq is not None:
            self._hub.ring(workspace_id, recorded.journey_ids, recorded.seq)
        self._waiting -= len(arrivals)
        start = 0
        for request in group:
            end = start + len(request.arrivals)
            if not request.done.cancelled():
                request.done.set_result(recorded.part(start, end))
            start = end


def _take(requests: deque[_Request]) -> list[_Request]:
    """Whole requests, up to EVENTS_A_TRANSACTION events together, at least one request."""
    group = [requests.popleft()]
    size = len(group[0].arrivals)
    while requests and size + len(requests[0].arrivals) <= EVENTS_A_TRANSACTION:
        size += len(requests[0].arrivals)
        group.append(requests.popleft())
    return group
