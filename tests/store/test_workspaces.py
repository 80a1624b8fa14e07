"""Workspaces: the same names in two of them never meet."""

from collections.abc import Sequence
from typing import Any

import pytest

from resolvers import contact_changes, journey_changes
from resolvers import stops as resolvers_stops
from store import Connection, Database, idempotency, links, lists, log, tables, workspaces
from store.drafts import ContactDraft, JourneyDraft
from store.entities import ACTIVITY, COMMUNICATION, CONTACT, DELIVERY_EVENT, ENTRY, JOURNEY, Entity
from store.filters import (
    ActivityFilter,
    CommunicationFilter,
    DeliveryEventFilter,
    EntryFilter,
    Text,
)
from store.ingest.events import ContactEvent, ContactRef, Event, Facts
from store.lists import Order, PageRequest
from store.types import Id
from store.want import want
from store.words import ContactStatus, DeliveryKind, EventOutcome, Scope, StepKind, StopOutcome
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_context,
    a_journey,
    a_workspace,
    after,
    an_entry,
    announced,
    completed,
    converted,
    delivered,
    entered,
    exited,
    reached,
)

EVERY_TABLE = [table for table in tables.metadata.sorted_tables if table.name != "workspaces"]


async def furnished(database: Database) -> Workspace:
    """One of two that hold the same under the same names."""
    workspace = await a_workspace(database)
    await a_journey(workspace)
    await a_contact(workspace, "ada", email="ada@example.org", last_name="Lovelace")
    await an_entry(workspace)
    await workspace.record(
        reached("hello", StepKind.WAITING),
        announced("m1", links=("https://shop.example",), provider_message_id="p1", key="m1"),
        delivered(DeliveryKind.CLICKED, key="click"),
        Facts("facts", NOW, ContactRef("ada"), {"level": 1}, None, {"n": 1}),
        delivered(communication="unknown", key="waits"),
    )
    return workspace


@pytest.fixture
async def here(database: Database) -> Workspace:
    return await furnished(database)


@pytest.fixture
async def there(database: Database) -> Workspace:
    return await furnished(database)


async def everything(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    return {table.name: await workspace.rows(table) for table in EVERY_TABLE}


CHANGES: dict[str, Sequence[Event]] = {
    "an entry of the same name": [entered("e2")],
    "steps": [reached("hello", StepKind.STEP_COMPLETED, at=after(1))],
    "the end": [completed(at=after(1))],
    "an exit": [exited(at=after(1), reason="rule")],
    "a conversion": [converted(at=after(1))],
    "a message": [announced("m2")],
    "what was awaited": [announced("unknown")],
    "a delivery": [delivered(DeliveryKind.BOUNCED, at=after(1))],
    "the same keys": [
        delivered(DeliveryKind.OPENED, key="click"),
        announced("m3", key="waits"),
    ],
    "facts": [Facts("other", after(1), ContactRef("ada"), {"level": 2}, None, {"n": 2})],
    "an event": [ContactEvent("visit", NOW, ContactRef(email="ADA@example.org"), "visit")],
}


@pytest.mark.parametrize("name", CHANGES)
async def test_events_of_one_workspace_change_nothing_in_another(
    here: Workspace, there: Workspace, name: str
) -> None:
    before = await everything(there)

    await here.record(*CHANGES[name], now=after(9))

    assert await everything(there) == before


async def test_a_key_used_elsewhere_is_free_here(here: Workspace, there: Workspace) -> None:
    event = converted(key="k")
    await here.record(event)

    outcomes = await there.record(event)

    assert [one.kind for one in outcomes] == [EventOutcome.ACCEPTED]


async def test_an_entry_that_is_open_elsewhere_is_not_meant(database: Database) -> None:
    full, empty = await furnished(database), await a_workspace(database)
    await a_journey(empty)
    await a_contact(empty)

    (outcome,) = await empty.record(
        announced("m1", None, journey="welcome", contact=ContactRef("ada"))
    )

    assert outcome.kind is EventOutcome.REJECTED
    assert len(await full.rows(tables.communications)) == 1


async def test_changes_of_journeys_and_contacts_stay_in_their_workspace(
    here: Workspace, there: Workspace
) -> None:
    before = await everything(there)
    admin = a_context(here, Scope.ADMIN)

    await journey_changes.upsert(admin, JourneyDraft("welcome", "Mine now"))
    await contact_changes.upsert(
        admin,
        [
            ContactDraft("ada", email="new@example.org", status=ContactStatus.CUSTOMER),
            ContactDraft("bob", email="bob@example.org"),
        ],
    )
    await contact_changes.create(admin, ContactDraft("cleo"), idempotency_key="k")

    assert await everything(there) == before


async def test_a_stop_of_entries_elsewhere_finds_none(here: Workspace, there: Workspace) -> None:
    theirs = (await there.entry())["id"]
    before = await everything(there), await everything(here)

    done = await resolvers_stops.stop(a_context(here, Scope.OPERATE), (theirs,))

    assert [outcome for _, outcome in done.outcomes] == [StopOutcome.NOT_FOUND]
    assert (await everything(there), await everything(here)) == before


ENTITIES: dict[str, tuple[Entity[Any], str]] = {
    "journeys": (JOURNEY, "created_at"),
    "contacts": (CONTACT, "created_at"),
    "entries": (ENTRY, "entered_at"),
    "communications": (COMMUNICATION, "created_at"),
}


async def ids_of(workspace: Workspace, entity: Entity[Any]) -> list[Id]:
    return [row["id"] for row in await workspace.rows(entity.table)]


@pytest.mark.parametrize("name", ENTITIES)
async def test_lists_counts_and_look_ups_see_their_workspace_alone(
    here: Workspace, there: Workspace, name: str
) -> None:
    entity, field = ENTITIES[name]
    mine, theirs = await ids_of(here, entity), await ids_of(there, entity)

    async with here.database.read() as connection:
        found = await lists.page(
            connection, entity, here.id, None, Order(field), PageRequest(), want(["id"])
        )
        counted = await lists.count(connection, entity, here.id, None)
        many = await lists.get_many(connection, entity, here.id, mine + theirs, want(["id"]))
        foreign = [
            await lists.get(connection, entity, here.id, want(["id"]), id=one) for one in theirs
        ]

    assert [row.id for row in found.rows] == mine
    assert counted.value == len(mine)
    assert list(many) == mine
    assert foreign == [None] * len(theirs)


@pytest.mark.parametrize(
    ("entity", "column", "value"),
    [
        (JOURNEY, "external_id", "welcome"),
        (ENTRY, "external_id", "e1"),
        (COMMUNICATION, "external_id", "m1"),
        (CONTACT, "external_username", "ada"),
        (CONTACT, "email_key", "ada@example.org"),
    ],
    ids=["journey", "entry", "communication", "contact", "e-mail"],
)
async def test_a_name_means_the_one_of_its_workspace(
    here: Workspace, there: Workspace, entity: Entity[Any], column: str, value: str
) -> None:
    async with here.database.read() as connection:
        found = [
            await lists.get(connection, entity, one.id, want(["id"]), **{column: value})
            for one in (here, there)
        ]
        unknown = await lists.get(connection, entity, here.id, want(["id"]), **{column: "nobody"})

    assert [row.id for row in found if row is not None] == [
        *await ids_of(here, entity),
        *await ids_of(there, entity),
    ]
    assert unknown is None


async def test_filters_by_ids_of_another_workspace_find_nothing(
    here: Workspace, there: Workspace
) -> None:
    (journey_id,) = await ids_of(there, JOURNEY)
    (entry_id,) = await ids_of(there, ENTRY)
    (contact_id,) = await ids_of(there, CONTACT)
    (message_id,) = await ids_of(there, COMMUNICATION)
    asked: list[tuple[Entity[Any], str, Any]] = [
        (ENTRY, "entered_at", EntryFilter(id=(entry_id,))),
        (ENTRY, "entered_at", EntryFilter(journey_id=(journey_id,))),
        (ENTRY, "entered_at", EntryFilter(activity=ActivityFilter(entry_id=(entry_id,)))),
        (COMMUNICATION, "created_at", CommunicationFilter(contact_id=(contact_id,))),
        (COMMUNICATION, "created_at", CommunicationFilter(entry_id=(entry_id,))),
        (ACTIVITY, "seq", ActivityFilter(journey_id=(journey_id,))),
        (DELIVERY_EVENT, "seq", DeliveryEventFilter(communication_id=(message_id,))),
    ]

    async with here.database.read() as connection:
        for entity, field, one in asked:
            found = await lists.page(
                connection,
                entity,
                here.id,
                one,
                Order(field),
                PageRequest(),
                want([entity.id_column]),
            )
            assert found.rows == [], one


async def test_pages_of_foreign_parents_are_empty(here: Workspace, there: Workspace) -> None:
    parents = [*await ids_of(there, JOURNEY), *await ids_of(here, JOURNEY)]

    async with here.database.read() as connection:
        found = await lists.pages(
            connection,
            COMMUNICATION,
            here.id,
            "journey_id",
            parents,
            None,
            Order("created_at"),
            PageRequest(),
            want(["id"]),
        )

    assert [len(found[one].rows) for one in parents] == [0, 1]


async def test_searches_reach_into_their_workspace_alone(database: Database) -> None:
    full, other = await furnished(database), await a_workspace(database)
    await a_journey(other)
    await a_contact(other, "bob")
    await an_entry(other, contact="bob")
    await other.record(announced("m1", resource="Other mail"))
    asked: list[tuple[Entity[Any], str, Any]] = [
        (COMMUNICATION, "created_at", CommunicationFilter(contact_search="lovelace")),
        (COMMUNICATION, "created_at", CommunicationFilter(resource=Text(contains="welcome"))),
        (ENTRY, "entered_at", EntryFilter(search="ada@example")),
    ]

    async with database.read() as connection:
        for entity, field, one in asked:
            numbers = [
                len(
                    (
                        await lists.page(
                            connection,
                            entity,
                            workspace.id,
                            one,
                            Order(field),
                            PageRequest(),
                            want(["id"]),
                        )
                    ).rows
                )
                for workspace in (full, other)
            ]
            assert numbers == [1, 0], one


async def test_each_workspace_has_a_log_of_its_own(here: Workspace, there: Workspace) -> None:
    before = await there.rows(tables.log)
    await here.record(converted())

    async with here.database.read() as connection:
        heads = [await log.head(connection, one.id) for one in (here, there)]
        marks = [await log.mark(connection, one.id, heads[0].seq) for one in (here, there)]
        activities = await log.activities(
            connection, there.id, None, 0, 1_000, 1_000, want(["seq", "recorded_at", "nonce"])
        )

    assert heads[0].seq == heads[1].seq + 1
    assert heads[0].epoch != heads[1].epoch
    assert marks[0] is not None
    assert marks[1] is None
    assert {(row.seq, row.nonce) for row in activities} <= {
        (row["seq"], row["nonce"]) for row in before
    }


async def test_the_link_of_a_message_leads_nowhere_in_another_workspace(
    here: Workspace, there: Workspace
) -> None:
    (message_id,) = await ids_of(here, COMMUNICATION)

    async with here.database.read() as connection:
        found = [
            await links.find(connection, one.id, message_id, position)
            for one in (here, there)
            for position in (0, 1, 2)
        ]

    assert found == [links.Link("m1", None), links.Link("m1", "https://shop.example"), *[None] * 4]


async def test_an_idempotency_key_is_of_its_workspace(here: Workspace, there: Workspace) -> None:
    said = idempotency.digest("input")

    async def remember(connection: Connection) -> None:
        await idempotency.remember(connection, here.id, "create", "k", said, {"id": 1}, NOW)

    await here.database.transact(remember)

    async with here.database.read() as connection:
        recalled = [
            await idempotency.recall(connection, one.id, "create", "k", said, NOW)
            for one in (here, there)
        ]
    assert recalled == [{"id": 1}, None]


async def test_a_workspace_is_found_by_its_name(database: Database) -> None:
    made = await a_workspace(database, "Möbel & Söhne")

    async with database.read() as connection:
        found = [await workspaces.find(connection, name) for name in ("Möbel & Söhne", "möbel")]

    assert found == [made.id, None]
