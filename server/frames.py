"""Frames: text messages straight to a WebSocket's transport, for what goes to thousands at once.

The way over ASGI costs each message a task's turn, several wrappers, and a frame built in Python.
A socket offers this one as `extensions["trackside.frames"]["push"]` of its scope.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "trackside.frames"

_WHOLE_TEXT = 0x81
_SMALL, _MEDIUM = 126, 127


class FrameSocket(WebSocketsSansIOProtocol):
    """uvicorn's socket, with `push`. For sockets without compression, as serving.config makes."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            # The app begins in the loop's next turn: it finds this in its scope.
            self.scope["extensions"][EXTENSION] = {"push": self.push}

    def push(self, head: bytes, payload: bytes) -> bool:
        """Send the message head + payload + "}", if that needs no waiting; whether it was sent."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        size = len(head) + len(payload) + 1
        # One buffer: the kernel takes it for less than four, and copying so little is nothing.
        self.transport.write(b"%b%b%b}" % (_header(size), head, payload))
        return True


def _header(size: int) -> bytes:
    """Of an unmasked text frame that is a message by itself (RFC 6455, 5.2)."""
    if size < _SMALL:
        return bytes((_WHOLE_TEXT, size))
    if size < 1 << 16:
        return bytes((_WHOLE_TEXT, _SMALL)) + size.to_bytes(2)
    return bytes((_WHOLE_TEXT, _MEDIUM)) + size.to_bytes(8)
