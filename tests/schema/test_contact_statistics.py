"""contactStatistics: counters of all contacts, counts under a filter, and both live."""

import asyncio
from typing import Any

import pytest

from schema import schema
from store import tables
from store.words import ContactStatus, DeliveryKind, Scope
from tests.schema.conftest import Api
from tests.schema.following import Follower, WatchedHub
from tests.support.factories import a_contact, a_workspace, delivered
from tests.support.statements import counted

NUMBERS = "total leads customers lost none convertedCustomers"
ASKED = f"query ($filter: ContactFilter) {{ contactStatistics(filter: $filter) {{ {NUMBERS} }} }}"
UPSERT = """mutation ($contacts: [ContactInput!]!) { upsertContacts(input: {contacts: $contacts}) {
    results { contact { id } error { message } } userErrors { message } } }"""


def numbers(**counts: int) -> dict[str, int]:
    return {**dict.fromkeys(NUMBERS.split(), 0), **counts}


async def asked(api: Api, **chosen: Any) -> dict[str, int]:
    data = await api.ask(ASKED, filter=chosen or None)
    found: dict[str, int] = data["contactStatistics"]
    return found


async def put(api: Api, username: str, status: str) -> None:
    data = await api.ask(UPSERT, contacts=[{"externalUsername": username, "status": status}])
    assert data["upsertContacts"]["results"][0]["error"] is None


async def test_contacts_are_counted_by_their_status(api: Api) -> None:
    await a_contact(api.workspace, "bob", status=ContactStatus.CUSTOMER)
    await a_contact(api.workspace, "cy", status=ContactStatus.LOST)
    await a_contact(api.workspace, "dee", status=ContactStatus.NONE)
    await a_contact(api.workspace, "eve")

    found = await asked(api)

    assert found == numbers(total=5, leads=2, customers=1, lost=1, none=1)


async def test_who_was_converted_stays_so_whatever_becomes_of_it(api: Api) -> None:
    await put(api, "ada", "CUSTOMER")
    await put(api, "ada", "LOST")
    await put(api, "bob", "CUSTOMER")

    found = await asked(api)

    assert found == numbers(total=2, customers=1, lost=1, convertedCustomers=1)
    assert await asked(api, isConverted=True) == numbers(total=1, lost=1, convertedCustomers=1)


async def test_under_a_filter_only_what_it_chooses_is_counted(api: Api) -> None:
    await a_contact(api.workspace, "bob", status=ContactStatus.CUSTOMER, last_name="Byron")
    await a_contact(api.workspace, "cy", last_name="Byron")

    assert await asked(api, search="byron") == numbers(total=2, leads=1, customers=1)
    assert await asked(api, status=["LOST"]) == numbers()
    assert await asked(api, **{"not": {"search": "byron"}}) == numbers(total=1, leads=1)


async def test_deleted_contacts_are_in_no_number_under_a_filter(api: Api) -> None:
    deleted = await a_contact(api.workspace, "bob")
    async with api.workspace.database.write() as connection:
        await connection.execute(
            tables.contacts.update()
            .where(tables.contacts.c.workspace_id == api.workspace.id)
            .where(tables.contacts.c.id == deleted)
            .values(deleted_at=1)
        )

    assert await asked(api, status=["LEAD"]) == numbers(total=1, leads=1)


async def test_all_contacts_are_read_from_the_counters_and_not_counted(api: Api) -> None:
    with counted(api.workspace.database) as seen:
        await api.ask(f"{{ contactStatistics(filter: {{}}) {{ {NUMBERS} asOf }} }}")

    (statement,) = seen
    assert "contact_counters" in statement
    assert "contacts." not in statement


async def test_what_happens_behind_the_numbers_can_be_followed(api: Api) -> None:
    for chosen in (None, {"status": ["LEAD"]}):
        data = await api.ask(
            "query ($filter: ContactFilter) { contactStatistics(filter: $filter) { asOf } }",
            filter=chosen,
        )
        place = data["contactStatistics"]["asOf"]
        await api.workspace.record(delivered(DeliveryKind.SENT))
        events = await api.ask(
            "query ($after: LogCursor) { deliveryEvents(after: $after) { nodes { kind } } }",
            after=place,
        )
        assert [one["kind"] for one in events["deliveryEvents"]["nodes"]][:1] == ["SENT"]


async def test_another_workspace_counts_its_own(api: Api) -> None:
    stranger = Api(await a_workspace(api.workspace.database))

    assert await asked(stranger) == numbers()
    assert await asked(stranger, status=["LEAD"]) == numbers()


@pytest.mark.parametrize("chosen", [None, {"status": ["LEAD"]}])
async def test_counting_needs_the_scope_read(api: Api, chosen: Any) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    data, (error,) = await partner.run(ASKED, filter=chosen)

    assert data is None
    assert "This needs the scope read" in error.message


async def test_an_impossible_filter_is_refused(api: Api) -> None:
    message = await api.refused(ASKED, filter={"status": []})

    assert "status: an empty list of alternatives matches nothing" in message


async def follow(api: Api, selection: str = NUMBERS) -> Follower:
    stream = await schema.subscribe(
        f"subscription {{ contactStatistics {{ {selection} }} }}", context_value=api.context
    )
    return Follower(stream, "contactStatistics")


async def test_the_numbers_come_at_once_and_whenever_they_change(api: Api) -> None:
    async with await follow(api) as follower:
        first = await follower.next()
        await put(api, "ada", "CUSTOMER")
        second = await follower.next()

    assert first == numbers(total=1, leads=1)
    assert second == numbers(total=1, customers=1, convertedCustomers=1)


async def test_nothing_is_told_while_no_number_that_was_asked_for_changes(api: Api) -> None:
    hub = api.context.hub = WatchedHub()

    async with await follow(api, "total asOf") as follower:
        await follower.next()
        next_answer = asyncio.create_task(follower.next())
        recorded = await api.workspace.recorded([delivered(DeliveryKind.SENT)])
        assert recorded.seq is not None
        hub.ring(api.workspace.id, recorded.journey_ids, recorded.seq)
        await hub.until_read(recorded.seq)
        await put(api, "ada", "CUSTOMER")
        await hub.until_read(recorded.seq + 1)
        was_quiet = not next_answer.done()
        await put(api, "bob", "LEAD")
        heard = await next_answer

    assert was_quiet
    assert heard["total"] == 2


async def test_following_needs_the_scope_read(api: Api) -> None:
    async with await follow(Api(api.workspace, (Scope.INTEGRATE,))) as follower:
        error = await follower.failure()

    assert "This needs the scope read" in error.message
