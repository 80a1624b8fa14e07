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
from server import errors, frames
from server import graphql_ws_messages as messages
from server.errors import Formatted
from server.graphql_ws_messages import Ended
from server.guests import Guest, TooManyConnections
from server.operations import Operation, Refused
from server.origins import is_welcome
from server.requests import GraphQLRequest, Malformed
from server.services import Services
from server.streaming import Sink, SourceFailed, Told

logger = structlog.get_logger(__name__)

PROTOCOL = "graphql-transport-ws"
OPERATIONS_AT_MOST = 100
INIT_TIMEOUT_S = 10.0
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


class _Connection:
    def __init__(self, services: Services, websocket: WebSocket) -> None:
        self._services = services
        self._websocket = websocket
        self._viewer: Viewer | None = None
        self._guest: Guest | None = None
        self._was_begun = False
        self._dismissal: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._uncancellable: set[asyncio.Task[None]] = set()

    async def serve(self, init_timeout: float) -> None:
        """Until the client leaves, breaks the protocol, or the server shuts down."""
        try:
            patience = asyncio.timeout(init_timeout)
            try:
                async with patience:
                    while self._viewer is None:
                        await self._take(messages.read(await self._websocket.receive()))
            except TimeoutError:
                if not patience.expired():
                    raise
                raise Ended(4408, "Connection initialisation timeout") from None
            while True:
                await self._take(messages.read(await self._websocket.receive()))
        except Ended as ended:
            if ended.code is not None:
                await self.close(ended.code, ended.reason)
        except Exception as error:  # noqa: BLE001  Left to the server, it would be 1006 and a trace.
            # Try Again Later: as a rule the database is away. After 1011 clients never come back.
            await self.close(1013, errors.fault(error)["message"])
        finally:
            if self._guest is not None:
                self._guest.leave()
            await self._end_operations()
            if self._dismissal is not None:
                await self._dismissal

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        try:
            await self._websocket.close(code, short)
        except (RuntimeError, WebSocketDisconnect):
            logger.debug("socket_was_gone", code=code)

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._begin(messages.payload(message))
            case "ping":
                await self._send({"type": "pong", **messages.echo(message)})
            case "pong":
                messages.payload(message)
            case "subscribe":
                await self._subscribe(messages.operation_id(message), message.get("payload"))
            case "complete":
                self._complete(messages.operation_id(message))
            case unknown:
                raise Ended(4400, f"There is no message of type {unknown[:40]!r}")

    async def _begin(self, payload: dict[str, Any]) -> None:
        if self._was_begun:
            raise Ended(4429, "Too many initialisation requests")
        self._was_begun = True
        token = messages.token(payload, self._websocket.headers.get("authorization"))
        holder = await self._services.access.holder(token)
        if holder is None:
            raise Ended(4401, "Unauthorized: send a valid token as payload.Authorization")
        try:
            self._guest = self._services.guests.admit(holder, self._dismiss)
        except TooManyConnections as many:
            # Try Again Later: what was cut off takes a while to be counted out.
            raise Ended(1013, str(many)) from None
        self._viewer = holder.viewer
        await self._send({"type": "connection_ack"})

    def _dismiss(self, why: str) -> None:
        self._dismissal = asyncio.create_task(self._forbid(why))

    async def _forbid(self, why: str) -> None:
        """The token ended: what runs is ended first, so that nothing more is told."""
        self._stop_operations()
        await self.close(4403, f"Forbidden: {why}")

    async def _subscribe(self, name: str, payload: object) -> None:
        if self._viewer is None:
            raise Ended(4401, "Unauthorized: send connection_init first")
        if name in self._running:
            raise Ended(4409, f"Subscriber for {name} already exists")
        try:
            asked = GraphQLRequest.of(payload)
        except Malformed as malformed:
            raise Ended(4400, f"payload: {malformed}") from None
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

    def _stop_operations(self) -> None:
        self._running.clear()
        for task in self._tasks - self._uncancellable:
            task.cancel()

    async def _end_operations(self) -> None:
        self._stop_operations()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, name: str, operation: Operation, variables: dict[str, Any]) -> None:
        """One operation from its first to its last message; a fault of it harms no other."""
        this = asyncio.current_task()
        try:
            if operation.kind is OperationType.SUBSCRIPTION:
                failed = await self._stream(name, operation, variables)
            else:
                failed = await self._execute(name, operation, variables)
        except Ended as ended:
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
        except Ended:
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
        assert self._viewer is not None
        told = self._services.streaming.results(
            self._viewer, operation, variables, sink=self._sink(name)
        )
        async with aclosing(told):
            async for one in told:
                await self._tell(name, one)
                self._services.metrics.batches.inc()
        return ()

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
            await self._send_text(b"%b%b}" % (_head_of_next(name), told.payload))

    def _sink(self, name: str) -> Sink | None:
        """Sends results of the operation without a turn of its task, where the server can."""
        offered = self._websocket.scope.get("extensions", {}).get(frames.EXTENSION)
        if offered is None:
            return None
        push, head, operation = offered["push"], _head_of_next(name), asyncio.current_task()

        def sink(told: Told) -> bool:
            # Whoever completed it meanwhile hears no more.
            return self._running.get(name) is not operation or push(head, told.payload)

        return sink

    async def _refuse(self, name: str, failed: Sequence[Formatted]) -> None:
        self._services.metrics.operations.labels("any", "refused").inc()
        await self._send({"id": name, "type": "error", "payload": failed})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, text: bytes) -> None:
        """Waits while the client does not read; raises Ended when it is gone."""
        try:
            await self._websocket.send_text(text.decode())
        except (RuntimeError, WebSocketDisconnect):
            # Starlette's RuntimeError: sent after a close, by an operation that ran on.
            raise Ended from None


def _head_of_next(name: str) -> bytes:
    return b'{"id":%b,"type":"next","payload":' % orjson.dumps(name)
