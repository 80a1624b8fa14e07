"""Frames of WebSockets as bytes, right and wrong (RFC 6455, 5.2)."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum

import orjson

from server.graphql_ws import PROTOCOL
from tests.server.serving import Serving
from tests.support.trackside import Trackside
from tests.support.waiting import SOON

_MASK = bytes(4)
"""As good as any, and leaves the payload as it is."""


class Op(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


def frame(
    op: int,
    payload: bytes = b"",
    *,
    is_final: bool = True,
    reserved: int = 0,
    is_masked: bool = True,
) -> bytes:
    """As a client sends it."""
    first = (0x80 if is_final else 0) | (reserved << 4) | op
    mask_bit = 0x80 if is_masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, mask_bit | len(payload))
    elif len(payload) < 65_536:
        head = struct.pack("!BBH", first, mask_bit | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, len(payload))
    return head + (_MASK if is_masked else b"") + payload


def text(message: object) -> bytes:
    return frame(Op.TEXT, orjson.dumps(message))


@dataclass
class Line:
    """A connection behind its handshake, on which anything may be sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    messages: list[bytes] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        """What the server takes no more is not sent."""
        self.writer.write(data)
        with suppress(ConnectionError):
            async with asyncio.timeout(SOON):
                await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame; raises IncompleteReadError where there is none."""
        first, second = await self._exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._exactly(8))
        return first & 0x0F, await self._exactly(size)

    async def until_closed(self) -> tuple[int, str]:
        """The code and reason of the close frame; fails where the line breaks off without one."""
        while True:
            op, payload = await self.receive()
            if op == Op.CLOSE:
                (code,) = struct.unpack("!H", payload[:2])
                return code, payload[2:].decode()
            self.messages.append(payload)

    async def _exactly(self, count: int) -> bytes:
        async with asyncio.timeout(SOON):
            return await self.reader.readexactly(count)


@asynccontextmanager
async def a_line(
    serving: Serving | Trackside, *, is_initialised: bool = True
) -> AsyncIterator[Line]:
    host, _, port = serving.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
        )
        async with asyncio.timeout(SOON):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        line = Line(reader, writer)
        if is_initialised:
            await line.send(text({"type": "connection_init", "payload": {"token": serving.token}}))
            assert await line.receive() == (Op.TEXT, b'{"type":"connection_ack"}')
        yield line
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
