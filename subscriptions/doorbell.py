"""The doorbell: one broadcaster subscription, kept alive, and a publisher that nobody waits for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from secrets import token_hex

import structlog
from broadcaster import Broadcast
from broadcaster._base import Subscriber

from store.types import Id

logger = structlog.get_logger(__name__)

CHANNEL = "trackside"
_PING = "ping"
_PING_INTERVAL_S = 2.0
_PATIENCE_S = 3.0
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Doorbell:
    """Hears every message of the channel, from any process, while the broker lives.

    broadcaster does not notice that a connection died, so we ring for ourselves: who does not hear
    himself in time connects anew.
    """

    def __init__(
        self, url: str, *, on_message: Callable[[str], None], on_reconnect: Callable[[], None]
    ) -> None:
        self._url = url
        self._on_message = on_message
        self._on_reconnect = on_reconnect
        self._name = token_hex(8)
        self._listening = asyncio.Event()
        self._heard_itself = asyncio.Event()
        # The latest of each workspace: a burst while the broker is slow becomes one message.
        self._to_ring: dict[int, tuple[frozenset[Id], int]] = {}
        self._has_to_ring = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def is_listening(self) -> bool:
        return self._listening.is_set()

    def start(self) -> None:
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None

    async def until_listening(self) -> None:
        await self._listening.wait()

    def ring(self, workspace_id: int, journeys: frozenset[Id], seq: int) -> None:
        """Sent in the background; what cannot be sent is replaced by what comes later."""
        waiting = self._to_ring.get(workspace_id)
        if waiting is not None:
            # Everybody is said by naming nobody.
            journeys = waiting[0] | journeys if waiting[0] and journeys else frozenset()
            seq = max(seq, waiting[1])
        self._to_ring[workspace_id] = (journeys, seq)
        self._has_to_ring.set()

    async def _supervise(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  Three brokers' drivers, each with its own errors.
                logger.warning("doorbell_lost", error=_cause(error), failures=failures)
            failures = 0 if self.is_listening else failures + 1
            self._listening.clear()
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])

    async def _listen(self) -> None:
        """One connection's life; ends by raising."""
        broadcast = Broadcast(self._url)
        async with contextlib.AsyncExitStack() as ending:
            async with asyncio.timeout(_PATIENCE_S):
                await broadcast.connect()
                ending.push_async_callback(_quietly, broadcast.disconnect)
                subscription = broadcast.subscribe(CHANNEL)
                subscriber = await subscription.__aenter__()
                ending.push_async_callback(_quietly, subscription.__aexit__, None, None, None)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear(subscriber))
                tasks.create_task(self._publish(broadcast))
                tasks.create_task(self._listen_for_itself(broadcast))

    async def _hear(self, subscriber: Subscriber) -> None:
        ping = f"{_PING}:{self._name}"
        while True:
            event = await subscriber.get()
            if event.message == ping:
                self._heard_itself.set()
            elif not event.message.startswith(_PING):
                self._on_message(event.message)

    async def _publish(self, broadcast: Broadcast) -> None:
        while True:
            await self._has_to_ring.wait()
            self._has_to_ring.clear()
            while self._to_ring:
                workspace_id, (journeys, seq) = self._to_ring.popitem()
                names = ",".join(sorted(journey.hex() for journey in journeys))
                async with asyncio.timeout(_PATIENCE_S):
                    await broadcast.publish(CHANNEL, f"{workspace_id}:{names}:{seq}")

    async def _listen_for_itself(self, broadcast: Broadcast) -> None:
        while True:
            self._heard_itself.clear()
            async with asyncio.timeout(_PATIENCE_S):
                await broadcast.publish(CHANNEL, f"{_PING}:{self._name}")
                await self._heard_itself.wait()
            if not self.is_listening:
                self._listening.set()
                # What was rung while nobody listened is made up for by reading.
                self._on_reconnect()
            await asyncio.sleep(_PING_INTERVAL_S)


async def _quietly(end: Callable[..., Awaitable[object]], *arguments: object) -> None:
    """A broken connection may refuse to be closed, or never answer."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_PATIENCE_S):
            await end(*arguments)


def _cause(error: BaseException) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return repr(error)
