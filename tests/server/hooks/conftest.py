"""Hooks of a real server, and the messages that providers report on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from store import workspaces
from tests.server.serving import Serving, a_server, a_token, settings_for
from tests.support.senders import Sent, Ses

CREATE = """mutation ($provider: String!, $name: String!, $secret: String!, $channel: Channel) {
  createConnector(
    input: {provider: $provider, name: $name, secret: $secret, channel: $channel}
  ) {
    connector { id provider name channel url createdAt lastReceivedAt }
    userErrors { code field message } } }"""
CONNECTORS = "{ connectors { id provider name channel url lastReceivedAt } }"
LETTERS = """{ deadLetters(first: 50) { totalCount { value } nodes {
    id reason body receivedAt connector { name } } } }"""
_WRITE = """mutation ($journey: UpsertJourneyInput!, $contacts: UpsertContactsInput!) {
  upsertJourney(input: $journey) { userErrors { message } }
  upsertContacts(input: $contacts) { userErrors { message } } }"""
_RECORD = """mutation ($events: [EventInput!]!) { recordEvents(input: {events: $events}) {
    results { outcome error { message } } userErrors { message } } }"""
_MESSAGE = """query ($id: String!) { communication(externalId: $id) {
    status clickCount lastClickedUrl
    events(first: 100) { nodes { kind url reason source occurredAt isSuspectedBot botSignals } }
  } }"""


@dataclass
class House:
    """A workspace with ada's entry in a journey, and what a provider does to it."""

    serving: Serving
    ses: Ses

    async def furnish(self) -> None:
        """Register the journey and ada's entry in it."""
        await self.ask(
            _WRITE,
            journey={
                "externalId": "welcome",
                "name": "Welcome",
                "steps": [{"key": "hello", "name": "Hello", "channel": "EMAIL"}],
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
        await self.ask(_RECORD, events=[{"journeyEntered": entered}])

    async def neighbours(self) -> "House":
        """Another workspace of the same server."""
        services = self.serving.services
        async with services.database.write() as connection:
            workspace_id = await workspaces.create(connection, "neighbours", services.now())
        token, token_id = await a_token(services, workspace_id)
        serving = replace(self.serving, workspace_id=workspace_id, token=token, token_id=token_id)
        house = House(serving, self.ses)
        await house.furnish()
        return house

    async def connect(
        self, provider: str, secret: str, name: str | None = None, *, channel: str | None = None
    ) -> str:
        """The path of a new connector's hook."""
        asked = {"provider": provider, "name": name or provider, "secret": secret}
        made = await self.ask(CREATE, **asked, channel=channel)
        assert made["createConnector"]["userErrors"] == []
        url: str = made["createConnector"]["connector"]["url"]
        return url.removeprefix("https://trackside.example")

    async def post(self, path: str, sent: Sent) -> httpx.Response:
        target = f"{path}?{sent.query}" if sent.query else path
        async with httpx.AsyncClient(base_url=self.serving.url, timeout=30) as client:
            return await client.post(target, content=sent.body, headers=sent.headers)

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = await self.serving.ask(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def announce(
        self, name: str = "mail-1", *, provider_id: str | None = None, channel: str = "EMAIL"
    ) -> None:
        event = {
            "key": f"{name}:created",
            "communication": name,
            "entry": "entry-1",
            "channel": channel,
            "resource": "Hello",
            "providerMessageId": provider_id,
            "occurredAt": datetime.now(UTC).isoformat(),
        }
        data = await self.ask(_RECORD, events=[{"communication": event}])
        assert data["recordEvents"]["results"] == [{"outcome": "ACCEPTED", "error": None}]

    async def message(self, name: str = "mail-1") -> Any:
        return (await self.ask(_MESSAGE, id=name))["communication"]

    async def events(self, name: str = "mail-1") -> list[Any]:
        """All but its announcement, in the order of occurring."""
        nodes = (await self.message(name))["events"]["nodes"]
        told = [one for one in nodes if one["source"] != "ops"]
        return sorted(told, key=lambda one: one["occurredAt"])

    async def kinds(self, name: str = "mail-1") -> list[str]:
        return [one["kind"] for one in await self.events(name)]

    async def letters(self) -> list[Any]:
        nodes: list[Any] = (await self.ask(LETTERS))["deadLetters"]["nodes"]
        return nodes


@asynccontextmanager
async def a_house(url: str) -> AsyncIterator[House]:
    ses = Ses()
    async with a_server(settings_for(url), fetch=ses.fetch) as serving:
        house = House(serving, ses)
        await house.furnish()
        yield house


@pytest.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    async with a_house(sqlite_url) as house:
        await house.announce(provider_id="provider-1")
        yield house


@pytest.fixture
async def bare_house(database_url: str) -> AsyncIterator[House]:
    """On both databases, without a message."""
    async with a_house(database_url) as house:
        yield house
