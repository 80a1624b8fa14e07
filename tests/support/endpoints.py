"""Endpoints: a partner's HTTP server, which takes webhooks, fails, hangs and recovers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from tests.support.waiting import SOON


class Mood(Enum):
    HANGS = "hangs"
    HANGS_UP = "hangs up"


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Endpoint:
    """Answers with the statuses of `moods` in turn, then with 204."""

    url: str = ""
    moods: list[int | Mood] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    _has_heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_heard(self, number: int) -> list[Heard]:
        """All that it heard, as soon as they are so many."""
        async with asyncio.timeout(SOON), self._has_heard:
            await self._has_heard.wait_for(lambda: len(self.heard) >= number)
        return self.heard

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard = await _read(reader)
            if heard is None:
                return
            mood = self.moods.pop(0) if self.moods else 204
            async with self._has_heard:
                self.heard.append(heard)
                self._has_heard.notify_all()
            if mood is Mood.HANGS:
                # Until whoever called gives up.
                await reader.read()
            elif isinstance(mood, int):
                writer.write(f"HTTP/1.1 {mood} X\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def an_endpoint(*moods: int | Mood) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(moods=list(moods))
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield endpoint
        server.close()


async def _read(reader: asyncio.StreamReader) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    request, *lines = head.split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers["content-length"]))
    return Heard(request.split(" ")[1], headers, body.decode())
