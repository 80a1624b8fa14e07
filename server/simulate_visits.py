"""Visits: the contacts' own requests, to their tracked links and to the pixel of an opened mail."""

import asyncio
from random import Random

import httpx

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
)
_WAITING_AT_MOST = 1_000


class Visits:
    """A visit that could not reach the server is tried again; one that did, never."""

    def __init__(self, client: httpx.AsyncClient, random: Random) -> None:
        self._client = client
        self._random = random
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_WAITING_AT_MOST)
        self.made = 0
        self.failed = 0

    def ask(self, url: str) -> None:
        """Soon; when too many wait already this visitor has lost interest."""
        try:
            self._waiting.put_nowait(url)
        except asyncio.QueueFull:
            self.failed += 1

    async def work(self) -> None:
        """Makes the visits one after the other until it is cancelled; run a few side by side."""
        while True:
            await self._visit(await self._waiting.get())

    async def _visit(self, url: str) -> None:
        headers = {"User-Agent": self._random.choice(_BROWSERS), "Accept-Language": "en"}
        while True:
            try:
                response = await self._client.get(url, headers=headers, follow_redirects=False)
            except httpx.ConnectError:
                await asyncio.sleep(1)
                continue
            except httpx.TransportError:
                # Perhaps it was counted before the line broke: a second visit might count twice.
                self.failed += 1
                return
            if response.status_code in (200, 302):
                self.made += 1
            else:
                self.failed += 1
            return
