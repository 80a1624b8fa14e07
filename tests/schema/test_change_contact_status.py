"""changeContactStatus: what is kept of it, at once and as a job, on both databases."""

from functools import partial
from typing import Any

import pytest

from schema import ids
from store import tables
from store.contacts import upsert
from store.drafts import ContactDraft
from store.types import Id, new_id
from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished
from tests.support.factories import NOW, a_contact, a_workspace, after

LEAD, CUSTOMER, LOST = ContactStatus.LEAD, ContactStatus.CUSTOMER, ContactStatus.LOST

CHANGE = """mutation ($input: ChangeContactStatusInput!) { changeContactStatus(input: $input) {
    matched changed job { id kind state total createdBy }
    userErrors { code field message } } }"""
STATUS = "query ($id: ID!) { contact(id: $id) { status convertedAt } }"


async def change(api: Api, contacts: dict[str, Any], to: str, **values: Any) -> dict[str, Any]:
    data = await api.ask(CHANGE, input={"contacts": contacts, "to": to, **values})
    payload: dict[str, Any] = data["changeContactStatus"]
    return payload


def named(*contact_ids: Id) -> dict[str, Any]:
    return {"ids": [f"{ids.CONTACT}_{one.hex()}" for one in contact_ids]}


def codes(payload: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def counted(api: Api) -> dict[str, int]:
    (row,) = await api.workspace.rows(tables.contact_counters)
    return {name: n for name, n in row.items() if n and name != "workspace_id"}


async def many_leads(api: Api, number: int) -> None:
    for start in range(0, number, 100):
        drafts = [ContactDraft(f"c{start + n}", status=LEAD) for n in range(100)]
        work = partial(upsert, workspace_id=api.workspace.id, drafts=drafts, by="ops", now=NOW)
        await api.workspace.database.transact(work)


async def shown(api: Api, contact_id: Id) -> dict[str, Any]:
    data = await api.ask(STATUS, id=named(contact_id)["ids"][0])
    found: dict[str, Any] = data["contact"]
    return found


async def test_a_lead_who_becomes_a_customer_has_converted(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob")

    payload = await change(api, named(bob), "CUSTOMER")

    assert payload == {"matched": 1, "changed": 1, "job": None, "userErrors": []}
    assert await shown(api, bob) == {
        "status": "CUSTOMER",
        "convertedAt": "2026-11-22T00:00:00Z",
    }
    assert await counted(api) == {"leads": 1, "customers": 1, "converted": 1}


async def test_the_history_says_who_changed_what_and_when(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob")
    await change(api, named(bob), "LOST")
    api.context.now = lambda: after(60)
    await change(api, named(bob), "CUSTOMER")

    history = await api.workspace.rows(tables.contact_status_changes, contact_id=bob)

    assert [(one["from_status"], one["to_status"], one["at"], one["by"]) for one in history] == [
        (None, LEAD, NOW, "ops"),
        (LEAD, LOST, NOW, "Shop"),
        (LOST, CUSTOMER, after(60), "Shop"),
    ]


async def test_only_from_lead_to_customer_is_a_conversion_and_once(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob", status=LOST)

    seen = []
    for at, to in enumerate(["CUSTOMER", "LEAD", "CUSTOMER", "LEAD", "CUSTOMER"]):
        api.context.now = lambda at=at: after(at)  # type: ignore[misc]
        await change(api, named(bob), to)
        seen.append((await shown(api, bob))["convertedAt"])

    assert seen == [None, None, *["2026-11-22T00:00:02Z"] * 3]
    assert await counted(api) == {"leads": 1, "customers": 1, "converted": 1}


async def test_a_status_that_is_there_already_is_no_change(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob", status=LOST)
    facts = len(await api.workspace.rows(tables.log))

    payload = await change(api, {"all": True}, "LOST")
    again = await change(api, {"all": True}, "LOST")

    assert (payload["matched"], payload["changed"]) == (2, 1)
    assert (again["matched"], again["changed"]) == (2, 0)
    assert len(await api.workspace.rows(tables.contact_status_changes, contact_id=bob)) == 1
    assert len(await api.workspace.rows(tables.log)) == facts + 1


async def test_a_filter_chooses_whose_status_changes(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob", email="bob@example.org")

    payload = await change(api, {"filter": {"search": "BOB@"}}, "LOST")

    assert (payload["matched"], payload["changed"]) == (1, 1)
    assert (await shown(api, bob))["status"] == "LOST"
    assert await counted(api) == {"leads": 1, "lost": 1}


async def test_a_dry_run_counts_and_changes_nobody(api: Api) -> None:
    payload = await change(api, {"all": True}, "LOST", dryRun=True)

    assert payload == {"matched": 1, "changed": None, "job": None, "userErrors": []}
    assert await counted(api) == {"leads": 1}
    assert await api.workspace.rows(tables.audit_log) == []


async def test_unknown_and_foreign_contacts_are_passed_over(api: Api) -> None:
    stranger = await a_workspace(api.workspace.database)
    foreign = await a_contact(stranger, "ada")

    payload = await change(api, named(foreign, new_id()), "LOST")

    assert (payload["matched"], payload["changed"]) == (0, 0)
    assert (await stranger.rows(tables.contacts))[0]["status"] == LEAD


@pytest.mark.parametrize(
    ("contacts", "code", "field"),
    [
        ({"ids": []}, "EMPTY_SELECTION", ["contacts", "ids"]),
        ({"ids": [f"ctc_{0:032x}"] * 1_001}, "TOO_MANY", ["contacts", "ids"]),
        ({"filter": {}}, "EMPTY_SELECTION", ["contacts"]),
        ({"filter": {"search": "  "}}, "EMPTY_SELECTION", ["contacts"]),
        ({"filter": {"or": [{"status": ["LEAD"]}, {}]}}, "EMPTY_SELECTION", ["contacts"]),
        ({"all": False}, "EMPTY_SELECTION", ["contacts"]),
    ],
)
async def test_a_choice_of_nobody_in_particular_is_refused(
    api: Api, contacts: dict[str, Any], code: str, field: list[str]
) -> None:
    payload = await change(api, contacts, "LOST")

    assert codes(payload) == [(code, field)]
    assert (payload["matched"], payload["changed"]) == (0, None)
    assert await counted(api) == {"leads": 1}


@pytest.mark.parametrize(
    "contacts", [{}, {"all": None}, {"ids": ["ctc_1"]}, {"filter": {"status": []}}]
)
async def test_a_choice_that_makes_no_sense_is_a_wrong_request(
    api: Api, contacts: dict[str, Any]
) -> None:
    _, errors = await api.run(CHANGE, input={"contacts": contacts, "to": "LOST"})

    assert len(errors) == 1
    assert await counted(api) == {"leads": 1}


async def test_who_may_not_operate_may_not_change_a_status(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ, Scope.INTEGRATE))

    _, errors = await reader.run(CHANGE, input={"contacts": {"all": True}, "to": "LOST"})

    assert "needs the scope operate" in errors[0].message
    assert await counted(api) == {"leads": 1}


async def test_the_same_key_answers_with_the_first_change(api: Api) -> None:
    first = await change(api, {"all": True}, "LOST", idempotencyKey="k")
    await a_contact(api.workspace, "bob")

    again = await change(api, {"all": True}, "LOST", idempotencyKey="k")
    other = await change(api, {"all": True}, "NONE", idempotencyKey="k")

    assert again == first
    assert codes(other) == [("KEY_REUSED", ["idempotencyKey"])]
    assert await counted(api) == {"leads": 1, "lost": 1}


async def test_a_change_of_many_is_a_job_that_leaves_out_who_came_later(api: Api) -> None:
    await many_leads(api, 1_100)

    payload = await change(api, {"filter": {"status": ["LEAD"]}}, "CUSTOMER")
    await a_contact(api.workspace, "late", now=after(1))
    async with a_worker(api):
        job = await finished(api, payload["job"]["id"])

    assert (payload["matched"], payload["changed"]) == (1_101, None)
    assert (payload["job"]["kind"], payload["job"]["total"]) == ("BULK_STATUS", 1_101)
    assert (job["state"], job["done"], job["counts"]["updated"]) == ("COMPLETED", 1_101, 1_101)
    assert await counted(api) == {"leads": 1, "customers": 1_101, "converted": 1_101}
    audited = await api.workspace.rows(tables.audit_log)
    assert [(one["by"], one["action"], one["affected"]) for one in audited] == [
        ("Shop", "changeContactStatus", 1_101),
        ("Shop", "job", 1_101),
    ]
