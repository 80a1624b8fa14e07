"""Protocols: uvicorn's own, and how connections end: with a code, and one after another."""

import asyncio
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

from server import closing
from server.frames import FrameSocket

CLOSE_PATIENCE_S = 4.0
"""For a client's answer to a close frame."""


class Http(HttpToolsProtocol):
    """Tells the streams that go on over HTTP when the server ends."""

    def shutdown(self) -> None:
        if "closing" in self.app_state:
            self.app_state["closing"].begin()
        super().shutdown()


class WebSockets(FrameSocket):
    """Leaves no client without a close code, and keeps nothing that a client sends without end."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = CLOSE_PATIENCE_S
        self._is_deaf = False
        self._owed_pong = b""

    def shutdown(self) -> None:
        """The server ends; uvicorn waits until this connection is gone."""
        if self.close_sent:
            # Closed already, and waits for its client's answer, which it was given time for.
            return
        if self.handshake_complete:
            self.loop.call_later(closing.delay(len(self.connections)), self._restart)
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        if not self._is_deaf:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """The connection failed (RFC 6455, 7.1.7): say why, and listen to nothing more.

        Closing at once, with bytes unread, would reset the connection: the reset overtakes the
        close frame, and the client is left with 1006.
        """
        assert self.conn.close_sent is not None
        self._is_deaf = True
        self._tell_app(self.conn.close_sent.code)
        self._flush_close()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(CloseCode.INVALID_DATA, "A text must be UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        # Empty pieces have no size that could exceed a limit, but each would be kept.
        if event.data or event.fin:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self.close_sent:
            # It came together with what ended the connection.
            return
        if self.writable.is_set():
            super().handle_ping()
        else:
            # Its client does not read: only the latest is owed an answer (RFC 6455, 5.5.3).
            # Those that came together are answered together, at the first of them.
            self._owed_pong = b"".join(self.conn.data_to_send()) or self._owed_pong

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._owed_pong and not self.close_sent:
            self.transport.write(self._owed_pong)
        self._owed_pong = b""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        if self.close_sent:
            # What it did not read stays in the buffer: the end of the connection may be far off.
            self._tell_app(CloseCode.INTERNAL_ERROR)

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            # Its client may have stopped reading: the frame waits in the buffer, and nobody for it.
            self.writable.set()
        await super().send(message)

    def _restart(self) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self._tell_app(CloseCode.SERVICE_RESTART)
        self.conn.send_close(CloseCode.SERVICE_RESTART, "Service Restart")
        self._flush_close()

    def _tell_app(self, code: int) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})

    def _flush_close(self) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
