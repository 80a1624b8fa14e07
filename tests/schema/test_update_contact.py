"""updateContact: what changes, what stays, what is refused, on both databases."""

from decimal import Decimal
from typing import Any

import pytest

from schema import ids
from store import tables
from store.types import Id, new_id
from store.words import Scope
from tests.schema.conftest import Api
from tests.support.factories import NOW, Workspace, a_contact, a_workspace, after

UPDATE = """mutation ($input: UpdateContactInput!) { updateContact(input: $input) {
    contact { id externalUsername username email firstName lastName phone status }
    userErrors { code field message } } }"""
FOUND = """query ($filter: ContactFilter) {
    contacts(filter: $filter) { nodes { externalUsername } } }"""


async def ada(api: Api) -> Id:
    (row,) = await api.workspace.rows(tables.contacts, external_username="ada")
    return bytes(row["id"])


async def update(api: Api, contact_id: Id, **values: Any) -> dict[str, Any]:
    data = await api.ask(UPDATE, input={"id": f"{ids.CONTACT}_{contact_id.hex()}", **values})
    payload: dict[str, Any] = data["updateContact"]
    return payload


async def a_reward(workspace: Workspace, *, is_archived: bool = False) -> tuple[Id, str]:
    journey = (await workspace.rows(tables.journeys))[0]["id"]
    own = new_id()
    await workspace.insert(
        tables.rewards,
        id=own,
        journey_id=journey,
        key=own.hex(),
        name="Voucher",
        value=Decimal(5),
        position=0,
        is_archived=is_archived,
    )
    return own, f"{ids.REWARD}_{own.hex()}"


def codes(payload: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def test_what_is_left_out_stays_and_null_clears(api: Api) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org", first_name="Bob")

    payload = await update(api, own, email=None, lastName="Stone", phone="+44 1")

    assert payload == {
        "contact": {
            "id": f"ctc_{own.hex()}",
            "externalUsername": "bob",
            "username": None,
            "email": None,
            "firstName": "Bob",
            "lastName": "Stone",
            "phone": "+44 1",
            "status": "LEAD",
        },
        "userErrors": [],
    }
    assert [row["change"] for row in await api.workspace.facts()][-1] == "CONTACT_CHANGED"


async def test_a_changed_contact_is_found_by_what_it_is_now(api: Api) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    await update(api, own, email=" Rob@Example.org ")

    found = await api.ask(FOUND, filter={"search": "rob@example"})
    lost = await api.ask(FOUND, filter={"search": "bob@example"})
    by_email = await api.ask('{ contact(email: "ROB@example.org") { email } }')

    assert found["contacts"]["nodes"] == [{"externalUsername": "bob"}]
    assert lost["contacts"]["nodes"] == []
    assert by_email == {"contact": {"email": "Rob@Example.org"}}


async def test_a_name_that_was_given_up_is_free(api: Api) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    await update(api, own, email=None)

    payload = await update(api, await ada(api), email="BOB@example.org")

    assert payload["userErrors"] == []


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"email": "BOB@Example.ORG"}, "DUPLICATE_EMAIL", ["email"]),
        ({"externalUsername": "bob"}, "DUPLICATE_USERNAME", ["externalUsername"]),
        ({"username": "bobby"}, "DUPLICATE_USERNAME", ["username"]),
        ({"email": "ada"}, "INVALID", ["email"]),
        ({"email": ""}, "INVALID", ["email"]),
        ({"firstName": " "}, "INVALID", ["firstName"]),
        ({"lastName": "x" * 201}, "TOO_LONG", ["lastName"]),
        ({"externalUsername": None}, "INVALID", ["id"]),
        ({"preferredRewardId": f"rwd_{0:032x}"}, "NOT_FOUND", ["preferredRewardId"]),
        (
            {"consents": [{"channel": "SMS", "isSubscribed": value} for value in (True, False)]},
            "INVALID",
            ["consents", "1", "channel"],
        ),
    ],
)
async def test_a_change_that_cannot_be_is_refused_whole(
    api: Api, values: dict[str, Any], code: str, field: list[str]
) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org", username="bobby")
    before = await api.workspace.rows(tables.contacts)

    payload = await update(api, await ada(api), **{"phone": "+44", **values})

    assert codes(payload) == [(code, field)]
    assert payload["contact"] is None
    assert await api.workspace.rows(tables.contacts) == before
    assert await api.workspace.rows(tables.contact_consents) == []


async def test_a_preferred_reward_is_set_and_cleared(api: Api) -> None:
    own, (reward, shown) = await ada(api), await a_reward(api.workspace)
    await update(api, own, preferredRewardId=shown)
    (chosen,) = await api.workspace.rows(tables.contacts)

    await update(api, own, preferredRewardId=None)

    (cleared,) = await api.workspace.rows(tables.contacts)
    assert (chosen["preferred_reward_id"], chosen["preferred_reward_at"]) == (reward, NOW)
    assert cleared["preferred_reward_id"] is None


async def test_a_reward_of_another_workspace_or_of_the_past_is_refused(api: Api) -> None:
    own = await ada(api)
    _, past = await a_reward(api.workspace, is_archived=True)
    stranger = await a_workspace(api.workspace.database)
    foreign = new_id()
    await stranger.insert(
        tables.journeys,
        id=foreign,
        name="Theirs",
        search="",
        status="ACTIVE",
        created_at=NOW,
        updated_at=NOW,
    )
    _, theirs = await a_reward(stranger)

    payloads = [await update(api, own, preferredRewardId=one) for one in (past, theirs)]

    assert [codes(one) for one in payloads] == [
        [("INVALID", ["preferredRewardId"])],
        [("NOT_FOUND", ["preferredRewardId"])],
    ]


async def test_a_consent_keeps_since_when_and_from_whom_it_is(api: Api) -> None:
    own = await ada(api)
    yes, no = {"channel": "EMAIL", "isSubscribed": True}, {"channel": "SMS", "isSubscribed": False}
    await update(api, own, consents=[yes, no])
    api.context.now = lambda: after(60)

    await update(api, own, consents=[yes, {**no, "isSubscribed": True}])

    kept = await api.workspace.rows(tables.contact_consents)
    assert [
        (one["channel"], one["is_subscribed"], one["since"], one["source"]) for one in kept
    ] == [
        ("EMAIL", True, NOW, "Shop"),
        ("SMS", True, after(60), "Shop"),
    ]


async def test_nothing_to_change_is_no_fact(api: Api) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    before = await api.workspace.rows(tables.log)

    payload = await update(api, own, email="bob@example.org", consents=None)

    assert payload["contact"]["email"] == "bob@example.org"
    assert await api.workspace.rows(tables.log) == before


async def test_an_unknown_and_a_foreign_contact_are_not_found(api: Api) -> None:
    foreign = await a_contact(await a_workspace(api.workspace.database), "bob")

    payloads = [await update(api, one, phone="+44") for one in (foreign, new_id())]

    assert [codes(one) for one in payloads] == [[("NOT_FOUND", ["id"])]] * 2


async def test_who_may_not_operate_may_not_change_a_contact(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ, Scope.INTEGRATE))
    own = f"ctc_{(await ada(api)).hex()}"

    _, errors = await reader.run(UPDATE, input={"id": own, "phone": "+44"})

    assert "needs the scope operate" in errors[0].message
    assert await api.refused(UPDATE, input={"id": "ent_1", "phone": "+44"}) == (
        "'ent_1' is not the id of a contact: such ids begin with ctc_."
    )
