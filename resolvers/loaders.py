"""Loaders: what the rows of one level ask for is gathered into one call."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

from resolvers.context import Context
from store.types import Id

V = TypeVar("V")

Read = Callable[[list[Id]], Awaitable[Mapping[Id, V]]]
"""Finds a value for every id that it is given."""


def load(context: Context, key: Hashable, id: Id, read: Read[V]) -> asyncio.Future[V]:
    """The value for `id`, read together with the other ids asked for under the same key.

    Nothing is kept: what is asked for after the reading began is read anew.
    """
    batch: _Batch[V] | None = context.loaders.get(key)
    if batch is None:
        batch = context.loaders[key] = _Batch(read)

        def begin() -> None:
            del context.loaders[key]
            batch.begin()

        # Behind the callbacks that are waiting already, which may ask for more.
        asyncio.get_running_loop().call_soon(begin)
    return batch.ask(id)


class _Batch(Generic[V]):
    def __init__(self, read: Read[V]) -> None:
        self._read = read
        self._asked: dict[Id, asyncio.Future[V]] = {}
        self._task: asyncio.Task[None] | None = None

    def ask(self, id: Id) -> asyncio.Future[V]:
        future = self._asked.get(id)
        if future is None:
            future = self._asked[id] = asyncio.get_running_loop().create_future()
            # A failure is told to whoever awaits; a cancelled operation awaits no more.
            future.add_done_callback(_retrieve)
        return future

    def begin(self) -> None:
        self._task = asyncio.create_task(self._answer())
        # The loop holds tasks weakly: the futures, which are awaited, hold this one.
        for future in self._asked.values():
            future.add_done_callback(lambda _: self._task)

    async def _answer(self) -> None:
        try:
            values = await self._read(list(self._asked))
            for one, future in self._asked.items():
                if not future.done():
                    future.set_result(values[one])
        except Exception as error:  # noqa: BLE001  It belongs to those who asked.
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(error)


def _retrieve(future: asyncio.Future[V]) -> None:
    if not future.cancelled():
        future.exception()
