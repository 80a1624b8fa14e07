"""Following: a subscriber of what has only a latest answer, and a hub that says what was read."""

import asyncio
from typing import Any

from graphql import GraphQLError

from store.types import Id
from subscriptions import Hub
from tests.support.waiting import SOON


class WatchedHub(Hub):
    """Says when a reader has read the log up to a place, has told of it, and waits for more."""

    def __init__(self) -> None:
        super().__init__(poll_interval=SOON)
        self.waiting: asyncio.Queue[int] = asyncio.Queue()

    async def wait(
        self,
        workspace_id: int,
        seq: int,
        timeout: float | None = None,
        *,
        journey_ids: frozenset[Id] | None = None,
        since: int | None = None,
    ) -> None:
        self.waiting.put_nowait(seq)
        await super().wait(workspace_id, seq, timeout, journey_ids=journey_ids, since=since)

    async def until_read(self, seq: int) -> None:
        async with asyncio.timeout(SOON):
            while await self.waiting.get() < seq:
                pass


class Follower:
    """A subscriber that takes the next answer when it wants to."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name

    async def __aenter__(self) -> "Follower":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()

    async def next(self) -> Any:
        async with asyncio.timeout(SOON):
            result = await anext(self._stream)
        assert result.errors is None
        return result.data[self._name]

    async def failure(self) -> GraphQLError:
        async with asyncio.timeout(SOON):
            result = await anext(self._stream)
        (error,) = result.errors
        assert isinstance(error, GraphQLError)
        return error
