"""Event streams as a client reads them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from tests.server.serving import Serving
from tests.support.waiting import SOON

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """A block of a stream, as the HTML standard reads it; a comment has the kind None."""

    kind: str | None
    data: Any = None
    id: str | None = None
    retry_ms: int | None = None


@dataclass
class Events:
    """An answer that is read block by block."""

    response: httpx.Response
    _blocks: AsyncIterator[Event] = field(init=False)

    def __post_init__(self) -> None:
        self._blocks = self._read()

    async def next(self) -> Event:
        """The next event, passing over comments and hints."""
        while (event := await self.next_block()).kind is None:
            pass
        return event

    async def next_block(self) -> Event:
        """Raises StopAsyncIteration at the end."""
        async with asyncio.timeout(SOON):
            return await anext(self._blocks)

    async def rest(self) -> list[Event]:
        """All events until the end."""
        async with asyncio.timeout(SOON):
            return [event async for event in self._blocks if event.kind is not None]

    def blocks(self) -> AsyncIterator[Event]:
        """All that is still to come, comments and hints too."""
        return self._blocks

    async def _read(self) -> AsyncIterator[Event]:
        lines: dict[str, str] = {}
        async for line in self.response.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                lines[name] = value.removeprefix(" ")
                continue
            data = lines.get("data")
            retry = lines.get("retry")
            yield Event(
                lines.get("event"),
                orjson.loads(data) if data else data,
                lines.get("id"),
                int(retry) if retry else None,
            )
            lines = {}


@asynccontextmanager
async def listening(
    serving: Serving,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    **headers: str,
) -> AsyncIterator[Events]:
    """A POST that accepts a stream; headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        serving.client(token) as client,
        client.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"Accept": EVENT_STREAM, **named},
        ) as response,
    ):
        yield Events(response)
