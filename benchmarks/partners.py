"""Partners: who writes what happens to messages, to trackside and to its peers alike."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Protocol

import orjson

from benchmarks import documents
from benchmarks.dataset import JOURNEYS, Dataset
from benchmarks.requests import Connection, UnexpectedAnswer, graphql, post
from benchmarks.servers import Server
from benchmarks.traffic import Event, as_input, batches, traffic
from store.ingest.events import CommunicationCreated, Delivery

_CURSOR_BYTES = 44


class Partner(Protocol):
    """Writes traffic of the first journey to one server."""

    server: Server

    def prepare(self, size: int, number: int) -> list[bytes]:
        """The next requests, so many events each."""

    def write(
        self, requests: Sequence[bytes], between: Callable[[int], object] = lambda _: None
    ) -> None:
        """One after the other, each followed by `between`, which is given its number from 1.

        Raises UnexpectedAnswer when the server did not take an event.
        """


class Recorder:
    """Writes to trackside, by recordEvents."""

    def __init__(self, loaded: Dataset, server: Server) -> None:
        self.loaded, self.server = loaded, server
        self._events = _of_first_journey(loaded)

    def prepare(self, size: int, number: int) -> list[bytes]:
        return [
            graphql(self.loaded.token, documents.RECORD, {"events": [*map(as_input, batch)]})
            for batch in batches(self._events, size, number)
        ]

    def write(
        self, requests: Sequence[bytes], between: Callable[[int], object] = lambda _: None
    ) -> None:
        for request, answer in _asked(self.server, requests, between):
            if answer.count(b'"outcome":"ACCEPTED"') != request.count(b'"occurredAt"'):
                raise UnexpectedAnswer(answer[:500].decode(errors="replace"))


class Publisher:
    """Hands a peer each batch as it is to be told; the peer keeps nothing."""

    def __init__(self, loaded: Dataset, server: Server) -> None:
        self.server = server
        self._events = _of_first_journey(loaded)
        self._messages: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def prepare(self, size: int, number: int) -> list[bytes]:
        return [
            post("/", orjson.dumps({"cursor": _cursor(), "events": [*map(self._told, batch)]}))
            for batch in batches(self._events, size, number)
        ]

    def write(
        self, requests: Sequence[bytes], between: Callable[[int], object] = lambda _: None
    ) -> None:
        for _, answer in _asked(self.server, requests, between):
            if answer != b"{}":
                raise UnexpectedAnswer(answer[:500].decode(errors="replace"))

    def _told(self, event: Event) -> dict[str, Any]:
        """As trackside tells it, but for receivedAt, which the peer knows."""
        kind = event.kind.value if isinstance(event, Delivery) else "QUEUED"
        if isinstance(event, CommunicationCreated):
            self._messages[event.communication] = _message(event)
        message = {**self._messages[event.communication], "status": kind}
        return {
            "id": f"evt_{next(self._numbers)}_{secrets.token_hex(4)}",
            "kind": kind,
            "url": event.url if isinstance(event, Delivery) else None,
            "communication": message,
            "contact": {"externalUsername": f"user-{len(self._messages) % 5_000}"},
        }


def _of_first_journey(loaded: Dataset) -> Iterator[Event]:
    return traffic(
        "live", lambda number: loaded.entry(number * JOURNEYS), loaded.entries // JOURNEYS
    )


def _asked(
    server: Server, requests: Sequence[bytes], between: Callable[[int], object]
) -> Iterator[tuple[bytes, bytes]]:
    # A connection of its own: the server closes one that was idle for a few seconds.
    with Connection(server.port) as connection:
        for number, request in enumerate(requests, 1):
            yield request, connection.ask(request)
            between(number)


def _message(event: CommunicationCreated) -> dict[str, Any]:
    return {
        "id": f"com_{secrets.token_hex(16)}",
        "externalId": event.communication,
        "channel": event.channel.value,
        "firstClickAt": None,
        "resource": {"name": event.resource},
    }


def _cursor() -> str:
    """As long as one of trackside's."""
    return secrets.token_urlsafe(_CURSOR_BYTES)
