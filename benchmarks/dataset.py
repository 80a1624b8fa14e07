"""Datasets: a workspace with journeys, people in them, and as many messages as are wanted."""

import time
from dataclasses import dataclass

from benchmarks import histories
from benchmarks.bulk import Bulk
from benchmarks.stores import settle
from resolvers.token_secrets import hash_of, new_secret
from store import Database, journeys, tokens, workspaces
from store.drafts import JourneyDraft, StepDraft
from store.ingest.loading import find_resources
from store.types import Id, Instant
from store.words import Channel, Scope

JOURNEYS = 10
RESOURCES: tuple[tuple[Channel, str, int], ...] = (
    (Channel.EMAIL, "Welcome", 40),
    (Channel.EMAIL, "Offer of the week", 20),
    (Channel.SMS, "Reminder", 20),
    (Channel.PUSH, "Your points", 15),
    (Channel.INBOX, "News", 5),
)
"""What is sent, and of a hundred messages how many are that."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`journeys` in order: the entry number n is in the journey n modulo JOURNEYS."""

    url: str
    workspace_id: int
    token: str
    journeys: tuple[Id, ...]
    entries: int

    def entry(self, number: int) -> str:
        """The partner's own id of an entry."""
        return histories.entry_name(number)


async def make(url: str, *, messages: int, entries: int) -> Dataset:
    """Fill the empty database. Journeys and resources come through the store, the rest in bulk."""
    now = time.time_ns() // 1_000
    database = Database(url)
    try:
        workspace_id, token, made, resources = await begin(database, now, JOURNEYS)
    finally:
        await database.dispose()
    history = histories.History(workspace_id, made, resources, now)
    bulk = await Bulk(url, is_lasting=False).open()
    try:
        contacts = [*history.contacts(max(1_000, entries // 2))]
        await bulk.write(*histories.CONTACTS, contacts)
        people = [*history.entries(entries, [row[1] for row in contacts])]
        await bulk.write(*histories.ENTRIES, people)
        await bulk.write(*histories.ENTRY_KEYS, history.entry_keys(people))
        await bulk.write(*histories.MESSAGES, history.messages(messages, people))
        keys = await bulk.read(*histories.NAMED_MESSAGES, f"workspace_id = {workspace_id}")
        await bulk.write(*histories.MESSAGE_KEYS, ((*key, True) for key in keys))
    finally:
        await bulk.close()
    await settle(url)
    return Dataset(url, workspace_id, token, made, entries)


async def begin(
    database: Database, now: Instant, journeys_wanted: int, name: str = "bench"
) -> tuple[int, str, tuple[Id, ...], list[tuple[Channel, Id]]]:
    """The workspace, a token for everything, the journeys, and the resources by weight."""
    async with database.write() as connection:
        workspace_id = await workspaces.create(connection, name, now)
        secret = new_secret(workspace_id)
        await tokens.create(
            connection,
            workspace_id,
            name="partner",
            email=None,
            scopes=[*Scope],
            secret_hash=hash_of(secret),
            now=now,
        )
        steps = tuple(
            StepDraft(f"step-{number}", f"Send {name}", channel, name, patience_seconds=86_400)
            for number, (channel, name, _) in enumerate(RESOURCES)
        )
        made = [
            await journeys.upsert(
                connection,
                workspace_id,
                JourneyDraft(f"journey-{number}", f"Journey {number}", steps=steps),
                now,
            )
            for number in range(journeys_wanted)
        ]
        known: dict[tuple[str, str], Id] = {}
        names = {(channel.value, name) for channel, name, _ in RESOURCES}
        await find_resources(connection, workspace_id, names, known)
    weighted = [
        (channel, known[channel.value, name])
        for channel, name, weight in RESOURCES
        for _ in range(weight)
    ]
    return workspace_id, secret, tuple(made), weighted
