"""Requests: HTTP/1.1 over kept connections, as bytes made before the clock runs.

A client library would cost more CPU than some of what is measured.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson


class UnexpectedAnswer(Exception):
    """The server answered something else than was asked; the figure would be a lie."""


@dataclass(frozen=True, slots=True)
class Load:
    """What several connections did together."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def graphql(token: str, document: str, variables: object) -> bytes:
    """An operation as a client would post it."""
    body = orjson.dumps({"query": document, "variables": variables})
    return post("/graphql", body, f"Authorization: Bearer {token}\r\n")


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """A body of JSON; each of `headers` with its end of line."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection, one request at a time."""

    def __init__(self, port: int, *, status: int = 200) -> None:
        self._status = f"http/1.1 {status} ".encode()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """The body of the answer; raises UnexpectedAnswer unless it is whole and of the status."""
        self._socket.sendall(request)
        received = self._socket.recv(262_144)
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        length = head.find(b"content-length: ")
        if not head.startswith(self._status) or length < 0:
            raise UnexpectedAnswer(received[:500].decode(errors="replace"))
        size = int(head[length + 16 :].split(b"\r\n", 1)[0])
        parts = [received[end + 4 :]]
        missing = size - len(parts[0])
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _more(self) -> bytes:
        received = self._socket.recv(262_144)
        if not received:
            raise UnexpectedAnswer("The server closed the connection in the middle of an answer.")
        return received


def latencies_ms(connection: Connection, request: bytes, times: int) -> list[float]:
    """From before the first byte is sent until the last one has come."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        connection.ask(request)
        taken.append((time.perf_counter() - begun) * 1_000)
    return taken


def at_once(
    port: int,
    requests: Sequence[Sequence[bytes]],
    is_good: Callable[[bytes], bool] = bool,
    *,
    status: int = 200,
) -> Load:
    """Each sequence over a connection of its own, all together; raises UnexpectedAnswer."""
    failures: list[BaseException] = []

    def send(connection: Connection, own: Sequence[bytes]) -> None:
        try:
            for request in own:
                answer = connection.ask(request)
                if not is_good(answer):
                    raise UnexpectedAnswer(answer[:500].decode(errors="replace"))
        except (OSError, UnexpectedAnswer) as failure:
            failures.append(failure)

    connections = [Connection(port, status=status) for _ in requests]
    threads = [
        threading.Thread(target=send, args=pair) for pair in zip(connections, requests, strict=True)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    for connection in connections:
        connection.__exit__()
    if failures:
        raise failures[0]
    return Load(sum(map(len, requests)), seconds)
