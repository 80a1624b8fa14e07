"""A subscriber over a WebSocket: cut off at random, it comes back with its cursor; what it had."""

import asyncio
import random
import socket
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, cast

import orjson

from benchmarks.frames import Opcode, Reader, frame, handshake

_POLITE_SHARE = 0.3
"""Of a hundred who leave, so many complete the operation and keep the connection; others vanish."""

_SMALL = 16_384

_BACK_AFTER_S = (0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a subscriber wants: `field` of the subscription holds a list `items`."""

    document: str
    variables: dict[str, Any]
    field: str
    items: str


@dataclass(slots=True)
class Habits:
    """Where subscribers connect, and how often they leave, on average, and for how long."""

    ports: Sequence[int]
    token: str
    leave_every_s: float | None
    away_s: float
    is_leaving: bool = True


class Had:
    """The ids that a subscriber was given: their number, their digest, the last one's seq."""

    def __init__(self) -> None:
        self.count = 0
        self.last_seq = 0
        # Number and last seq behind each message: where something is wrong, it is found by them.
        self.marks = array("Q")
        self._digest = blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def take(self, ids: Sequence[str]) -> None:
        self.count += len(ids)
        self.last_seq = seq_of(ids[-1])
        self.marks.extend((self.count, self.last_seq))
        self._digest.update("".join(ids).encode())


def seq_of(name: str) -> int:
    """Ids of events and activities hold their place in the log: evt_SEQ_NONCE."""
    return int(name.split("_")[1])


class Subscriber:
    """Follows until it is cancelled. `changed` is set whenever it was told something."""

    def __init__(
        self,
        asked: Asked,
        habits: Habits,
        *,
        after: str | None,
        seen: "Counter[str]",
        changed: asyncio.Event,
    ) -> None:
        self.asked, self.habits, self.seen, self.changed = asked, habits, seen, changed
        self.cursor = after
        self.had = Had()
        self.was_served = False
        self.gaps: list[str] = []
        self.had_before_gaps: list[Had] = []
        self._connection: _Connection | None = None
        self._is_reading = True

    async def follow(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(random.uniform(*_BACK_AFTER_S))
        while True:
            port = random.choice(self.habits.ports)
            connection = _Connection(self, port)
            try:
                await loop.create_connection(lambda made=connection: made, "127.0.0.1", port)  # type: ignore[misc]
            except OSError:
                self.seen["refused"] += 1
            else:
                self._connection = connection
                try:
                    await connection.ended
                finally:
                    connection.abort()
                    self._connection = None
            pause = random.uniform(*_BACK_AFTER_S)
            await asyncio.sleep(self.habits.away_s if connection.has_vanished else pause)

    def read(self, is_reading: bool) -> None:
        """Stop taking anything off the connection, or go on."""
        self._is_reading = is_reading
        if self._connection is not None:
            self._connection.read(is_reading)

    @property
    def is_reading(self) -> bool:
        return self._is_reading

    def told(self, payload: dict[str, Any]) -> None:
        batch = (payload.get("data") or {}).get(self.asked.field)
        if payload.get("errors") or batch is None:
            self.seen[f"errors in a result: {payload.get('errors')}"] += 1
            return
        if batch["gap"] is not None:
            # What follows begins anew, at the oldest row that there is.
            self.gaps.append(batch["gap"]["reason"])
            self.had_before_gaps.append(self.had)
            self.had = Had()
        if batch[self.asked.items]:
            self.had.take([item["id"] for item in batch[self.asked.items]])
        self.cursor = batch["cursor"]
        self.was_served = True
        self.seen["messages"] += 1
        self.changed.set()


class _Connection(asyncio.Protocol):
    """One life of a subscriber's connection."""

    def __init__(self, subscriber: Subscriber, port: int) -> None:
        self._subscriber, self._port = subscriber, port
        self._reader = Reader()
        self._greeting: bytes | None = b""
        self._operation: str | None = None
        self._operations = 0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self.has_vanished = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(handshake(self._port))
        self.read(self._subscriber.is_reading)

    def data_received(self, data: bytes) -> None:
        if self._greeting is not None:
            head, end, data = (self._greeting + data).partition(b"\r\n\r\n")
            if not end:
                self._greeting = head
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._note(f"handshake: {head[:20].decode(errors='replace')}")
                self.abort()
                return
            self._greeting = None
            token = f"Bearer {self._subscriber.habits.token}"
            self._say("connection_init", payload={"Authorization": token})
        for opcode, payload in self._reader.feed(data):
            self._take(opcode, payload)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.has_vanished:
            self._note("lost")
        if not self.ended.done():
            self.ended.set_result(None)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def read(self, is_reading: bool) -> None:
        assert self._transport is not None
        if is_reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
            # What is not read fills the sockets soon, and not after megabytes.
            used: socket.socket = self._transport.get_extra_info("socket")
            used.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        match opcode:
            case Opcode.TEXT:
                self._hear(orjson.loads(payload))
            case Opcode.PING:
                self._write(frame(Opcode.PONG, payload))
            case Opcode.CLOSE:
                self._note(f"closed {int.from_bytes(payload[:2])}")
                self.abort()
            case _:
                self._note(f"a frame {opcode.name}")

    def _hear(self, message: dict[str, Any]) -> None:
        # What was on its way when the operation was left is not asked for any more.
        is_ours = message.get("id") == self._operation
        match message["type"]:
            case "next" if is_ours:
                self._subscriber.told(message["payload"])
            case "connection_ack":
                self._subscribe()
                self._plan_to_leave()
            case "error" if is_ours:
                self._note(f"refused {message['payload'][0]['extensions']['code']}")
                self._come_back(random.uniform(*_BACK_AFTER_S))
            case "complete" if is_ours:
                self._note("completed")
                self._come_back(random.uniform(*_BACK_AFTER_S))
            case "ping":
                self._say("pong")
            case "next" | "complete" | "error":
                self._note("late")
            case other:
                self._note(f"a message {other}")

    def _subscribe(self) -> None:
        self._operations += 1
        self._operation = str(self._operations)
        asked = self._subscriber.asked
        variables = {**asked.variables, "after": self._subscriber.cursor}
        payload = {"query": asked.document, "variables": variables}
        self._say("subscribe", id=self._operation, payload=payload)

    def _come_back(self, after_s: float) -> None:
        self._operation = None
        asyncio.get_running_loop().call_later(after_s, self._come_back_now)

    def _come_back_now(self) -> None:
        if self._operation is None and not self.ended.done():
            self._subscribe()

    def _plan_to_leave(self) -> None:
        every = self._subscriber.habits.leave_every_s
        if every is not None:
            delay = random.expovariate(1 / every)
            self._timer = asyncio.get_running_loop().call_later(delay, self._leave)

    def _leave(self) -> None:
        habits = self._subscriber.habits
        if not habits.is_leaving:
            return
        if random.random() < _POLITE_SHARE and self._operation is not None:
            self._note("left")
            self._say("complete", id=self._operation)
            self._come_back(habits.away_s)
            self._plan_to_leave()
        else:
            self._note("vanished")
            self.has_vanished = True
            self.abort()

    def _say(self, kind: str, **rest: object) -> None:
        self._write(frame(Opcode.TEXT, orjson.dumps({"type": kind, **rest})))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _note(self, what: str) -> None:
        self._subscriber.seen[what] += 1
