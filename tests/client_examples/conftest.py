"""A server in a process of its own, and a partner who writes to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from time import time_ns
from typing import Any

import httpx
import pytest

from server.simulate_inputs import event_input
from server.simulate_partner import Partner
from store.ingest.events import (
    CommunicationCreated,
    ContactRef,
    Delivery,
    Event,
    JourneyEntered,
)
from store.words import Channel, DeliveryKind
from tests.support.trackside import Trackside
from tests.support.waiting import SOON

TARGET = "https://shop.example.com/offer"


@dataclass
class Sender:
    """Sends messages to one contact in one journey; each is a moment newer than the one before."""

    partner: Partner
    began: int = field(default_factory=lambda: time_ns() // 1_000 - 60_000_000)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def introduce(self, journey: str = "welcome", first_name: str = "Ada") -> None:
        step = {"key": "hello", "name": "Hello"}
        await self.partner.upsert_journey(
            {"externalId": journey, "name": f"The {journey} journey", "steps": [step]}
        )
        contact = {"externalUsername": journey, "firstName": first_name, "lastName": "Lovelace"}
        await self.partner.upsert_contacts([contact])
        await self.record(
            JourneyEntered(
                self._key(),
                self._now(),
                journey,
                ContactRef(external_username=journey),
                journey,
            )
        )

    async def send(
        self,
        *messages: str,
        journey: str = "welcome",
        channel: Channel = Channel.EMAIL,
        resource: str = "Welcome mail",
    ) -> str:
        """Returns the tracked link of the last one."""
        results = await self.record(
            *(
                CommunicationCreated(
                    self._key(),
                    self._now(),
                    message,
                    channel,
                    resource,
                    entry=journey,
                    links=(TARGET,),
                )
                for message in messages
            )
        )
        url: str = results[-1]["links"][0]["url"]
        return url

    async def report(self, message: str, kind: DeliveryKind) -> None:
        await self.record(Delivery(self._key(), self._now(), message, kind))

    async def record(self, *events: Event) -> list[dict[str, Any]]:
        results = await self.partner.record([event_input(event) for event in events])
        assert [result["outcome"] for result in results] == ["ACCEPTED"] * len(events)
        return results

    def _key(self) -> str:
        return f"key-{next(self.numbers)}"

    def _now(self) -> int:
        return self.began + next(self.numbers) * 1_000


@pytest.fixture
async def sender(trackside: Trackside) -> AsyncIterator[Sender]:
    async with httpx.AsyncClient(timeout=SOON) as client:
        stopping = asyncio.Event()
        partner = Partner(client, trackside.url, trackside.token, stopping, lambda _: None)
        yield Sender(partner)
