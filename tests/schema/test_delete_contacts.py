"""deleteContacts and restoreContacts, at once and as jobs, on both databases."""

from typing import Any

import pytest

from schema import ids
from store import tables
from store.contacts import upsert
from store.drafts import ContactDraft
from store.types import DAY, SECOND, Id, new_id
from store.words import ContactStatus, JourneyStatus, Scope
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_journey,
    a_workspace,
    after,
    an_entry,
    completed,
    entered,
    reached,
)

DELETE = """mutation ($input: DeleteContactsInput!) { deleteContacts(input: $input) {
    matched deleted undoToken undoableUntil job { id kind state total }
    userErrors { code field message } } }"""
RESTORE = """mutation ($input: RestoreContactsInput!) { restoreContacts(input: $input) {
    restored job { id kind state } userErrors { code field message } } }"""
CREATE = """mutation ($input: CreateContactInput!) { createContact(input: $input) {
    contact { id } userErrors { code field message } } }"""
UPSERT = """mutation ($input: UpsertContactsInput!) { upsertContacts(input: $input) {
    results { contact { id } error { code field message } } } }"""
BY_NAME = """query ($email: String, $username: String) {
    byEmail: contact(email: $email) { id }
    byUsername: contact(externalUsername: $username) { id }
    contacts(filter: { search: "bob" }) { totalCount { value } nodes { id } } }"""
ENTRY = """query ($id: String) { entry(externalId: $id) {
    state stopReason stoppedBy convertedAt contact { email isDeleted isErased } } }"""


@pytest.fixture
async def bob(api: Api) -> Id:
    """A customer with the entry b1 in the journey welcome."""
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    await an_entry(api.workspace, "b1", "bob")
    return own


def named(*contact_ids: Id) -> dict[str, Any]:
    return {"ids": [f"{ids.CONTACT}_{one.hex()}" for one in contact_ids]}


async def delete(api: Api, contacts: dict[str, Any], **values: Any) -> dict[str, Any]:
    data = await api.ask(DELETE, input={"contacts": contacts, **values})
    payload: dict[str, Any] = data["deleteContacts"]
    return payload


async def restore(api: Api, token: str, **values: Any) -> dict[str, Any]:
    data = await api.ask(RESTORE, input={"undoToken": token, **values})
    payload: dict[str, Any] = data["restoreContacts"]
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def entry(api: Api, name: str = "b1") -> dict[str, Any]:
    data = await api.ask(ENTRY, id=name)
    found: dict[str, Any] = data["entry"]
    return found


async def counted(workspace: Workspace) -> dict[str, int]:
    (row,) = await workspace.rows(tables.contact_counters)
    return {name: n for name, n in row.items() if n and name != "workspace_id"}


async def many_leads(api: Api, number: int) -> None:
    for start in range(0, number, 100):
        drafts = [
            ContactDraft(f"c{start + n}", status=ContactStatus.LEAD, last_name="Many")
            for n in range(100)
        ]
        await api.workspace.database.transact(
            lambda connection, drafts=drafts: upsert(  # type: ignore[misc]
                connection, api.workspace.id, drafts, by="ops", now=NOW
            )
        )


async def test_a_deleted_contact_leaves_lists_search_and_statistics(api: Api, bob: Id) -> None:
    payload = await delete(api, named(bob))

    assert payload["userErrors"] == []
    assert (payload["matched"], payload["deleted"], payload["job"]) == (1, 1, None)
    assert payload["undoableUntil"] == "2026-11-23T00:00:00Z"
    assert await api.ask(BY_NAME, email="bob@example.org", username="bob") == {
        "byEmail": None,
        "byUsername": None,
        "contacts": {"totalCount": {"value": 0}, "nodes": []},
    }
    assert await counted(api.workspace) == {"leads": 1}


async def test_a_deleted_contact_stands_at_its_journeys_and_is_found_by_its_id(
    api: Api, bob: Id
) -> None:
    await delete(api, named(bob))

    shown = await api.ask(
        "query ($id: ID!) { contact(id: $id) { email isDeleted } node(id: $id) { id } }",
        id=f"ctc_{bob.hex()}",
    )

    assert shown["contact"] == {"email": "bob@example.org", "isDeleted": True}
    assert shown["node"] == {"id": f"ctc_{bob.hex()}"}
    assert await entry(api) == {
        "state": "STOPPED",
        "stopReason": "OPERATOR",
        "stoppedBy": "Shop",
        "convertedAt": None,
        "contact": {"email": "bob@example.org", "isDeleted": True, "isErased": False},
    }


async def test_open_entries_are_stopped_even_where_the_journey_has_ended(api: Api, bob: Id) -> None:
    await an_entry(api.workspace, "b2", "bob")
    await api.workspace.record(completed("b2", at=after(1)))
    await a_journey(api.workspace, status=JourneyStatus.ENDED)

    await delete(api, named(bob))

    states = [(await entry(api, name))["state"] for name in ("b1", "b2", "e1")]
    assert states == ["STOPPED", "COMPLETED", "ACTIVE"]


async def test_what_is_reported_of_a_deleted_contact_is_recorded(api: Api, bob: Id) -> None:
    await delete(api, named(bob))

    outcomes = await api.workspace.record(
        reached("hello", entry="b1", at=after(5)), entered("b2", "bob", at=after(6))
    )

    assert [one.kind for one in outcomes] == ["IGNORED_STOPPED", "ACCEPTED"]
    assert (await entry(api, "b2"))["contact"]["isDeleted"] is True


async def test_undo_restores_the_contact_its_counters_and_its_entries(api: Api, bob: Id) -> None:
    before = await api.workspace.entry("b1")
    payload = await delete(api, named(bob))
    await api.workspace.record(reached("hello", entry="b1", at=after(5)))

    restored = await restore(api, payload["undoToken"])

    assert restored == {"restored": 1, "job": None, "userErrors": []}
    found = await api.ask(BY_NAME, email="BOB@example.org", username="bob")
    assert found["byEmail"] == found["byUsername"] == {"id": f"ctc_{bob.hex()}"}
    assert found["contacts"]["totalCount"] == {"value": 1}
    assert (await entry(api))["contact"]["isDeleted"] is False
    after_undo = await api.workspace.entry("b1")
    assert (after_undo["state"], after_undo["stop_id"]) == (before["state"], None)
    assert after_undo["step_at"] == after(5)
    assert await counted(api.workspace) == {"leads": 2}


async def test_undo_restores_just_what_that_deletion_took(api: Api, bob: Id) -> None:
    await an_entry(api.workspace, "b2", "bob")
    await api.workspace.stop((await api.workspace.entry("b2"))["id"])
    first = await delete(api, {"filter": {"search": "bob"}})
    cyd = await a_contact(api.workspace, "cyd")
    await delete(api, named(cyd, bob))

    await restore(api, first["undoToken"])

    assert [(await entry(api, name))["state"] for name in ("b1", "b2")] == ["ACTIVE", "STOPPED"]
    assert await counted(api.workspace) == {"leads": 2}


async def test_undo_works_once_and_for_a_day(api: Api, bob: Id) -> None:
    first = (await delete(api, named(bob)))["undoToken"]
    await restore(api, first)
    second = (await delete(api, named(bob)))["undoToken"]
    api.context.now = lambda: NOW + DAY

    payloads = [await restore(api, one) for one in (first, second, f"del_{new_id().hex()}")]

    assert [codes(one) for one in payloads] == [
        [("UNDO_USED", ["undoToken"])],
        [("UNDO_EXPIRED", ["undoToken"])],
        [("NOT_FOUND", ["undoToken"])],
    ]
    assert await counted(api.workspace) == {"leads": 1}


async def test_a_deletion_is_not_undone_as_a_stop_nor_by_strangers(api: Api, bob: Id) -> None:
    token = (await delete(api, named(bob)))["undoToken"]
    stranger = Api(await a_workspace(api.workspace.database))
    undo_stop = """mutation ($id: ID!) { undoStopCampaign(input: {undoToken: $id}) {
        userErrors { code } } }"""

    as_stop = await api.ask(undo_stop, id=token.replace("del_", "und_"))
    theirs = await restore(stranger, token)

    assert as_stop["undoStopCampaign"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert codes(theirs) == [("NOT_FOUND", ["undoToken"])]
    assert (await entry(api))["state"] == "STOPPED"


async def test_a_deleted_contact_keeps_its_names_as_long_as_it_can_be_restored(
    api: Api, bob: Id
) -> None:
    await delete(api, named(bob))

    created = await api.ask(CREATE, input={"email": "BOB@example.org", "status": "LEAD"})
    upserted = await api.ask(UPSERT, input={"contacts": [{"externalUsername": "bob"}]})

    (refusal,) = created["createContact"]["userErrors"]
    assert (refusal["code"], refusal["field"]) == ("DUPLICATE_EMAIL", ["email"])
    assert "was deleted" in refusal["message"]
    assert "restore it, or try again after 2026-11-23 00:00 UTC" in refusal["message"]
    (result,) = upserted["upsertContacts"]["results"]
    assert (result["contact"], result["error"]["code"]) == (None, "DUPLICATE_USERNAME")
    assert "was deleted" in result["error"]["message"]


async def test_behind_that_day_its_names_are_free(api: Api, bob: Id) -> None:
    await delete(api, named(bob))
    api.context.now = lambda: NOW + DAY

    created = await api.ask(CREATE, input={"email": "Bob@example.org", "status": "LEAD"})
    upserted = await api.ask(UPSERT, input={"contacts": [{"externalUsername": "bob"}]})

    assert created["createContact"]["userErrors"] == []
    (result,) = upserted["upsertContacts"]["results"]
    assert result["error"] is None
    new = {created["createContact"]["contact"]["id"], result["contact"]["id"]}
    assert len(new) == 2
    assert f"ctc_{bob.hex()}" not in new
    assert (await entry(api))["contact"] == {
        "email": "bob@example.org",
        "isDeleted": True,
        "isErased": False,
    }


async def test_a_deleted_contact_cannot_be_changed(api: Api, bob: Id) -> None:
    await delete(api, named(bob))

    data = await api.ask(
        """mutation ($id: ID!) {
            updateContact(input: {id: $id, phone: "1"}) { userErrors { code } }
            changeContactStatus(input: {contacts: {ids: [$id]}, to: LOST}) { matched changed }
            deleteContacts(input: {contacts: {ids: [$id]}}) { matched deleted undoToken } }""",
        id=f"ctc_{bob.hex()}",
    )

    assert data == {
        "updateContact": {"userErrors": [{"code": "NOT_FOUND"}]},
        "changeContactStatus": {"matched": 0, "changed": 0},
        "deleteContacts": {"matched": 0, "deleted": 0, "undoToken": None},
    }


async def test_a_dry_run_counts_and_deletes_nobody(api: Api, bob: Id) -> None:
    payload = await delete(api, {"filter": {"search": "bob"}}, dryRun=True)

    assert (payload["matched"], payload["deleted"], payload["undoToken"]) == (1, None, None)
    assert await counted(api.workspace) == {"leads": 2}
    assert await api.workspace.rows(tables.audit_log) == []


@pytest.mark.parametrize(
    ("contacts", "code", "field"),
    [
        ({"all": True}, "INVALID", ["contacts", "all"]),
        ({"all": False}, "EMPTY_SELECTION", ["contacts"]),
        ({"ids": []}, "EMPTY_SELECTION", ["contacts", "ids"]),
        ({"filter": {"not": {}}}, "EMPTY_SELECTION", ["contacts"]),
        ({"ids": [f"ctc_{0:032x}"] * 1_001}, "TOO_MANY", ["contacts", "ids"]),
    ],
)
async def test_all_and_nobody_are_not_deleted(
    api: Api, contacts: dict[str, Any], code: str, field: list[str]
) -> None:
    payload = await delete(api, contacts)

    assert codes(payload) == [(code, field)]
    assert await counted(api.workspace) == {"leads": 1}


async def test_foreign_contacts_are_passed_over(api: Api) -> None:
    stranger = await a_workspace(api.workspace.database)
    foreign = await a_contact(stranger, "ada")

    payload = await delete(api, named(foreign, new_id()))

    assert (payload["matched"], payload["deleted"], payload["undoToken"]) == (0, 0, None)
    assert await counted(stranger) == {"leads": 1}


async def test_who_may_not_operate_may_neither_delete_nor_restore(api: Api, bob: Id) -> None:
    token = (await delete(api, named(bob)))["undoToken"]
    reader = Api(api.workspace, (Scope.READ, Scope.INTEGRATE))

    _, deleting = await reader.run(DELETE, input={"contacts": named(bob)})
    _, restoring = await reader.run(RESTORE, input={"undoToken": token})

    assert "needs the scope operate" in deleting[0].message
    assert "needs the scope operate" in restoring[0].message


async def test_the_same_key_answers_with_the_first_deletion_and_undo(api: Api, bob: Id) -> None:
    first = await delete(api, named(bob), idempotencyKey="k")
    again = await delete(api, named(bob), idempotencyKey="k")
    undone = await restore(api, first["undoToken"], idempotencyKey="u")
    undone_again = await restore(api, first["undoToken"], idempotencyKey="u")

    assert again == first
    assert undone_again == undone
    assert [one["action"] for one in await api.workspace.rows(tables.audit_log)] == [
        "deleteContacts",
        "restoreContacts",
    ]


async def test_a_large_deletion_is_a_job_and_so_is_its_undo(api: Api, bob: Id) -> None:
    await many_leads(api, 1_100)
    entries = [entered(f"x{n}", f"c{n}", at=after(1)) for n in range(300)]
    await api.workspace.record(*entries)
    before = await counted(api.workspace)

    payload = await delete(api, {"filter": {"search": "Many"}})
    async with a_worker(api):
        deleting = await finished(api, payload["job"]["id"])
        deleted = await counted(api.workspace)
        state = (await entry(api, "x299"))["state"]
        undone = await restore(api, payload["undoToken"])
        restoring = await finished(api, undone["job"]["id"])

    assert (payload["matched"], payload["deleted"]) == (1_100, None)
    assert (payload["job"]["kind"], payload["job"]["total"]) == ("BULK_DELETE", 1_100)
    assert (deleting["state"], deleting["counts"]["updated"]) == ("COMPLETED", 1_100)
    assert (deleted, state) == ({"leads": 2}, "STOPPED")
    assert (undone["restored"], undone["job"]["kind"]) == (None, "BULK_RESTORE")
    assert (restoring["state"], restoring["done"]) == ("COMPLETED", 1_100)
    assert await counted(api.workspace) == before == {"leads": 1_102}
    assert (await entry(api, "x299"))["state"] == "ACTIVE"


async def test_an_undo_ends_the_job_that_deletes(api: Api) -> None:
    await many_leads(api, 1_100)
    payload = await delete(api, {"filter": {"search": "Many"}})

    undone = await restore(api, payload["undoToken"])

    job = await api.ask("query ($id: ID!) { job(id: $id) { state } }", id=payload["job"]["id"])
    assert job == {"job": {"state": "CANCELED"}}
    assert undone["restored"] == 0
    assert await counted(api.workspace) == {"leads": 1_101}


async def test_an_undo_that_was_cancelled_half_way_goes_on_when_it_is_asked_for_again(
    api: Api,
) -> None:
    await many_leads(api, 1_100)
    payload = await delete(api, {"filter": {"search": "Many"}})
    async with a_worker(api):
        await finished(api, payload["job"]["id"])
    first = await restore(api, payload["undoToken"])
    await api.ask(
        "mutation ($id: ID!) { cancelJob(input: {id: $id}) { job { state } } }",
        id=first["job"]["id"],
    )

    again = await restore(api, payload["undoToken"])
    async with a_worker(api):
        await finished(api, again["job"]["id"])

    assert again["userErrors"] == []
    assert await counted(api.workspace) == {"leads": 1_101}
    assert await api.workspace.rows(tables.deleted_contacts) == []


async def test_the_log_tells_of_a_deletion_and_of_its_undo(api: Api, bob: Id) -> None:
    token = (await delete(api, named(bob)))["undoToken"]
    api.context.now = lambda: NOW + SECOND
    await restore(api, token)

    told = [
        row["change"] or row["activity"]
        for row in await api.workspace.rows(tables.log, contact_id=bob)
    ]
    assert told == [
        "CONTACT_CREATED",
        "ENTERED",
        "STOPPED",
        "CONTACT_DELETED",
        "STOP_UNDONE",
        "CONTACT_RESTORED",
    ]
