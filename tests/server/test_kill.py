"""The promise: a server killed while it writes loses nothing that it acknowledged, and a subscriber
that resumes with its cursor has seen every committed event once, in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from server.graphql_ws import PROTOCOL
from store import Database, log
from store.filters import DeliveryEventFilter
from store.want import want
from tests.support.trackside import Trackside, TracksideServer

BATCHES = 40
BATCH = 25
KILLS = 3

RECORD = """
mutation Record($input: RecordEventsInput!) {
  recordEvents(input: $input) { results { key outcome error { message } } }
}
"""
PREPARE = """
mutation Prepare($journey: UpsertJourneyInput!, $contacts: UpsertContactsInput!) {
  upsertJourney(input: $journey) { userErrors { message } }
  upsertContacts(input: $contacts) { userErrors { message } }
}
"""
FOLLOW = """
subscription Follow($after: LogCursor) {
  communicationEvents(after: $after) {
    cursor
    gap { reason }
    events { id kind communication { externalId } }
  }
}
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def trackside(database_url: str) -> AsyncIterator[Trackside]:
    server = TracksideServer(database_url)
    await asyncio.to_thread(server.start)
    yield await server.a_workspace()
    await asyncio.to_thread(server.stop)


class Subscriber:
    """Takes events until it is told to end; comes back with its cursor whenever it is cut off."""

    def __init__(self, trackside: Trackside) -> None:
        self._trackside = trackside
        self._cursor: str | None = None
        self.seen: list[tuple[str, str]] = []
        self.took = asyncio.Event()
        self.cuts = 0

    async def follow(self) -> None:
        while True:
            try:
                await self._follow()
            except (ConnectionClosed, InvalidHandshake, OSError):
                self.cuts += 1
                await asyncio.sleep(0.02)

    async def _follow(self) -> None:
        address = self._trackside.url.replace("http", "ws", 1) + "/graphql"
        async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], proxy=None) as socket:
            await socket.send(
                frame(type="connection_init", payload={"token": self._trackside.token})
            )
            await socket.recv()
            payload = {"query": FOLLOW, "variables": {"after": self._cursor}}
            await socket.send(frame(id="1", type="subscribe", payload=payload))
            async for text in socket:
                batch = orjson.loads(text)["payload"]["data"]["communicationEvents"]
                assert batch["gap"] is None
                self.seen += [
                    (event["id"], event["communication"]["externalId"]) for event in batch["events"]
                ]
                self._cursor = batch["cursor"]
                self.took.set()


def frame(**message: Any) -> str:
    return orjson.dumps(message).decode()


async def record(trackside: Trackside, events: list[dict[str, Any]]) -> None:
    """Sends the same until it is acknowledged, as a partner does."""
    while True:
        try:
            answer = await trackside.ask(RECORD, input={"events": events})
        except (httpx.TransportError, ValueError, AssertionError):
            await asyncio.sleep(0.02)
            continue
        outcomes = {result["outcome"] for result in answer["recordEvents"]["results"]}
        assert outcomes <= {"ACCEPTED", "DUPLICATE"}, answer
        return


def batch(number: int) -> list[dict[str, Any]]:
    return [
        {
            "communication": {
                "key": f"key-{number}-{index}",
                "communication": f"mail-{number}-{index}",
                "entry": "entry-1",
                "channel": "EMAIL",
                "resource": "Hello",
                "occurredAt": datetime.now(UTC).isoformat(),
            }
        }
        for index in range(BATCH)
    ]


async def test_nothing_is_lost_or_repeated_over_kills(trackside: Trackside) -> None:
    await prepare(trackside)
    subscriber = Subscriber(trackside)
    following = asyncio.create_task(subscriber.follow())
    await subscriber.took.wait()

    for number in range(BATCHES):
        writing = asyncio.create_task(record(trackside, batch(number)))
        if number % (BATCHES // KILLS) == BATCHES // KILLS - 1:
            await asyncio.to_thread(trackside.server.kill)
            await asyncio.to_thread(trackside.server.start)
        await writing

    expected = await logged(trackside)
    async with asyncio.timeout(60):
        while len(subscriber.seen) < len(expected):
            subscriber.took.clear()
            await subscriber.took.wait()
    following.cancel()
    await asyncio.wait([following])
    assert subscriber.seen == expected
    assert sorted(name for _, name in expected) == sorted(
        f"mail-{number}-{index}" for number in range(BATCHES) for index in range(BATCH)
    )
    assert subscriber.cuts >= KILLS


async def prepare(trackside: Trackside) -> None:
    await trackside.ask(
        PREPARE,
        journey={
            "externalId": "welcome",
            "name": "Welcome",
            "steps": [{"key": "hello", "name": "Hello"}],
        },
        contacts={"contacts": [{"externalUsername": "ada"}]},
    )
    entered = {
        "key": "entered",
        "journey": "welcome",
        "contact": {"externalUsername": "ada"},
        "entry": "entry-1",
        "occurredAt": datetime.now(UTC).isoformat(),
    }
    await record(trackside, [{"journeyEntered": entered}])


async def logged(trackside: Trackside) -> list[tuple[str, str]]:
    """Every event of a message that was committed, in the log's order, as the API names it."""
    database = Database(trackside.server.database_url)
    wanted = want(["seq", "nonce"], {"communication": want(["external_id"])})
    async with database.read() as connection:
        head = await log.head(connection, trackside.workspace_id)
        rows = await log.delivery_events(
            connection,
            trackside.workspace_id,
            DeliveryEventFilter(),
            0,
            head.seq,
            100_000,
            wanted,
        )
    await database.dispose()
    return [(f"evt_{row.seq}_{row.nonce.hex()}", row.communication.external_id) for row in rows]
