"""Contacts: who a draft is matched with, what it changes, what is counted."""

import asyncio
from collections.abc import Sequence

import pytest

from store import Database, tables
from store.contacts import upsert
from store.drafts import ContactDraft
from store.refusals import Refusal
from store.types import Id, Instant, new_id
from store.words import ContactSource, ContactStatus, ErrorCode
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_journey,
    a_workspace,
    after,
)

LEAD, CUSTOMER, LOST = ContactStatus.LEAD, ContactStatus.CUSTOMER, ContactStatus.LOST


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def upserted(
    workspace: Workspace, *drafts: ContactDraft, now: Instant = NOW
) -> list[Id | Refusal]:
    written = await workspace.database.transact(
        lambda connection: upsert(connection, workspace.id, drafts, by="Shop", now=now)
    )
    return written.results


async def contact(workspace: Workspace, contact_id: object) -> dict[str, object]:
    (row,) = await workspace.rows(tables.contacts, id=contact_id)
    return row


async def counts(workspace: Workspace) -> dict[str, int]:
    """The counters that are not zero."""
    (row,) = await workspace.rows(tables.contact_counters)
    return {str(name): n for name, n in row.items() if n and name != "workspace_id"}


async def recount(workspace: Workspace) -> dict[str, int]:
    names = {"LEAD": "leads", "CUSTOMER": "customers", "LOST": "lost", "NONE": "none"}
    found: dict[str, int] = {}
    for row in await workspace.rows(tables.contacts):
        name = names[row["status"]]
        found[name] = found.get(name, 0) + 1
        if row["converted_at"] is not None:
            found["converted"] = found.get("converted", 0) + 1
    return found


def codes(results: Sequence[Id | Refusal]) -> list[ErrorCode | None]:
    return [one.code if isinstance(one, Refusal) else None for one in results]


async def test_a_new_contact_is_registered(workspace: Workspace) -> None:
    (ada,) = await upserted(
        workspace,
        ContactDraft("ada", "ada.l", "Ada@Example.org", "Ada", "Lovelace", "+44", LEAD),
    )

    row = await contact(workspace, ada)
    assert row["source"] == ContactSource.REGISTERED
    assert (row["status"], row["converted_at"]) == (LEAD, None)
    assert (row["email"], row["email_key"]) == ("Ada@Example.org", "ada@example.org")
    assert (row["created_at"], row["active_at"], row["last_interaction_at"]) == (NOW, NOW, None)
    assert (row["last_name_key"], row["reward_balance"]) == ("lovelace", 0)


async def test_a_contact_without_a_status_is_none(workspace: Workspace) -> None:
    await upserted(workspace, ContactDraft("ada"))

    assert await counts(workspace) == {"none": 1}


async def test_a_draft_is_matched_by_external_username_first(workspace: Workspace) -> None:
    ada = await a_contact(workspace, "ada", email="ada@example.org")

    results = await upserted(workspace, ContactDraft("ada", email="countess@example.org"))

    assert results == [ada]
    assert (await contact(workspace, ada))["email"] == "countess@example.org"


async def test_a_draft_is_matched_by_e_mail_else_whatever_the_case(workspace: Workspace) -> None:
    ada = await a_contact(workspace, "ada", email="ada@example.org")

    results = await upserted(workspace, ContactDraft(email="ADA@Example.org", first_name="Ada"))

    assert results == [ada]
    assert (await contact(workspace, ada))["first_name"] == "Ada"


async def test_a_contact_known_by_e_mail_gets_its_external_username(workspace: Workspace) -> None:
    ada = await a_contact(workspace, None, email="ada@example.org")

    results = await upserted(workspace, ContactDraft("ada", email="Ada@example.org"))

    assert results == [ada]
    assert (await contact(workspace, ada))["external_username"] == "ada"


async def test_the_e_mail_of_another_external_username_is_refused(workspace: Workspace) -> None:
    await a_contact(workspace, "ada", email="ada@example.org")

    results = await upserted(workspace, ContactDraft("bob", email="ADA@example.org"))

    assert codes(results) == [ErrorCode.DUPLICATE_EMAIL]
    assert len(await workspace.rows(tables.contacts)) == 1


async def test_changing_to_the_e_mail_of_another_is_refused(workspace: Workspace) -> None:
    await a_contact(workspace, "ada", email="ada@example.org")
    bob = await a_contact(workspace, "bob", email="bob@example.org")

    results = await upserted(workspace, ContactDraft("bob", email="Ada@Example.ORG"))

    assert codes(results) == [ErrorCode.DUPLICATE_EMAIL]
    assert (await contact(workspace, bob))["email"] == "bob@example.org"


async def test_the_username_of_another_is_refused(workspace: Workspace) -> None:
    await a_contact(workspace, "ada", username="a")

    results = await upserted(workspace, ContactDraft("bob", username="a"))

    assert codes(results) == [ErrorCode.DUPLICATE_USERNAME]


async def test_what_is_left_out_stays_as_it_is(workspace: Workspace) -> None:
    ada = await a_contact(workspace, "ada", email="ada@example.org", first_name="Ada")

    await upserted(workspace, ContactDraft("ada", last_name="Lovelace"))

    row = await contact(workspace, ada)
    assert (row["first_name"], row["last_name"], row["email"]) == (
        "Ada",
        "Lovelace",
        "ada@example.org",
    )


async def test_nothing_new_writes_nothing(workspace: Workspace) -> None:
    await a_contact(workspace, "ada", email="ada@example.org")
    before = await workspace.rows(tables.log)

    await upserted(workspace, ContactDraft("ada", email="ada@example.org", status=LEAD))

    assert await workspace.rows(tables.log) == before
    assert len(await workspace.rows(tables.contact_status_changes)) == 1


async def test_a_draft_without_a_name_is_refused(workspace: Workspace) -> None:
    results = await upserted(workspace, ContactDraft(username="a"), ContactDraft("bob"))

    assert codes(results) == [ErrorCode.INVALID, None]


async def test_two_drafts_of_one_contact_in_one_batch_make_one(workspace: Workspace) -> None:
    first, second = await upserted(
        workspace,
        ContactDraft("ada", email="ada@example.org", status=LEAD),
        ContactDraft(email="Ada@Example.org", first_name="Ada", status=CUSTOMER),
    )

    assert first == second
    (row,) = await workspace.rows(tables.contacts)
    assert (row["first_name"], row["status"], row["converted_at"]) == ("Ada", CUSTOMER, NOW)
    assert await counts(workspace) == {"customers": 1, "converted": 1}


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_contact_made_and_converted_in_one_batch_is_converted(
    workspace: Workspace, is_first: bool
) -> None:
    pair = [ContactDraft("ada", status=LEAD), ContactDraft("ada", status=CUSTOMER)]
    other = [ContactDraft("bob", status=LEAD)]

    await upserted(workspace, *(pair + other if is_first else other + pair))

    rows = {row["external_username"]: row for row in await workspace.rows(tables.contacts)}
    assert rows["ada"]["converted_at"] == NOW
    assert rows["bob"]["converted_at"] is None
    assert await counts(workspace) == {"leads": 1, "customers": 1, "converted": 1}


async def test_an_e_mail_given_up_may_be_taken_by_an_older_contact(workspace: Workspace) -> None:
    ada = await a_contact(workspace, "ada", email="a@example.org", username="a")
    bob = await a_contact(workspace, "bob", email="b@example.org", username="b")

    results = await upserted(
        workspace,
        ContactDraft("bob", email="new@example.org", username="new"),
        ContactDraft("ada", email="b@example.org", username="b"),
    )

    assert results == [bob, ada]
    assert (await contact(workspace, ada))["email_key"] == "b@example.org"
    assert (await contact(workspace, bob))["username"] == "new"


async def test_an_e_mail_given_up_may_be_taken_by_a_new_contact(workspace: Workspace) -> None:
    bob = await a_contact(workspace, "bob", email="b@example.org")

    results = await upserted(
        workspace,
        ContactDraft("bob", email="new@example.org"),
        ContactDraft("cleo", email="b@example.org"),
    )

    assert codes(results) == [None, None]
    assert (await contact(workspace, results[1]))["email"] == "b@example.org"
    assert (await contact(workspace, bob))["email"] == "new@example.org"


async def test_the_first_conversion_is_the_one_that_counts(workspace: Workspace) -> None:
    ada = await a_contact(workspace, "ada", status=LEAD)

    for number, status in enumerate((CUSTOMER, LOST, LEAD, CUSTOMER), start=1):
        await upserted(workspace, ContactDraft("ada", status=status), now=after(number))

    row = await contact(workspace, ada)
    assert row["converted_at"] == after(1)
    assert await counts(workspace) == {"customers": 1, "converted": 1}
    history = await workspace.rows(tables.contact_status_changes)
    assert [(one["from_status"], one["to_status"], one["at"], one["by"]) for one in history] == [
        (None, LEAD, NOW, "ops"),
        (LEAD, CUSTOMER, after(1), "Shop"),
        (CUSTOMER, LOST, after(2), "Shop"),
        (LOST, LEAD, after(3), "Shop"),
        (LEAD, CUSTOMER, after(4), "Shop"),
    ]


async def test_a_conversion_at_the_moment_of_the_first_is_not_counted_again(
    workspace: Workspace,
) -> None:
    await a_contact(workspace, "ada", status=LEAD)

    for status in (CUSTOMER, LEAD, CUSTOMER):
        await upserted(workspace, ContactDraft("ada", status=status))

    assert await counts(workspace) == {"customers": 1, "converted": 1}


async def test_a_contact_that_begins_as_a_customer_was_not_converted(workspace: Workspace) -> None:
    await a_contact(workspace, "ada", status=CUSTOMER)

    assert await counts(workspace) == {"customers": 1}


async def test_the_counters_equal_a_recount(workspace: Workspace) -> None:
    statuses = list(ContactStatus)

    for turn in range(5):
        await upserted(
            workspace,
            *(
                ContactDraft(f"c{n}", status=statuses[(n * turn + turn) % 4])
                for n in range(turn, turn + 6)
            ),
            now=after(turn),
        )

    assert await counts(workspace) == await recount(workspace)


async def a_link(workspace: Workspace, owner: Id, code: str) -> None:
    await workspace.insert(
        tables.referral_links,
        code=code,
        id=new_id(),
        contact_id=owner,
        journey_id=await a_journey(workspace),
        kind="REFERRAL",
        visits=0,
        sign_ups=0,
        created_at=NOW,
    )


async def test_a_contact_who_came_by_a_link_is_referred_by_its_owner(workspace: Workspace) -> None:
    ada = await a_contact(workspace)
    await a_link(workspace, ada, "ts1")

    (bob,) = await upserted(workspace, ContactDraft("bob", referred_by_code="ts1"))

    row = await contact(workspace, bob)
    assert (row["source"], row["referred_by_id"]) == (ContactSource.REFERRED, ada)


async def test_an_unknown_code_is_refused_and_the_others_are_made(workspace: Workspace) -> None:
    results = await upserted(
        workspace, ContactDraft("bob", referred_by_code="nope"), ContactDraft("cleo")
    )

    assert codes(results) == [ErrorCode.NOT_FOUND, None]
    assert isinstance(results[0], Refusal)
    assert results[0].field == ("referredByCode",)
    assert len(await workspace.rows(tables.contacts)) == 1


async def test_the_code_of_another_workspaces_link_is_unknown(
    workspace: Workspace, database: Database
) -> None:
    other = await a_workspace(database)
    await a_link(other, await a_contact(other), "ts2")

    results = await upserted(workspace, ContactDraft("bob", referred_by_code="ts2"))

    assert codes(results) == [ErrorCode.NOT_FOUND]


async def test_changes_are_in_the_log(workspace: Workspace) -> None:
    await upserted(workspace, ContactDraft("ada"), ContactDraft("bob"))

    await upserted(workspace, ContactDraft("bob", first_name="Bob"))

    rows = await workspace.rows(tables.log)
    assert [row["change"] for row in rows] == [
        "CONTACT_CREATED",
        "CONTACT_CREATED",
        "CONTACT_CHANGED",
    ]
    assert {row["activity"] for row in rows} == {None}


async def test_a_thousand_drafts_are_one_transaction(workspace: Workspace) -> None:
    drafts = [ContactDraft(f"c{n}", email=f"c{n}@example.org", status=LEAD) for n in range(1_000)]

    made = await upserted(workspace, *drafts)
    again = await upserted(workspace, *drafts)

    assert again == made
    assert await counts(workspace) == {"leads": 1_000}


async def test_writers_of_one_e_mail_at_once_make_one_contact(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)

        results = await asyncio.gather(
            *(
                upserted(desk, *(ContactDraft(email=f"{n}@Example.org") for n in order))
                for desk, order in ((here, range(20)), (there, range(19, -1, -1))) * 2
            )
        )

    made = [sorted(one for one in each if isinstance(one, bytes)) for each in results]
    assert all(each == made[0] for each in made)
    assert len(made[0]) == 20


async def test_writers_of_one_e_mail_for_two_people_at_once_refuse_one(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)

        results = await asyncio.gather(
            *(
                upserted(desk, ContactDraft(f"{desk is here}-{n}", email=f"{n}@example.org"))
                for n in range(10)
                for desk in (here, there)
            )
        )

        rows = await here.rows(tables.contacts)
    refused = [each[0] for each in results if isinstance(each[0], Refusal)]
    assert {each.code for each in refused} == {ErrorCode.DUPLICATE_EMAIL}
    assert (len(refused), len(rows)) == (10, 10)
