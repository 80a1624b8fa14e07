"""Bodies: requests that are longer than what we read of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import ClientDisconnect

_BYTES_AT_MOST = 16_000_000
_PATIENCE_S = 5.0


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Take what the client is still sending, within bounds, so that it comes to hear the answer.

    A connection that is closed with bytes unread is reset, and the answer with it.
    """
    left = _BYTES_AT_MOST
    with suppress(ClientDisconnect, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    return
