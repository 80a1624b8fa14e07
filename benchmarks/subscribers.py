"""Subscribers: many of one subscription over WebSocket, in a process of their own.

`python -m benchmarks.subscribers` takes a line of JSON with what to subscribe to, says `ready`
when all were served their first batch, and then for each line with a number of events answers
with a line of JSON when every subscriber has had that many more. It ends with its input.
"""

import asyncio
import sys
import time
from datetime import datetime
from typing import Any, cast

import orjson
import uvloop

from benchmarks.frames import Opcode, Reader, frame, handshake

PATIENCE_S = 60
_CLOSELY = 20
"""Of so many subscribers one reads its events and tells their latencies."""


class _Audience:
    def __init__(self) -> None:
        self.counts: dict[_Subscriber, int] = {}
        self.latencies_ms: list[float] = []
        self.messages = 0
        self.failure: str | None = None
        self._goal = 0
        self._changed = asyncio.Event()

    def heard(self, subscriber: "_Subscriber", events: int) -> None:
        self.messages += 1
        self.counts[subscriber] = self.counts.get(subscriber, 0) + events
        if self.counts[subscriber] >= self._goal:
            self._changed.set()

    def fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self._changed.set()

    async def until(self, subscribers: int, events: int) -> float:
        """When every subscriber has had `events` in all; raises what went wrong."""
        self._goal = events
        async with asyncio.timeout(PATIENCE_S):
            while len(self.counts) < subscribers or min(self.counts.values()) < events:
                self._changed.clear()
                await self._changed.wait()
                if self.failure is not None:
                    raise RuntimeError(self.failure)
        if max(self.counts.values()) > events:
            raise RuntimeError(f"A subscriber had more than the {events} events that there are.")
        return time.time()


class _Subscriber(asyncio.Protocol):
    def __init__(self, audience: _Audience, asked: dict[str, Any], *, is_close: bool) -> None:
        self._audience, self._asked, self._is_close = audience, asked, is_close
        self._reader = Reader()
        self._greeting: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(handshake(self._asked["port"]))

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
            self._say(
                "connection_init", payload={"Authorization": f"Bearer {self._asked['token']}"}
            )
        for opcode, payload in self._reader.feed(data):
            self._take(opcode, payload)

    def connection_lost(self, _error: Exception | None) -> None:
        self._audience.fail("The server closed a subscriber's connection.")

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._transport.write(frame(Opcode.PONG, payload))
        elif opcode is not Opcode.TEXT:
            self._audience.fail(f"{opcode.name}: {payload[:200].decode(errors='replace')}")
        elif b'"type":"next"' in payload[:60]:
            self._next(payload)
        else:
            self._answer(orjson.loads(payload))

    def _answer(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_ack":
                asked = {"query": self._asked["document"], "variables": self._asked["variables"]}
                self._say("subscribe", id="1", payload=asked)
            case "ping":
                self._say("pong")
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
            self._audience.heard(self, len(events))
        else:
            # Counted, not read: two hundred readers would take the CPU from the server.
            self._audience.heard(self, payload.count(b'"receivedAt":'))

    def _say(self, kind: str, **rest: object) -> None:
        self._transport.write(frame(Opcode.TEXT, orjson.dumps({"type": kind, **rest})))


async def _main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    asked = orjson.loads(await lines.readline())
    audience = _Audience()
    for number in range(asked["subscribers"]):
        is_close = number % _CLOSELY == 0
        await loop.create_connection(
            lambda is_close=is_close: _Subscriber(audience, asked, is_close=is_close),  # type: ignore[misc]
            "127.0.0.1",
            asked["port"],
        )
    await audience.until(asked["subscribers"], 0)
    audience.messages = 0
    print("ready", flush=True)
    total = 0
    while line := await lines.readline():
        total += int(line)
        finished_at = await audience.until(asked["subscribers"], total)
        told = {
            "finished_at": finished_at,
            "latencies_ms": audience.latencies_ms,
            "messages": audience.messages,
            "cpu_s": time.process_time(),
        }
        print(orjson.dumps(told).decode(), flush=True)
        audience.latencies_ms, audience.messages = [], 0


if __name__ == "__main__":
    uvloop.run(_main())
