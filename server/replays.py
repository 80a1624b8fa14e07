"""Replays: thousands who come back from the same place read what they missed once.

What lies behind a place of the log is the same for all who ask the same, so that each step from
place to place is made by the first who needs it, and kept for those who come soon after.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from server.groups import Told
from subscriptions.streams import Batch

KEPT_BYTES_AT_MOST = 16_000_000
NEWS_KEPT_S = 1.0
"""That there was nothing more is true of a moment."""

Step = tuple[Any, Told]
"""An event, and what it tells."""


class Replays:
    def __init__(self) -> None:
        self._making: dict[Hashable, asyncio.Task[Step]] = {}
        self._made: OrderedDict[Hashable, tuple[Step, float]] = OrderedDict()
        self._bytes = 0

    async def get(self, place: Hashable, make: Callable[[], Awaitable[Step]]) -> Step:
        """The step from the place, made once for all who ask meanwhile; raises as `make` does."""
        kept = self._made.get(place)
        if kept is not None and asyncio.get_running_loop().time() < kept[1]:
            return kept[0]
        making = self._making.get(place)
        if making is None:
            making = self._making[place] = asyncio.create_task(self._make(place, make))
            # If all who wait for it have left by then, nobody asks how it ended.
            making.add_done_callback(lambda one: one.cancelled() or one.exception())
        # Whoever leaves takes nothing from the others.
        return await asyncio.shield(making)

    async def _make(self, place: Hashable, make: Callable[[], Awaitable[Step]]) -> Step:
        try:
            step = await make()
        finally:
            del self._making[place]
        self._keep(place, step)
        return step

    def _keep(self, place: Hashable, step: Step) -> None:
        event, told = step
        is_final = isinstance(event, Batch) and bool(event.rows) and not event.is_caught_up
        until = float("inf") if is_final else asyncio.get_running_loop().time() + NEWS_KEPT_S
        if (replaced := self._made.pop(place, None)) is not None:
            self._bytes -= len(replaced[0][1].payload)
        self._made[place] = step, until
        self._bytes += len(told.payload)
        while self._bytes > KEPT_BYTES_AT_MOST:
            _, ((_, gone), _) = self._made.popitem(last=False)
            self._bytes -= len(gone.payload)
