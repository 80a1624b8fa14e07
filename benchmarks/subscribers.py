"""Subscribers: many of one subscription over WebSocket, in a process of their own.

`python -m benchmarks.subscribers` takes a line of JSON with what to subscribe to and says `ready`
when all were served their first batch. Then each line is a command: `hear N` answers with a line of
JSON when every subscriber has had that many events more; `leave` ends all connections; `return N`
connects all at once, behind what each had, and answers as `hear N` does: whom the server fails or
closes meanwhile comes back again, as a client does. It ends with its input.
"""

import asyncio
import random
import sys
import time
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import orjson
import uvloop

from benchmarks.frames import Opcode, Reader, frame, handshake

PATIENCE_S = 120
_CLOSELY = 20
"""Of so many subscribers one reads its events and tells their latencies."""

_CURSOR = b'"cursor":"'


class _Audience:
    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.latencies_ms: list[float] = []
        self.messages = 0
        self.is_away = self.is_returning = False
        self._again = 0
        self._connecting: set[asyncio.Task[None]] = set()
        self._failure: str | None = None
        self._goal = self._behind = 0
        self._changed = asyncio.Event()
        self._subscribers = [
            _Subscriber(self, is_close=number % _CLOSELY == 0)
            for number in range(asked["subscribers"])
        ]

    async def connect(self, *, at_once: bool = False) -> None:
        self.is_away, self.is_returning = False, at_once
        # As many as a listening server holds back for us, else the kernel asks again in a second.
        some = 1_000 if at_once else 1
        for begin in range(0, len(self._subscribers), some):
            await asyncio.gather(*map(self._connect, self._subscribers[begin : begin + some]))

    def lost(self, subscriber: "_Subscriber") -> None:
        """Its connection is over."""
        if self.is_returning:
            self._again += 1
            task = asyncio.create_task(self._connect_soon(subscriber))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        elif not self.is_away:
            self.fail("The server closed a subscriber's connection.")

    async def _connect_soon(self, subscriber: "_Subscriber") -> None:
        await asyncio.sleep(random.uniform(0.5, 1.5))
        await self._connect(subscriber)

    async def _connect(self, subscriber: "_Subscriber") -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: subscriber, "127.0.0.1", self.asked["port"])

    def leave(self) -> None:
        self.is_away = True
        for subscriber in self._subscribers:
            subscriber.leave()

    def heard(self, before: int, now: int) -> None:
        self.messages += 1
        if before < self._goal <= now:
            self._behind -= 1
            if self._behind == 0:
                self._changed.set()

    def fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        self._changed.set()

    async def until(self, events: int) -> dict[str, object]:
        """What there is to tell when all have had so many, or time is up; raises what failed."""
        self._goal = events
        self._behind = sum(one.events < events for one in self._subscribers)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._behind:
                    self._changed.clear()
                    await self._changed.wait()
                    if self._failure is not None:
                        raise RuntimeError(self._failure)
        if any(one.events > events for one in self._subscribers):
            raise RuntimeError(f"A subscriber had more than the {events} events that there are.")
        told: dict[str, object] = {
            "finished_at": time.time(),
            "behind": self._behind,
            "again": self._again,
            "latencies_ms": self.latencies_ms,
            "messages": self.messages,
        }
        self.latencies_ms, self.messages, self._again = [], 0, 0
        self.is_returning = False
        return told


class _Subscriber(asyncio.Protocol):
    """events: how many it had; -1 until it was served its first batch."""

    def __init__(self, audience: _Audience, *, is_close: bool) -> None:
        self.events = -1
        self._audience, self._is_close = audience, is_close
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._reader = Reader()
        self._greeting: bytes | None = b""
        self._transport.write(handshake(self._audience.asked["port"]))

    def data_received(self, data: bytes) -> None:
        if self._greeting is not None:
            head, end, data = (self._greeting + data).partition(b"\r\n\r\n")
            if not end:
                self._greeting = head
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._audience.fail(head[:200].decode(errors="replace"))
                return
            self._greeting = None
            token = self._audience.asked["token"]
            self._say("connection_init", payload={"Authorization": f"Bearer {token}"})
        for opcode, payload in self._reader.feed(data):
            self._take(opcode, payload)

    def connection_lost(self, _error: Exception | None) -> None:
        self._audience.lost(self)

    def leave(self) -> None:
        self._transport.abort()

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._transport.write(frame(Opcode.PONG, payload))
        elif opcode is Opcode.CLOSE and self._audience.is_returning:
            self._transport.abort()
        elif opcode is not Opcode.TEXT:
            self._audience.fail(f"{opcode.name}: {payload[:200].decode(errors='replace')}")
        elif b'"type":"next"' in payload[:60]:
            self._next(payload)
        else:
            self._answer(orjson.loads(payload))

    def _answer(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_ack":
                asked = self._audience.asked
                variables = {**asked["variables"], "after": self._cursor()}
                payload = {"query": asked["document"], "variables": variables}
                self._say("subscribe", id="1", payload=payload)
            case "ping":
                self._say("pong")
            case "error" if self._audience.is_returning:
                self._transport.abort()
            case _:
                self._audience.fail(str(message)[:500])

    def _next(self, payload: bytes) -> None:
        if self._is_close:
            now = time.time()
            data = orjson.loads(payload)["payload"]["data"]
            if data is None or data["communicationEvents"]["gap"] is not None:
                self._audience.fail(payload[:500].decode())
                return
            events = data["communicationEvents"]["events"]
            self._audience.latencies_ms += [
                (now - datetime.fromisoformat(event["receivedAt"]).timestamp()) * 1_000
                for event in events
            ]
            number = len(events)
        else:
            # Counted, not read: thousands of readers would take the CPU from the server.
            number = payload.count(b'"receivedAt":')
        self._last = payload
        before, self.events = self.events, max(self.events, 0) + number
        self._audience.heard(before, self.events)

    def _cursor(self) -> str | None:
        """Behind what it had; None before anything."""
        _, _, behind = self._last.partition(_CURSOR)
        return behind[: behind.index(b'"')].decode() if behind else None

    def _say(self, kind: str, **rest: object) -> None:
        self._transport.write(frame(Opcode.TEXT, orjson.dumps({"type": kind, **rest})))


async def _main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    audience = _Audience(orjson.loads(await lines.readline()))
    await audience.connect()
    if (await audience.until(0))["behind"]:
        raise RuntimeError("Not every subscriber was served a first batch in time.")
    print("ready", flush=True)
    total = 0
    while line := await lines.readline():
        match line.split():
            case [b"leave"]:
                audience.leave()
                print("left", flush=True)
            case [b"hear" | b"return" as command, number]:
                total += int(number)
                if command == b"return":
                    await audience.connect(at_once=True)
                print(orjson.dumps(await audience.until(total)).decode(), flush=True)
            case _:
                raise ValueError(f"{line!r} is no command.")


if __name__ == "__main__":
    uvloop.run(_main())
