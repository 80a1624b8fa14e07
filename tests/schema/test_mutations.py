"""Mutations: journeys, contacts and stops, each success and each refusal."""

from typing import Any

from store.types import new_id
from store.words import Scope
from tests.schema.conftest import Api
from tests.support.factories import (
    a_contact,
    a_journey,
    a_workspace,
    an_entry,
    completed,
    converted,
)

UPSERT_JOURNEY = """mutation ($input: UpsertJourneyInput!) { upsertJourney(input: $input) {
    journey { externalId name status landingUrl startsAt steps { key } }
    userErrors { code field message } } }"""
UPSERT_CONTACTS = """mutation ($contacts: [ContactInput!]!) {
    upsertContacts(input: {contacts: $contacts}) { userErrors { code field }
    results { index contact { externalUsername email firstName source status entries {
      nodes { externalId } } } error { code field message } } } }"""
CREATE = """mutation ($input: CreateContactInput!) { createContact(input: $input) {
    contact { id email status source } userErrors { code field message } } }"""
STOP = """mutation ($input: StopCampaignInput!) { stopCampaign(input: $input) {
    matched stopped userErrors { code field } results { entryId outcome
    entry { externalId state stopReason stoppedBy stopNote stoppedAt canStop } } } }"""


async def entry_id(api: Api, external_id: str = "e1") -> str:
    data = await api.ask("query ($e: String) { entry(externalId: $e) { id } }", e=external_id)
    found: str = data["entry"]["id"]
    return found


async def stop(api: Api, *ids: str, **values: Any) -> dict[str, Any]:
    data = await api.ask(STOP, input={"entries": {"ids": list(ids)}, **values})
    payload: dict[str, Any] = data["stopCampaign"]
    return payload


async def test_a_journey_is_registered_and_changed(api: Api) -> None:
    given = {
        "externalId": "autumn",
        "name": "Autumn",
        "status": "DRAFT",
        "landingUrl": "https://example.org/autumn",
        "startsAt": "2026-12-01T00:00:00+02:00",
        "steps": [{"key": "a", "name": "A"}, {"key": "b", "name": "B", "patienceSeconds": 0}],
        "rewards": [{"key": "mug", "name": "Mug", "value": "4.50"}],
        "surveys": [
            {
                "key": "s",
                "name": "S",
                "questions": [
                    {"key": "q", "text": "Why?", "choices": [{"key": "c", "text": "So."}]}
                ],
            }
        ],
    }

    made = (await api.ask(UPSERT_JOURNEY, input=given))["upsertJourney"]
    changed = await api.ask(UPSERT_JOURNEY, input={**given, "name": "Fall", "status": "ACTIVE"})

    assert made == {
        "journey": {
            "externalId": "autumn",
            "name": "Autumn",
            "status": "DRAFT",
            "landingUrl": "https://example.org/autumn",
            "startsAt": "2026-11-30T22:00:00Z",
            "steps": [{"key": "a"}, {"key": "b"}],
        },
        "userErrors": [],
    }
    assert changed["upsertJourney"]["journey"]["name"] == "Fall"
    assert len((await api.ask("{ journeys { nodes { id } } }"))["journeys"]["nodes"]) == 2


async def test_a_journey_is_refused_with_the_place_of_what_is_wrong(api: Api) -> None:
    async def refused(**values: Any) -> list[tuple[str, list[str]]]:
        given = {"externalId": "x", "name": "X", "steps": [], **values}
        payload = (await api.ask(UPSERT_JOURNEY, input=given))["upsertJourney"]
        assert payload["journey"] is None
        return [(one["code"], one["field"]) for one in payload["userErrors"]]

    long_name = {"key": "a", "name": "n" * 501}

    assert await refused(externalId=" ") == [("INVALID", ["externalId"])]
    assert await refused(landingUrl="ftp://x") == [("INVALID", ["landingUrl"])]
    assert await refused(steps=[{"key": "b", "name": "B"}, long_name]) == [
        ("TOO_LONG", ["steps", "1", "name"])
    ]
    assert await refused(steps=[{"key": "a", "name": "A", "resource": "R"}]) == [
        ("INVALID", ["steps", "0", "channel"])
    ]
    assert await refused(rewards=[{"key": "a", "name": "A", "value": "1e5"}]) == [
        ("INVALID", ["rewards", "0", "value"])
    ]
    assert (await refused(steps=[{"key": str(n), "name": "N"} for n in range(201)]))[0] == (
        "TOO_MANY",
        ["steps"],
    )
    assert await api.ask('{ journey(externalId: "x") { id } }') == {"journey": None}


async def test_a_journeys_date_without_a_zone_is_a_broken_request(api: Api) -> None:
    message = await api.refused(
        UPSERT_JOURNEY,
        input={"externalId": "x", "name": "X", "steps": [], "startsAt": "2026-11-22T00:00:00"},
    )

    assert "'2026-11-22T00:00:00' is not a DateTime" in message


async def test_contacts_are_registered_each_with_a_result_of_its_own(api: Api) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org")

    payload = await api.ask(
        UPSERT_CONTACTS,
        contacts=[
            {"externalUsername": "new", "email": "new@example.org", "status": "CUSTOMER"},
            {"externalUsername": "ada", "firstName": "Ada"},
            {"externalUsername": "x", "email": "not an address"},
            {"externalUsername": "y", "email": "BOB@example.org"},
        ],
    )

    results = payload["upsertContacts"]["results"]
    assert [one["index"] for one in results] == [0, 1, 2, 3]
    assert results[0]["contact"] == {
        "externalUsername": "new",
        "email": "new@example.org",
        "firstName": None,
        "source": "REGISTERED",
        "status": "CUSTOMER",
        "entries": {"nodes": []},
    }
    assert results[1]["contact"]["firstName"] == "Ada"
    assert results[1]["contact"]["entries"] == {"nodes": [{"externalId": "e1"}]}
    assert results[2]["contact"] is None
    assert results[2]["error"]["code"] == "INVALID"
    assert results[2]["error"]["field"] == ["contacts", "2", "email"]
    assert results[3]["error"]["code"] == "DUPLICATE_EMAIL"


async def test_a_code_that_no_database_can_hold_is_refused_for_its_contact_alone(
    api: Api,
) -> None:
    contacts = [
        {"externalUsername": "bob", "referredByCode": "a\0b"},
        {"externalUsername": "cid", "referredByCode": "x" * 201},
        {"externalUsername": "dee"},
    ]

    data = await api.ask(UPSERT_CONTACTS, contacts=contacts)

    null, long, good = data["upsertContacts"]["results"]
    assert null["error"]["field"] == ["contacts", "0", "referredByCode"]
    assert null["error"]["code"] == "INVALID"
    assert long["error"]["code"] == "TOO_LONG"
    assert good["contact"]["externalUsername"] == "dee"


async def test_none_and_too_many_contacts_are_refused_as_a_whole(api: Api) -> None:
    many = [{"externalUsername": f"c{number}"} for number in range(1_001)]

    payloads = [
        (await api.ask(UPSERT_CONTACTS, contacts=given))["upsertContacts"] for given in ([], many)
    ]

    assert payloads == [
        {"results": [], "userErrors": [{"code": "EMPTY_SELECTION", "field": ["contacts"]}]},
        {"results": [], "userErrors": [{"code": "TOO_MANY", "field": ["contacts"]}]},
    ]
    data = await api.ask('{ contact(externalUsername: "c0") { id } }')
    assert data == {"contact": None}


async def test_a_contact_is_created_once_for_one_key(api: Api) -> None:
    given = {"email": "eve@example.org", "status": "LEAD", "idempotencyKey": "k"}

    first = (await api.ask(CREATE, input=given))["createContact"]
    again = (await api.ask(CREATE, input=given))["createContact"]
    other = await api.ask(CREATE, input={**given, "status": "CUSTOMER"})
    long_key = await api.ask(CREATE, input={**given, "idempotencyKey": "k" * 201})

    assert first["contact"]["source"] == "CREATED"
    assert again == first
    assert [one["code"] for one in other["createContact"]["userErrors"]] == ["KEY_REUSED"]
    assert [(one["code"], one["field"]) for one in long_key["createContact"]["userErrors"]] == [
        ("TOO_LONG", ["idempotencyKey"])
    ]


async def test_a_contact_with_anothers_address_is_refused(api: Api) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org")

    data = await api.ask(CREATE, input={"email": "Bob@Example.org", "status": "LEAD"})

    assert data["createContact"]["contact"] is None
    assert [(one["code"], one["field"]) for one in data["createContact"]["userErrors"]] == [
        ("DUPLICATE_EMAIL", ["email"])
    ]


async def test_a_stop_ends_the_entry_and_a_second_one_reports_the_first(api: Api) -> None:
    entry = await entry_id(api)

    first = await stop(api, entry, note="asked to")
    later = Api(api.workspace, now=api.now + 60_000_000)
    again = await stop(later, entry, note="again")

    stopped = {
        "externalId": "e1",
        "state": "STOPPED",
        "stopReason": "OPERATOR",
        "stoppedBy": "Shop",
        "stopNote": "asked to",
        "stoppedAt": "2026-11-22T00:00:00Z",
        "canStop": False,
    }
    assert first == {
        "matched": 1,
        "stopped": 1,
        "userErrors": [],
        "results": [{"entryId": entry, "outcome": "STOPPED", "entry": stopped}],
    }
    assert again["results"] == [{"entryId": entry, "outcome": "ALREADY_STOPPED", "entry": stopped}]
    assert again["stopped"] == 0


async def test_what_comes_after_a_stop_is_told_as_ignored(api: Api) -> None:
    await stop(api, await entry_id(api))
    await api.workspace.record(converted(at=api.now + 1_000_000))

    data = await api.ask(
        """{ entry(externalId: "e1") { convertedAt
            activities(filter: {kind: [STOPPED, CONVERTED]}) { nodes { summary } } } }"""
    )

    assert data["entry"] == {
        "convertedAt": None,
        "activities": {
            "nodes": [
                {"summary": "The campaign was stopped for the contact by Shop."},
                {
                    "summary": "The contact converted, but without effect: the campaign had been "
                    "stopped."
                },
            ]
        },
    }


async def test_a_stop_says_what_it_did_to_each_entry(api: Api) -> None:
    await a_contact(api.workspace, "bob")
    await an_entry(api.workspace, "done", "bob")
    await api.workspace.record(completed("done"))
    unknown = f"ent_{new_id().hex()}"

    trial = await stop(api, await entry_id(api), dryRun=True)
    payload = await stop(api, unknown, await entry_id(api, "done"), await entry_id(api))

    assert [one["outcome"] for one in trial["results"]] == ["WOULD_STOP"]
    assert trial["stopped"] is None
    assert [one["outcome"] for one in payload["results"]] == ["NOT_FOUND", "FINISHED", "STOPPED"]
    assert payload["results"][0] == {"entryId": unknown, "outcome": "NOT_FOUND", "entry": None}
    assert (payload["matched"], payload["stopped"]) == (2, 1)


async def test_a_stop_is_refused_for_none_too_many_and_a_long_note(api: Api) -> None:
    unknown = f"ent_{new_id().hex()}"

    payloads = [
        await stop(api),
        await stop(api, *[unknown] * 1_001),
        await stop(api, unknown, note="n" * 2_001),
        await stop(api, unknown, note="\0"),
        await stop(api, unknown, idempotencyKey=" "),
    ]

    assert [
        (one["code"], one["field"]) for payload in payloads for one in payload["userErrors"]
    ] == [
        ("EMPTY_SELECTION", ["entries"]),
        ("TOO_MANY", ["entries", "ids"]),
        ("TOO_LONG", ["note"]),
        ("INVALID", ["note"]),
        ("INVALID", ["idempotencyKey"]),
    ]


async def test_a_malformed_id_stops_nothing(api: Api) -> None:
    good = await entry_id(api)

    message = await api.refused(STOP, input={"entries": {"ids": [good, "ent_1"]}})

    assert "'ent_1' is not the id of an entry" in message
    data = await api.ask('{ entry(externalId: "e1") { state } }')
    assert data == {"entry": {"state": "ACTIVE"}}


async def test_another_workspaces_entry_is_not_found(api: Api) -> None:
    stranger = Api(await a_workspace(api.workspace.database))

    payload = await stop(stranger, await entry_id(api))

    assert [one["outcome"] for one in payload["results"]] == ["NOT_FOUND"]
    data = await api.ask('{ entry(externalId: "e1") { state } }')
    assert data == {"entry": {"state": "ACTIVE"}}


async def test_each_mutation_needs_its_scope(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ,))
    journey = {"externalId": "x", "name": "X", "steps": []}

    refusals = [
        await reader.run(UPSERT_JOURNEY, input=journey),
        await reader.run(UPSERT_CONTACTS, contacts=[{"externalUsername": "x"}]),
        await reader.run(CREATE, input={"email": "x@example.org", "status": "LEAD"}),
        await reader.run(STOP, input={"entries": {"ids": [await entry_id(api)]}}),
    ]

    needed = [str(error.original_error).split(":")[0] for _, errors in refusals for error in errors]
    assert needed == [
        "This needs the scope integrate",
        "This needs the scope integrate",
        "This needs the scope operate",
        "This needs the scope operate",
    ]


async def test_who_may_only_integrate_sees_what_it_registered(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    data = await partner.ask(
        """mutation { upsertJourney(input: {externalId: "p", name: "P", steps: []}) {
            journey { id name } } }"""
    )

    assert data["upsertJourney"]["journey"]["name"] == "P"


async def test_a_journey_of_the_same_name_elsewhere_is_another(api: Api) -> None:
    stranger = await a_workspace(api.workspace.database)
    await a_journey(stranger, "welcome", name="Theirs")

    data = await api.ask('{ journey(externalId: "welcome") { name } }')

    assert data == {"journey": {"name": "Welcome"}}
