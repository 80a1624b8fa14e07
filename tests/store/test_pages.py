"""Pages: walking a list in either direction, by any size, repeats and skips nothing."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Database, tables
from store.conditions import Filter
from store.entities import ACTIVITY, COMMUNICATION, CONTACT, DELIVERY_EVENT, ENTRY, JOURNEY, Entity
from store.filters import CommunicationFilter, JourneyFilter, Period
from store.lists import (
    COUNT_CAP,
    EXAMINED_AT_MOST,
    Count,
    Order,
    Page,
    PageRequest,
    Position,
    count,
    page,
    pages,
)
from store.types import Id, new_id
from store.want import Want, want
from store.words import DeliveryStatus, JourneyStatus
from tests.support.factories import NOW, Workspace, a_house, a_workspace, after
from tests.support.population import Population, Row, a_population, insert

LISTS: dict[str, tuple[Entity[Any], tuple[str, ...]]] = {
    "communications": (COMMUNICATION, ("created_at",)),
    "entries": (ENTRY, ("entered_at",)),
    "contacts": (CONTACT, ("created_at", "active_at", "last_name_key")),
    "journeys": (JOURNEY, ("created_at", "search")),
    "activities": (ACTIVITY, ("seq",)),
    "delivery events": (DELIVERY_EVENT, ("seq",)),
}
ORDERS = [
    pytest.param(name, field, is_descending, id=f"{name} by {field}{' desc' * is_descending}")
    for name, (_, fields) in LISTS.items()
    for field in fields
    for is_descending in (False, True)
]


@pytest.fixture
async def population(database: Database) -> Population:
    return await a_population(database)


def rows_of(population: Population, name: str) -> list[Row]:
    """The rows that the list has, in no order."""
    match name:
        case "communications":
            return population.communications
        case "entries":
            return population.entries
        case "contacts":
            return [row for row in population.contacts if row["deleted_at"] is None]
        case "journeys":
            return population.journeys
        case "activities":
            return [row for row in population.log if row["activity"] is not None]
    return [row for row in population.log if row["delivery"] is not None]


def in_order(rows: Sequence[Row], entity: Entity[Any], order: Order) -> list[object]:
    """The ids, as the list should have them."""

    def place(row: Row) -> tuple[Any, ...]:
        return row[order.field], row[entity.id_column]

    ordered = sorted(rows, key=place, reverse=order.is_descending)
    return [row[entity.id_column] for row in ordered]


def id_only(entity: Entity[Any]) -> Want:
    return want([entity.id_column])


async def walk(
    workspace: Workspace,
    entity: Entity[Any],
    order: Order,
    *,
    limit: int,
    is_backwards: bool = False,
    asked: Filter | None = None,
) -> list[Page[Any]]:
    """All pages, one behind the other, each asked for with the cursor of the one before."""
    found: list[Page[Any]] = []
    position: Position | None = None
    while True:
        async with workspace.database.read() as connection:
            one = await page(
                connection,
                entity,
                workspace.id,
                asked,
                order,
                PageRequest(limit, position, is_backwards),
                id_only(entity),
            )
        found.append(one)
        if not (one.has_previous if is_backwards else one.has_next):
            return found
        edge = 0 if is_backwards else -1
        position = one.stopped_at if one.is_partial else one.positions[edge]
        assert len(found) < 1_000


def ids(entity: Entity[Any], found: Sequence[Page[Any]]) -> list[object]:
    return [getattr(row, entity.id_column) for one in found for row in one.rows]


@pytest.mark.parametrize(("name", "field", "is_descending"), ORDERS)
async def test_walking_in_either_direction_repeats_and_skips_nothing(
    population: Population, name: str, field: str, is_descending: bool
) -> None:
    entity, order = LISTS[name][0], Order(field, is_descending)
    expected = in_order(rows_of(population, name), entity, order)

    for limit in (1, 2, 3, 7, len(expected), 100):
        forwards = await walk(population.workspace, entity, order, limit=limit)
        backwards = await walk(population.workspace, entity, order, limit=limit, is_backwards=True)

        assert ids(entity, forwards) == expected
        assert ids(entity, backwards[::-1]) == expected
        assert [len(one.rows) for one in forwards[:-1]] == [limit] * (len(forwards) - 1)
        assert all(one.has_previous for one in forwards[1:])
        assert all(one.has_next for one in backwards[1:])
        assert not forwards[0].has_previous
        assert not backwards[0].has_next


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 30),
    limit=st.integers(1, 9),
    name=st.sampled_from(["communications", "entries", "contacts", "journeys"]),
    is_descending=st.booleans(),
)
async def test_any_rows_are_walked_once(
    database: Database, seed: int, size: int, limit: int, name: str, is_descending: bool
) -> None:
    population = await a_population(database, seed, max(size, 2))
    entity, (field, *_) = LISTS[name]
    order = Order(field, is_descending)

    forwards = await walk(population.workspace, entity, order, limit=limit)
    backwards = await walk(population.workspace, entity, order, limit=limit, is_backwards=True)

    expected = in_order(rows_of(population, name), entity, order)
    assert ids(entity, forwards) == ids(entity, backwards[::-1]) == expected


async def test_a_list_without_rows_is_one_empty_page(database: Database) -> None:
    workspace = await a_workspace(database)

    (only,) = await walk(workspace, COMMUNICATION, Order("created_at"), limit=5)

    assert (only.rows, only.has_next, only.has_previous, only.is_partial) == (
        [],
        False,
        False,
        False,
    )


async def test_rows_that_come_while_one_walks_disturb_nothing(population: Population) -> None:
    order = Order("created_at", is_descending=False)
    workspace, entity = population.workspace, COMMUNICATION
    first = (await walk(workspace, entity, order, limit=10))[0]
    late = [
        {**population.communications[0], "id": new_id(), "external_id": f"late{n}"}
        for n in range(5)
    ]
    await insert(workspace, tables.communications, late)

    async with workspace.database.read() as connection:
        request = PageRequest(100, first.positions[-1])
        rest = await page(connection, entity, workspace.id, None, order, request, id_only(entity))

    expected = in_order(population.communications + late, entity, order)
    assert ids(entity, [rest]) == expected[expected.index(first.rows[-1].id) + 1 :]


PARENTS = [
    pytest.param(COMMUNICATION, "created_at", "journey_id", id="communications of journeys"),
    pytest.param(COMMUNICATION, "created_at", "entry_id", id="communications of entries"),
    pytest.param(COMMUNICATION, "created_at", "contact_id", id="communications of contacts"),
    pytest.param(ENTRY, "entered_at", "journey_id", id="entries of journeys"),
    pytest.param(ENTRY, "entered_at", "contact_id", id="entries of contacts"),
    pytest.param(ACTIVITY, "seq", "entry_id", id="activities of entries"),
    pytest.param(ACTIVITY, "seq", "journey_id", id="activities of journeys"),
    pytest.param(DELIVERY_EVENT, "seq", "communication_id", id="events of communications"),
]
RARE = CommunicationFilter(is_clicked=True)


@pytest.mark.parametrize(("entity", "field", "parent"), PARENTS)
async def test_pages_of_many_parents_are_the_page_of_each(
    population: Population,
    entity: Entity[Any],
    field: str,
    parent: str,
) -> None:
    workspace = population.workspace
    rows = {
        "journey_id": population.journeys,
        "entry_id": population.entries,
        "contact_id": population.contacts,
        "communication_id": population.communications,
    }[parent]
    parents: list[Id] = [row["id"] for row in rows]
    asked = None if entity is not COMMUNICATION else RARE

    for limit, is_backwards, is_descending in product((1, 3), (False, True), (False, True)):
        order = Order(field, is_descending)
        async with workspace.database.read() as connection:
            request = PageRequest(limit, None, is_backwards)
            all_at_once = await pages(
                connection,
                entity,
                workspace.id,
                parent,
                [*parents, parents[0]],
                asked,
                order,
                request,
                want([entity.id_column, field]),
            )

        assert list(all_at_once) == parents
        for one, found in all_at_once.items():
            expected = in_order(
                [
                    row
                    for row in _listed(population, entity)
                    if row[parent] == one and (asked is None or row["first_click_at"] is not None)
                ],
                entity,
                order,
            )
            part = expected[-limit:] if is_backwards else expected[:limit]
            assert ids(entity, [found]) == part
            assert [position[-1] for position in found.positions] == part
            has_more = found.has_previous if is_backwards else found.has_next
            assert has_more is (len(expected) > limit)
            assert not found.is_partial


def _listed(population: Population, entity: Entity[Any]) -> list[Row]:
    (name,) = [name for name, (one, _) in LISTS.items() if one is entity]
    return rows_of(population, name)


async def test_nested_pages_go_on_from_a_cursor(population: Population) -> None:
    workspace, order = population.workspace, Order("created_at")
    parents: list[Id] = [row["id"] for row in population.journeys]
    position = (after(1), population.communications[7]["id"])

    async with workspace.database.read() as connection:
        request = PageRequest(4, position)
        found = await pages(
            connection,
            COMMUNICATION,
            workspace.id,
            "journey_id",
            parents,
            None,
            order,
            request,
            want(["id"]),
        )

    for one in parents:
        behind = [
            row
            for row in population.communications
            if row["journey_id"] == one and (row["created_at"], row["id"]) < position
        ]
        assert ids(COMMUNICATION, [found[one]]) == in_order(behind, COMMUNICATION, order)[:4]


async def test_pages_of_no_parents_are_none(population: Population) -> None:
    async with population.workspace.database.read() as connection:
        found = await pages(
            connection,
            COMMUNICATION,
            population.workspace.id,
            "journey_id",
            [],
            None,
            Order("created_at"),
            PageRequest(),
            want(["id"]),
        )

    assert found == {}


MANY = 2 * EXAMINED_AT_MOST + 1_500


@pytest.fixture
async def crowd(database: Database) -> tuple[Workspace, list[object]]:
    """Very many journeys, a microsecond apart, of which a few have ended: their ids."""
    workspace = await a_workspace(database)
    ended = {0, 3, EXAMINED_AT_MOST - 1, EXAMINED_AT_MOST, 30_000, 30_001, MANY - 1}
    rows = [
        {
            "id": new_id(),
            "external_id": str(number),
            "name": "J",
            "search": "\nj",
            "status": JourneyStatus.ENDED if number in ended else JourneyStatus.DRAFT,
            "created_at": NOW + number,
            "updated_at": NOW,
        }
        for number in range(MANY)
    ]
    await insert(workspace, tables.journeys, rows)
    return workspace, [row["id"] for number, row in enumerate(rows) if number in ended]


async def test_a_bounded_search_finds_every_match_once_in_partial_pages(
    crowd: tuple[Workspace, list[object]],
) -> None:
    workspace, ended = crowd
    rare = JourneyFilter(status=(JourneyStatus.ENDED,))
    oldest_first = Order("created_at", is_descending=False)

    for limit in (1, 2, 50):
        forwards = await walk(workspace, JOURNEY, oldest_first, limit=limit, asked=rare)
        backwards = await walk(
            workspace, JOURNEY, oldest_first, limit=limit, asked=rare, is_backwards=True
        )

        assert ids(JOURNEY, forwards) == ended
        assert ids(JOURNEY, backwards[::-1]) == ended
        assert all((one.stopped_at is not None) is one.is_partial for one in forwards)
        if limit == 50:
            # Two bounds are examined with little found, the rest is the last page.
            assert [one.is_partial for one in forwards] == [True, True, False]

    # What an index answers is never partial, however many there are.
    async with workspace.database.read() as connection:
        whole = await page(
            connection, JOURNEY, workspace.id, None, oldest_first, PageRequest(50), want(["id"])
        )
        counts = [
            await count(connection, JOURNEY, workspace.id, asked)
            for asked in (rare, None, JourneyFilter(search="j"), JourneyFilter(search="nowhere"))
        ]
    assert (whole.is_partial, whole.has_next, len(whole.rows)) == (False, True, 50)
    assert counts == [
        # In the newest 20,000 of them; there may be more.
        Count(3, is_exact=False),
        Count(COUNT_CAP, is_exact=False),
        Count(COUNT_CAP, is_exact=False),
        Count(0, is_exact=False),
    ]


async def test_a_count_is_exact_up_to_its_cap(database: Database) -> None:
    house = await a_house(database)
    message = await house.message()
    del message["workspace_id"]
    rows = [
        {**message, "id": new_id(), "external_id": str(number), "created_at": NOW + number}
        for number in range(1, COUNT_CAP + 5)
    ]
    await insert(house, tables.communications, rows)

    async with house.database.read() as connection:
        counts = [
            await count(
                connection,
                COMMUNICATION,
                house.id,
                CommunicationFilter(
                    journey_id=(message["journey_id"],),
                    created_within=Period(NOW + 1, NOW + 1 + number),
                ),
            )
            for number in (0, 1, COUNT_CAP, COUNT_CAP + 1)
        ]
        bounded = await count(
            connection,
            COMMUNICATION,
            house.id,
            CommunicationFilter(
                status=(DeliveryStatus.QUEUED,), created_within=Period(end=NOW + 500)
            ),
        )

    assert counts == [
        Count(0, is_exact=True),
        Count(1, is_exact=True),
        Count(COUNT_CAP, is_exact=True),
        Count(COUNT_CAP, is_exact=False),
    ]
    assert bounded == Count(500, is_exact=True)


async def test_nested_pages_are_bounded_and_say_so(database: Database) -> None:
    house = await a_house(database)
    message = await house.message()
    del message["workspace_id"]
    await insert(
        house,
        tables.communications,
        [
            {
                **message,
                "id": new_id(),
                "external_id": str(number),
                "created_at": NOW - number,
                "first_click_at": NOW if number in (500, 2_400) else None,
            }
            for number in range(1, 2_500)
        ],
    )
    others: list[Id] = [new_id() for _ in range(30)]
    parent: Id = message["entry_id"]
    clicked = CommunicationFilter(is_clicked=True)
    found: list[int] = []
    position: Position | None = None
    turns = 0

    while True:
        turns += 1
        async with house.database.read() as connection:
            both = await pages(
                connection,
                COMMUNICATION,
                house.id,
                "entry_id",
                [*others, parent],
                clicked,
                Order("created_at"),
                PageRequest(50, position),
                want(["created_at"]),
            )
        found += [NOW - row.created_at for row in both[parent].rows]
        assert not any(both[one].rows or both[one].is_partial for one in others)
        if not both[parent].has_next:
            break
        assert both[parent].is_partial
        position = both[parent].stopped_at

    assert found == [500, 2_400]
    assert turns == 3
