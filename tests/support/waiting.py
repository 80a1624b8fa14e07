"""Waiting: patience for what must happen, and letting tasks run."""

import asyncio

SOON = 20.0
"""Seconds that suffice on a busy machine; a test that fails takes that long."""


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def soon(event: asyncio.Event) -> None:
    """Wait for what must happen."""
    async with asyncio.timeout(SOON):
        await event.wait()
