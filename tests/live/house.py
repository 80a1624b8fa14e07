"""The house of the live tests: two journeys, an entry in each, and a partner who reports events."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from typing import Any

import httpx

from store import Database, log
from tests.support.trackside import Trackside, TracksideServer
from tests.support.waiting import SOON

JOURNEYS = ("welcome", "winback")
BATCH = 50
"""Events a request; a multiple of what one message makes."""

_CHANNELS = ("EMAIL", "SMS", "PUSH")
_DELIVERIES = ("SENT", "DELIVERED", "OPENED")
A_MESSAGE = 2 + len(_DELIVERIES)
"""Events of one message: it is announced, delivered, and its entry reaches a step."""

RECORD = """
mutation Record($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { cursor results { outcome error { message } } }
}
"""
_PREPARE = """
mutation ($welcome: UpsertJourneyInput!, $winback: UpsertJourneyInput!,
          $contacts: UpsertContactsInput!) {
  welcome: upsertJourney(input: $welcome) { journey { id } }
  winback: upsertJourney(input: $winback) { journey { id } }
  upsertContacts(input: $contacts) { userErrors { message } }
}
"""


class House:
    """A workspace behind one or more servers; `journeys` are ids, `start` is the cursor
    behind all that was prepared."""

    def __init__(self, home: Trackside, servers: Sequence[TracksideServer]) -> None:
        self.home = home
        self.servers = servers
        self.journeys: list[str] = []
        self.start = ""
        self.start_seq = 0

    def through(self, *servers: TracksideServer) -> "House":
        """The same, written through and heard at these alone."""
        house = copy(self)
        house.servers = servers
        return house

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    async def record(self, client: httpx.AsyncClient, events: list[dict[str, Any]]) -> str | None:
        """Send the same until some server has acknowledged it, as a partner does; the cursor
        behind what was new."""
        while True:
            server = random.choice(self.servers)
            with suppress(httpx.TransportError, ValueError):
                response = await client.post(
                    f"{server.url}/graphql",
                    json={"query": RECORD, "variables": {"events": events}},
                    headers={"Authorization": f"Bearer {self.home.token}"},
                )
                answer = response.json()
                if "errors" not in answer:
                    recorded = answer["data"]["recordEvents"]
                    outcomes = {result["outcome"] for result in recorded["results"]}
                    assert outcomes <= {"ACCEPTED", "DUPLICATE"}, recorded
                    cursor: str | None = recorded["cursor"]
                    return cursor
            await asyncio.sleep(0.05)


async def a_house(*servers: TracksideServer) -> House:
    """Over servers of one database that run."""
    home = await servers[0].a_workspace()
    house = House(home, servers)
    made = await home.ask(
        _PREPARE,
        contacts={"contacts": [{"externalUsername": name} for name in JOURNEYS]},
        **{
            name: {
                "externalId": name,
                "name": name.title(),
                "steps": [{"key": "hello", "name": "Hello"}],
            }
            for name in JOURNEYS
        },
    )
    house.journeys = [made[name]["journey"]["id"] for name in JOURNEYS]
    entered = [
        {
            "journeyEntered": {
                "key": f"entered-{name}",
                "journey": name,
                "contact": {"externalUsername": name},
                "entry": name,
                "occurredAt": _now(),
            }
        }
        for name in JOURNEYS
    ]
    async with a_client() as client:
        house.start = await house.record(client, entered) or ""
    house.start_seq = await _head_seq(home)
    return house


async def _head_seq(home: Trackside) -> int:
    database = Database(home.server.database_url)
    try:
        async with database.read() as connection:
            return (await log.head(connection, home.workspace_id)).seq
    finally:
        await database.dispose()


def a_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=SOON)


class Partner:
    """Several senders that write batch after batch, at a pace, until enough is written."""

    def __init__(
        self, house: House, *, senders: int = 4, prefix: str = "m", batch: int = BATCH
    ) -> None:
        self.house = house
        self._senders = senders
        self._prefix = prefix
        self._batch = batch
        self._taken = 0
        self.written = 0
        self.wrote = asyncio.Condition()

    async def write(self, events: int, *, a_second: float | None = None) -> None:
        """So many more, in whole batches; returns when all are acknowledged."""
        goal = self._taken + events
        pause_s = self._senders * self._batch / a_second if a_second else 0
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._senders):
                tasks.create_task(self._send(goal, pause_s))

    async def until(self, written: int) -> None:
        """Returns when so many are acknowledged."""
        async with self.wrote:
            await self.wrote.wait_for(lambda: self.written >= written)

    async def _send(self, goal: int, pause_s: float) -> None:
        loop = asyncio.get_running_loop()
        async with a_client() as client:
            while self._taken < goal:
                begun = loop.time()
                first, self._taken = self._taken, self._taken + self._batch
                events = [self.event(number) for number in range(first, first + self._batch)]
                await self.house.record(client, events)
                async with self.wrote:
                    self.written += self._batch
                    self.wrote.notify_all()
                await asyncio.sleep(begun + pause_s - loop.time())

    def event(self, number: int) -> dict[str, Any]:
        """The event of this number; five in a row are those of one message."""
        message, kind = divmod(number, A_MESSAGE)
        entry = JOURNEYS[message % len(JOURNEYS)]
        name = f"{self._prefix}-{message}"
        shared = {"key": f"{self._prefix}:{number}", "occurredAt": _now()}
        if kind == 0:
            channel = _CHANNELS[message % len(_CHANNELS)]
            about = {"entry": entry, "channel": channel, "resource": "Hello"}
            return {"communication": {**shared, "communication": name, **about}}
        if kind == 1:
            return {
                "stepReached": {**shared, "entry": entry, "kind": "STEP_ENTERED", "step": "hello"}
            }
        delivery = {"communication": name, "kind": _DELIVERIES[kind - 2]}
        return {"delivery": {**shared, **delivery}}


def _now() -> str:
    return datetime.now(UTC).isoformat()
