"""Lookups: rare rows are found at once among very many, in two statements at most."""

from typing import Any

import pytest

from store import Database, lookups, plans, tables
from store.conditions import Filter
from store.entities import ACTIVITY, COMMUNICATION, CONTACT, ENTRY, Entity
from store.filters import ActivityFilter, CommunicationFilter, ContactFilter, EntryFilter
from store.folding import search_text
from store.lists import Count, Order, PageRequest, count, page
from store.types import Id, new_id
from store.want import want
from store.words import (
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryKind,
    DeliveryStatus,
    EntryState,
)
from tests.support.factories import NOW, Workspace, a_workspace
from tests.support.population import insert
from tests.support.statements import counted

PEOPLE = 600
RARE = (7, 345, PEOPLE - 1)


class Crowd:
    """A journey of very many, each with a message; a few are unlike the others."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.journey: Id = new_id()
        self.resource: Id = new_id()
        self.contacts = [new_id() for _ in range(PEOPLE)]
        self.entries = [new_id() for _ in range(PEOPLE)]
        self.messages = [new_id() for _ in range(PEOPLE)]

    async def write(self) -> None:
        rows = self._rows()
        for table, made in rows.items():
            await insert(self.workspace, tables.metadata.tables[table], made)

    def _rows(self) -> dict[str, list[dict[str, object]]]:
        numbers = range(PEOPLE)
        channel = Channel.POPUP
        return {
            "journeys": [
                {
                    "id": self.journey,
                    "name": "J",
                    "search": "\nj",
                    "status": "ACTIVE",
                    "created_at": NOW,
                    "updated_at": NOW,
                }
            ],
            "resources": [{"id": self.resource, "name": "R", "channel": channel, "search": "\nr"}],
            "contacts": [
                {
                    "id": self.contacts[number],
                    "username": f"person{number}",
                    "search": search_text(
                        "Zoë Ωmega" if number in RARE else "Ada Alpha", f"person{number}"
                    ),
                    "last_name_key": "",
                    "status": ContactStatus.LEAD,
                    "source": ContactSource.CREATED,
                    "created_at": NOW + number,
                    "active_at": NOW + number,
                }
                for number in numbers
            ],
            "entries": [
                {
                    "id": self.entries[number],
                    "external_id": f"e{number}",
                    "journey_id": self.journey,
                    "contact_id": self.contacts[number],
                    "in_control_group": False,
                    "entered_at": NOW + number,
                    "state": EntryState.ACTIVE,
                }
                for number in numbers
            ],
            "communications": [
                {
                    "id": self.messages[number],
                    "external_id": f"m{number}",
                    "entry_id": self.entries[number],
                    "journey_id": self.journey,
                    "contact_id": self.contacts[number],
                    "resource_id": self.resource,
                    "channel": channel,
                    "created_at": NOW + number,
                    "status": DeliveryKind.FAILED if number in RARE else DeliveryKind.SENT,
                    "failed_at": NOW if number in RARE else None,
                    "click_count": 0,
                    "raw_click_count": 0,
                    "open_count": 0,
                    "raw_open_count": 0,
                }
                for number in numbers
            ],
            "communication_marks": [
                {
                    "journey_id": self.journey,
                    "mark": "FAILED",
                    "created_at": NOW + number,
                    "id": self.messages[number],
                }
                for number in RARE
            ],
            "log": [
                {
                    "seq": number + 1,
                    "recorded_at": NOW,
                    "nonce": bytes(4),
                    "activity": ActivityKind.BONUS_RECEIVED
                    if number in RARE
                    else ActivityKind.MESSAGE_CLICKED,
                    "journey_id": self.journey,
                    "entry_id": self.entries[number],
                    "contact_id": self.contacts[number],
                    "channel": channel,
                    "occurred_at": NOW,
                    "source": "partner",
                    "is_suspected_bot": False,
                    "is_ignored": False,
                }
                for number in numbers
            ],
        }


@pytest.fixture
async def crowd(database: Database, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    # What stands for 1,000 rows, for 2,000 and for 20,000.
    monkeypatch.setattr(lookups, "AT_MOST", 20)
    monkeypatch.setattr(lookups, "EXAMINED_AT_MOST", 40)
    monkeypatch.setattr(
        plans.Plan.__init__, "__kwdefaults__", {"parent": None, "examined_at_most": 400}
    )
    made = Crowd(await a_workspace(database))
    await made.write()
    return made


def order(entity: Entity[Any]) -> Order:
    fields = {"entry": "entered_at", "activity": "seq"}
    return Order(fields.get(entity.name, "created_at"))


async def test_what_few_fulfil_is_found_whole_among_very_many(crowd: Crowd) -> None:
    here = (crowd.journey,)
    bonus = ActivityFilter(kind=(ActivityKind.BONUS_RECEIVED,))
    chosen = (crowd.contacts[RARE[1]],)
    asked: list[tuple[Entity[Any], Filter, list[Id] | list[int], tuple[int, ...]]] = [
        (CONTACT, ContactFilter(search="ωMEGA"), crowd.contacts, RARE),
        (ENTRY, EntryFilter(journey_id=here, search="zoë"), crowd.entries, RARE),
        (ENTRY, EntryFilter(journey_id=here, activity=bonus), crowd.entries, RARE),
        (
            COMMUNICATION,
            CommunicationFilter(journey_id=here, contact_search="mega"),
            crowd.messages,
            RARE,
        ),
        (
            ACTIVITY,
            ActivityFilter(journey_id=here, contact_search="zoë"),
            [*range(1, PEOPLE + 1)],
            RARE,
        ),
        (
            ACTIVITY,
            ActivityFilter(journey_id=here, contact_id=chosen),
            [*range(1, PEOPLE + 1)],
            RARE[1:2],
        ),
        (
            COMMUNICATION,
            CommunicationFilter(journey_id=here, has_reached=(DeliveryStatus.FAILED,)),
            crowd.messages,
            RARE,
        ),
    ]
    for entity, wanted, ids, numbers in asked:
        with counted(crowd.workspace.database) as statements:
            async with crowd.workspace.database.read() as connection:
                found = await page(
                    connection,
                    entity,
                    crowd.workspace.id,
                    wanted,
                    order(entity),
                    PageRequest(50),
                    want([entity.id_column]),
                )
        async with crowd.workspace.database.read() as connection:
            held = await count(connection, entity, crowd.workspace.id, wanted)

        assert [one[-1] for one in found.positions] == [ids[n] for n in reversed(numbers)], wanted
        assert not found.is_partial
        assert not found.has_next
        assert held == Count(len(numbers), is_exact=True)
        assert len(statements) <= (4 if entity is CONTACT else 2)


async def test_what_many_fulfil_is_walked_in_two_statements_and_bounded(crowd: Crowd) -> None:
    everybody = EntryFilter(journey_id=(crowd.journey,), search="alpha")
    # Each of them fulfils the half that is looked up, and none the other.
    nobody = EntryFilter(
        journey_id=(crowd.journey,),
        search="alpha",
        activity=ActivityFilter(kind=(ActivityKind.CONVERTED,)),
    )
    for asked, is_partial, rows in ((everybody, False, 50), (nobody, True, 0)):
        with counted(crowd.workspace.database) as statements:
            async with crowd.workspace.database.read() as connection:
                found = await page(
                    connection,
                    ENTRY,
                    crowd.workspace.id,
                    asked,
                    Order("entered_at"),
                    PageRequest(50),
                    want(["id", "state"], {"contact": want(["id", "username"])}),
                )

        assert (found.is_partial, len(found.rows)) == (is_partial, rows)
        assert len(statements) == 2
        for row, number in zip(found.rows, range(PEOPLE - 2, 0, -1), strict=False):
            assert row.contact.username == f"person{number}"


async def test_an_activity_that_many_have_is_walked(crowd: Crowd) -> None:
    clicked = EntryFilter(
        journey_id=(crowd.journey,),
        activity=ActivityFilter(kind=(ActivityKind.MESSAGE_CLICKED,), channel=(Channel.POPUP,)),
    )
    never = EntryFilter(
        journey_id=(crowd.journey,),
        activity=ActivityFilter(kind=(ActivityKind.MESSAGE_CLICKED,), channel=(Channel.SMS,)),
    )

    async with crowd.workspace.database.read() as connection:
        some = await page(
            connection,
            ENTRY,
            crowd.workspace.id,
            clicked,
            Order("entered_at"),
            PageRequest(50),
            want(["id"]),
        )
        none = await page(
            connection,
            ENTRY,
            crowd.workspace.id,
            never,
            Order("entered_at"),
            PageRequest(50),
            want(["id"]),
        )

    # The newest of all received a bonus and never clicked.
    assert [row.id for row in some.rows] == crowd.entries[-2:-52:-1]
    assert (none.rows, none.is_partial) == ([], True)
