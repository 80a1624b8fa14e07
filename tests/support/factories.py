"""Factories: a workspace and what is in it, stating only what a test is about.

The ones that make rows are `a_…` and need a Workspace; the ones that make events are named as what
happened. Times are given as seconds behind NOW.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from sqlalchemy import Table, select

from resolvers.context import Context, Viewer
from resolvers.recorder import Recorder
from server.files import Files
from server.uploads import ContactLists
from store import Connection, Database, contacts, journeys, stops, workspaces
from store.drafts import ContactDraft, JourneyDraft, StepDraft
from store.ingest import events
from store.ingest.events import ContactRef, Event
from store.ingest.outcomes import Arrival, Outcome, Recorded
from store.ingest.record import record
from store.tables import communications, entries, log
from store.types import SECOND, Id, Instant, new_id
from store.words import Channel, ContactStatus, DeliveryKind, Scope, StepKind, StopOutcome
from subscriptions import Hub
from subscriptions.signing import Signer

NOW: Instant = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""

FILES = Path(tempfile.gettempdir()) / "trackside-test-files"
"""Where uploads of tests are kept that look at none."""

_numbers = count(1)


def after(seconds: float) -> Instant:
    return NOW + round(seconds * SECOND)


def a_key() -> str:
    """A key that no other event has."""
    return f"key-{next(_numbers)}"


@dataclass(frozen=True)
class Workspace:
    """One workspace of a database."""

    database: Database
    id: int

    async def record(
        self, *happened: Event, source: str = "partner", now: Instant = NOW
    ) -> list[Outcome]:
        """Record the events in one transaction."""
        return (await self.recorded(happened, source=source, now=now)).outcomes

    async def recorded(
        self, happened: Sequence[Event], *, source: str = "partner", now: Instant = NOW
    ) -> Recorded:
        return await self.arrived([Arrival(event, source) for event in happened], now=now)

    async def arrived(self, arrivals: Sequence[Arrival], *, now: Instant = NOW) -> Recorded:
        """Record what came from several sides, in one transaction."""
        return await self.database.transact(
            lambda connection: record(connection, self.id, arrivals, now)
        )

    async def stop(self, *entry_ids: Id, now: Instant = NOW) -> list[StopOutcome]:
        async def work(connection: Connection) -> stops.Stopping:
            return await stops.stop(
                connection,
                self.id,
                entry_ids,
                actor="ops",
                note=None,
                now=now,
                is_dry_run=False,
            )

        return [outcome for _, outcome in (await self.database.transact(work)).outcomes]

    async def insert(self, table: Table, **values: object) -> None:
        """Put a row into a table for which there is no function yet."""
        async with self.database.write() as connection:
            await connection.execute(table.insert(), {"workspace_id": self.id, **values})

    async def rows(self, table: Table, **equals: object) -> list[dict[str, Any]]:
        """The workspace's rows of a table, in the order of its primary key."""
        statement = (
            select(table)
            .where(
                table.c.workspace_id == self.id,
                *(table.c[name] == value for name, value in equals.items()),
            )
            .order_by(*table.primary_key)
        )
        async with self.database.read() as connection:
            return [dict(row) for row in (await connection.execute(statement)).mappings()]

    async def facts(self) -> list[dict[str, Any]]:
        """The log, but for the making of contacts, which most tests are not about."""
        made = "CONTACT_CREATED"
        return [row for row in await self.rows(log) if row["change"] != made]

    async def entry(self, external_id: str = "e1") -> dict[str, Any]:
        (row,) = await self.rows(entries, external_id=external_id)
        return row

    async def message(self, external_id: str = "m1") -> dict[str, Any]:
        (row,) = await self.rows(communications, external_id=external_id)
        return row


_HUBS: WeakKeyDictionary[Database, list[Hub]] = WeakKeyDictionary()
_IDLE: dict[str, Database] = {}
"""Disposed of, with all statements that they compiled: their URLs come again."""


@asynccontextmanager
async def a_database(url: str) -> AsyncIterator[Database]:
    """Disposed of at the end, when the hubs of its contexts have ended."""
    database = _IDLE.pop(url, None) or Database(url)
    try:
        yield database
    finally:
        for hub in _HUBS.pop(database, []):
            await hub.stop()
        await database.dispose()
        _IDLE[url] = database


async def a_workspace(database: Database, name: str | None = None) -> Workspace:
    async with database.write() as connection:
        name = name or f"workspace {uuid4().hex}"
        return Workspace(database, await workspaces.create(connection, name, NOW))


async def a_journey(
    workspace: Workspace,
    external_id: str = "welcome",
    steps: Sequence[str] = ("hello", "remind", "thank"),
    **values: Any,
) -> Id:
    """A journey with steps of these keys."""
    draft = JourneyDraft(
        external_id=external_id,
        name=values.pop("name", external_id.title()),
        steps=tuple(StepDraft(key=key, name=key.title()) for key in steps),
        **values,
    )
    return await workspace.database.transact(
        lambda connection: journeys.upsert(connection, workspace.id, draft, NOW)
    )


async def a_contact(
    workspace: Workspace,
    external_username: str | None = "ada",
    *,
    email: str | None = None,
    status: ContactStatus = ContactStatus.LEAD,
    now: Instant = NOW,
    **values: Any,
) -> Id:
    draft = ContactDraft(external_username, email=email, status=status, **values)
    written = await workspace.database.transact(
        lambda connection: contacts.create(connection, workspace.id, draft, by="ops", now=now)
    )
    (made,) = written.results
    assert isinstance(made, bytes), made
    return made


async def an_entry(
    workspace: Workspace,
    external_id: str = "e1",
    contact: str = "ada",
    journey: str = "welcome",
    *,
    at: Instant = NOW,
    in_control_group: bool = False,
) -> Id:
    """An entry of a contact and into a journey that exist."""
    (outcome,) = await workspace.record(
        entered(external_id, contact, journey, at=at, in_control_group=in_control_group)
    )
    assert outcome.refusal is None, outcome
    row = await workspace.entry(external_id)
    return bytes(row["id"])


async def a_message(
    workspace: Workspace, external_id: str = "m1", entry: str = "e1", **values: Any
) -> Id:
    """A communication to an entry that exists."""
    (outcome,) = await workspace.record(announced(external_id, entry, **values))
    assert outcome.communication_id is not None, outcome
    return outcome.communication_id


async def a_house(database: Database) -> Workspace:
    """A workspace with the contact ada in the journey welcome: entry e1, message m1."""
    workspace = await a_workspace(database)
    await a_journey(workspace)
    await a_contact(workspace)
    await an_entry(workspace)
    await a_message(workspace)
    return workspace


def a_context(
    workspace: Workspace, *scopes: Scope, now: Instant = NOW, source: str = "Shop"
) -> Context:
    """A request by a token with these scopes."""
    hub = Hub()
    _HUBS.setdefault(workspace.database, []).append(hub)
    viewer = Viewer(
        workspace_id=workspace.id,
        workspace="Trackside",
        token_id=new_id(),
        token_name=source,
        email=None,
        scopes=frozenset(scopes),
    )
    return Context(
        viewer=viewer,
        database=workspace.database,
        hub=hub,
        signer=Signer(b"a secret of the tests"),
        public_url="https://track.example",
        now=lambda: now,
        recorder=Recorder(workspace.database, hub, lambda: now),
        uploads=ContactLists(Files(FILES), 10_000_000),
        files=Files(FILES),
    )


def entered(
    entry: str = "e1",
    contact: str = "ada",
    journey: str = "welcome",
    *,
    at: Instant = NOW,
    in_control_group: bool = False,
    key: str | None = None,
) -> events.JourneyEntered:
    return events.JourneyEntered(
        key or a_key(), at, journey, ContactRef(contact), entry, in_control_group
    )


def answered(
    entry: str | None = "e1",
    question: str = "mood",
    *,
    contact: str = "ada",
    journey: str = "welcome",
    text: str = "fine",
    at: Instant = NOW,
) -> events.SurveyAnswered:
    return events.SurveyAnswered(
        a_key(), at, ContactRef(contact), journey, question, entry, text=text
    )


def chose(
    reward: str, *, contact: str = "ada", journey: str = "welcome", at: Instant = NOW
) -> events.RewardChosen:
    return events.RewardChosen(a_key(), at, ContactRef(contact), journey, reward)


def reached(
    step: str | None = "hello",
    kind: StepKind = StepKind.STEP_ENTERED,
    entry: str = "e1",
    *,
    at: Instant = NOW,
    key: str | None = None,
    **values: Any,
) -> events.StepReached:
    return events.StepReached(key or a_key(), at, entry, kind, step, **values)


def announced(
    communication: str = "m1",
    entry: str | None = "e1",
    *,
    at: Instant = NOW,
    channel: Channel = Channel.EMAIL,
    resource: str = "Welcome mail",
    key: str | None = None,
    **values: Any,
) -> events.CommunicationCreated:
    return events.CommunicationCreated(
        key or a_key(), at, communication, channel, resource, entry, **values
    )


def delivered(
    kind: DeliveryKind = DeliveryKind.DELIVERED,
    communication: str = "m1",
    *,
    at: Instant = NOW,
    key: str | None = None,
    **values: Any,
) -> events.Delivery:
    return events.Delivery(key or a_key(), at, communication, kind, **values)


def by_provider(event: events.Delivery, name: str) -> events.ProviderDelivery:
    """The same of the message that its provider knows by this name."""
    values = {one: getattr(event, one) for one in events.Delivery.__dataclass_fields__}
    return events.ProviderDelivery(**{**values, "communication": name})


def converted(
    entry: str = "e1", *, at: Instant = NOW, key: str | None = None, reason: str | None = None
) -> events.Converted:
    return events.Converted(key or a_key(), at, entry, reason)


def exited(
    entry: str = "e1", *, at: Instant = NOW, key: str | None = None, reason: str | None = None
) -> events.Exited:
    return events.Exited(key or a_key(), at, entry, reason)


def completed(entry: str = "e1", *, at: Instant = NOW, key: str | None = None) -> events.Completed:
    return events.Completed(key or a_key(), at, entry)


def failed(
    entry: str = "e1", *, at: Instant = NOW, key: str | None = None, reason: str | None = None
) -> events.Failed:
    return events.Failed(key or a_key(), at, entry, reason)
