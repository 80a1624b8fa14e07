"""GraphQL over WebSocket: the sub-protocol graphql-transport-ws.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import orjson
import structlog
from graphql import ExecutionResult, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect

from resolvers.context import Viewer
from server import errors
from server.auth import bearer
from server.errors import Formatted
from server.operations import Operation, Refused
from server.origins import is_welcome
from server.requests import GraphQLRequest, Malformed, decode
from server.services import Services
from server.streaming import SourceFailed, Told

logger = structlog.get_logger(__name__)

PROTOCOL = "graphql-transport-ws"
FRAME_AT_MOST = 256_000
OPERATIONS_AT_MOST = 100
INIT_TIMEOUT_S = 10.0
_ID_AT_MOST = 200
_REASON_BYTES = 123


class GraphQLSocket:
    """Serves connections, each with its own operations."""

    def __init__(self, services: Services, *, init_timeout: float = INIT_TIMEOUT_S) -> None:
        self._services = services
        self._init_timeout = init_timeout

    async def handle(self, websocket: WebSocket) -> None:
        if not is_welcome(websocket, self._services.settings):
            # Before the handshake: the browser's script learns nothing but that it failed.
            await websocket.close()
            return
        is_spoken = PROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(subprotocol=PROTOCOL if is_spoken else None)
        connection = _Connection(self._services, websocket)
        with self._services.metrics.sockets.track_inprogress():
            if is_spoken:
                await connection.serve(self._init_timeout)
            else:
                await connection.close(4406, f"Ask for the sub-protocol {PROTOCOL}")


class _Ended(Exception):
    """The connection is over: closed by us for this reason, or gone."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Connection:
    def __init__(self, services: Services, websocket: WebSocket) -> None:
        self._services = services
        self._websocket = websocket
        self._token: str | None = None
        self._viewer: Viewer | None = None
        self._was_begun = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._uncancellable: set[asyncio.Task[None]] = set()

    async def serve(self, init_timeout: float) -> None:
        """Until the client leaves, breaks the protocol, or the server shuts down."""
        try:
            try:
                async with asyncio.timeout(init_timeout):
                    while self._viewer is None:
                        await self._take(await self._receive())
            except TimeoutError:
                raise _Ended(4408, "Connection initialisation timeout") from None
            while True:
                await self._take(await self._receive())
        except _Ended as ended:
            if ended.code is not None:
                await self.close(ended.code, ended.reason)
        finally:
            await self._end_operations()

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        try:
            await self._websocket.close(code, short)
        except (RuntimeError, WebSocketDisconnect):
            logger.debug("socket_was_gone", code=code)

    async def _receive(self) -> dict[str, Any]:
        """The next message; raises _Ended."""
        frame = await self._websocket.receive()
        if frame["type"] == "websocket.disconnect":
            raise _Ended
        text = frame.get("text")
        if text is None:
            raise _Ended(4400, "Binary frames are not of this protocol")
        if len(text) > FRAME_AT_MOST:
            raise _Ended(1009, f"A message may have {FRAME_AT_MOST:,} characters")
        try:
            message = decode(text, "The message")
        except Malformed as malformed:
            raise _Ended(4400, str(malformed)) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Ended(4400, 'A message is an object with a "type"')
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._begin(_payload(message))
            case "ping":
                await self._send({"type": "pong", **_echo(message)})
            case "pong":
                _payload(message)
            case "subscribe":
                await self._subscribe(_id(message), message.get("payload"))
            case "complete":
                self._complete(_id(message))
            case unknown:
                raise _Ended(4400, f"There is no message of type {unknown[:40]!r}")

    async def _begin(self, payload: dict[str, Any]) -> None:
        if self._was_begun:
            raise _Ended(4429, "Too many initialisation requests")
        self._was_begun = True
        self._token = _token(payload, self._websocket.headers.get("authorization"))
        self._viewer = await self._services.access.viewer(self._token)
        if self._viewer is None:
            raise _Ended(4401, "Unauthorized: send a valid token as payload.Authorization")
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, name: str, payload: object) -> None:
        if self._viewer is None:
            raise _Ended(4401, "Unauthorized: send connection_init first")
        if name in self._running:
            raise _Ended(4409, f"Subscriber for {name} already exists")
        try:
            asked = GraphQLRequest.of(payload)
        except Malformed as malformed:
            raise _Ended(4400, f"payload: {malformed}") from None
        if len(self._running) >= OPERATIONS_AT_MOST:
            message = f"A connection runs at most {OPERATIONS_AT_MOST} operations at once."
            await self._refuse(name, [errors.coded("TOO_MANY_OPERATIONS", message)])
            return
        try:
            operation = self._services.operations.find(asked.query, asked.operation_name)
        except Refused as refused:
            await self._refuse(name, errors.refusal(refused))
            return
        task = asyncio.create_task(self._run(name, operation, asked.variables))
        self._running[name] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if operation.kind is OperationType.MUTATION:
            self._uncancellable.add(task)
            task.add_done_callback(self._uncancellable.discard)

    def _complete(self, name: str) -> None:
        """The client has heard enough. A mutation goes on, unheard: it may be half done."""
        task = self._running.pop(name, None)
        if task is not None and task not in self._uncancellable:
            task.cancel()

    async def _end_operations(self) -> None:
        self._running.clear()
        for task in self._tasks - self._uncancellable:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, name: str, operation: Operation, variables: dict[str, Any]) -> None:
        """One operation from its first to its last message; a fault of it harms no other."""
        this = asyncio.current_task()
        try:
            if operation.kind is OperationType.SUBSCRIPTION:
                failed = await self._stream(name, operation, variables)
            else:
                failed = await self._execute(name, operation, variables)
        except _Ended as ended:
            if ended.code is not None:
                await self.close(ended.code, ended.reason)
            return
        except Refused as refused:
            failed = errors.refusal(refused)
        except SourceFailed as source:
            failed = source.errors
        except Exception as error:  # noqa: BLE001  The neighbours on the connection go on.
            failed = [errors.fault(error)]
        # Whoever was told to stop, or whose name was taken over, says nothing more.
        if self._running.get(name) is not this:
            return
        del self._running[name]
        try:
            if failed:
                await self._refuse(name, failed)
            else:
                await self._send({"id": name, "type": "complete"})
        except _Ended:
            return

    async def _execute(
        self, name: str, operation: Operation, variables: dict[str, Any]
    ) -> Sequence[Formatted]:
        assert self._viewer is not None
        result = await operation.run(self._services.context(self._viewer), variables)
        await self._next(name, operation, result)
        return ()

    async def _stream(
        self, name: str, operation: Operation, variables: dict[str, Any]
    ) -> Sequence[Formatted]:
        """Each event is executed and sent before the next is read: nothing queues up."""
        told = self._services.streaming.results(await self._still_welcome(), operation, variables)
        async with aclosing(told):
            async for one in told:
                await self._still_welcome()
                await self._tell(name, one)
        return ()

    async def _still_welcome(self) -> Viewer:
        """The holder of a token that may have been revoked since the last event."""
        viewer = await self._services.access.viewer(self._token)
        if viewer is None:
            raise _Ended(4401, "Unauthorized: the token was revoked or has expired")
        return viewer

    async def _next(self, name: str, operation: Operation, result: ExecutionResult) -> None:
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            payload["errors"] = errors.of_execution(result.errors)
        outcome = "errors" if result.errors else "ok"
        self._services.metrics.operations.labels(operation.kind.value, outcome).inc()
        if self._running.get(name) is asyncio.current_task():
            await self._send({"id": name, "type": "next", "payload": payload})

    async def _tell(self, name: str, told: Told) -> None:
        if self._running.get(name) is asyncio.current_task():
            head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(name)
            await self._send_text(b"%b%b}" % (head, told.payload))

    async def _refuse(self, name: str, failed: Sequence[Formatted]) -> None:
        self._services.metrics.operations.labels("any", "refused").inc()
        await self._send({"id": name, "type": "error", "payload": failed})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, text: bytes) -> None:
        """Waits while the client does not read; raises _Ended when it is gone."""
        try:
            await self._websocket.send_text(text.decode())
        except (RuntimeError, WebSocketDisconnect):
            # Starlette's RuntimeError: sent after a close, by an operation that ran on.
            raise _Ended from None


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        raise _Ended(4400, f"The payload of {message['type']} must be an object")
    return payload or {}


def _echo(message: dict[str, Any]) -> dict[str, Any]:
    return {"payload": _payload(message)} if message.get("payload") is not None else {}


def _id(message: dict[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= _ID_AT_MOST:
        raise _Ended(4400, f'"id" must be a text of 1 to {_ID_AT_MOST} characters')
    return name


def _token(payload: dict[str, Any], header: str | None) -> str | None:
    for key in ("Authorization", "authorization"):
        if isinstance(payload.get(key), str):
            return bearer(payload[key])
    token = payload.get("token")
    return token if isinstance(token, str) else bearer(header)
