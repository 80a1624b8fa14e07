"""Frames: as much of WebSocket (RFC 6455) as a subscriber needs that must not cost much."""

import base64
import os
from enum import IntEnum

_SMALL, _MEDIUM = 126, 127


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class NotUnderstood(Exception):
    """A frame that this reader is not made for: a part of a message, or a masked one."""


def handshake(port: int) -> bytes:
    """The request by which a client asks for graphql-transport-ws at /graphql of this machine."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """A client's frame: whole, and masked with zeros, which change nothing."""
    size = len(payload)
    if size < _SMALL:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 1 << 16:
        head = bytes([0x80 | opcode, 0x80 | _SMALL]) + size.to_bytes(2)
    else:
        head = bytes([0x80 | opcode, 0x80 | _MEDIUM]) + size.to_bytes(8)
    return head + bytes(4) + payload


class Reader:
    """Takes bytes as they come and gives the whole frames of a server."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[tuple[Opcode, bytes]]:
        data = self._rest + received if self._rest else received
        frames = []
        start = 0
        while (found := _read(data, start)) is not None:
            opcode, payload, start = found
            frames.append((opcode, payload))
        self._rest = data[start:]
        return frames


def _read(data: bytes, start: int) -> tuple[Opcode, bytes, int] | None:
    """The frame at `start` and where it ends; None when it is not all there."""
    begin = start + 2
    if len(data) < begin:
        return None
    first, size = data[start], data[start + 1]
    if first & 0xF0 != 0x80 or size & 0x80 or first & 0x0F == Opcode.CONTINUATION:
        raise NotUnderstood(f"The frame begins with {data[start:begin].hex()}.")
    if size >= _SMALL:
        width = 2 if size == _SMALL else 8
        size = int.from_bytes(data[begin : begin + width])
        begin += width
        if len(data) < begin:
            return None
    end = begin + size
    if len(data) < end:
        return None
    return Opcode(first & 0x0F), data[begin:end], end
