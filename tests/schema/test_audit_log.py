"""The audit log: who did what, by the public schema on both databases."""

from typing import Any

import pytest

from schema import schema
from store import tables
from store.types import MINUTE, SECOND, Id, new_id
from store.words import Scope
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished
from tests.support.factories import NOW, a_contact, a_house, an_entry

LOG = """query ($filter: AuditFilter, $first: Int, $after: Cursor) {
    auditLog(filter: $filter, first: $first, after: $after) {
      totalCount { value } pageInfo { hasNextPage endCursor }
      nodes { id at by action detail affected } } }"""


@pytest.fixture
def admin(api: Api) -> Api:
    return Api(api.workspace, (Scope.ADMIN,))


async def audited(api: Api, **arguments: Any) -> list[dict[str, Any]]:
    """The newest first."""
    nodes: list[dict[str, Any]] = (await api.ask(LOG, **arguments))["auditLog"]["nodes"]
    return nodes


async def told(api: Api) -> list[tuple[str, int, Any]]:
    """Action, affected and detail, in the order of the acts."""
    return [
        (one["action"], one["affected"], one["detail"])
        for one in sorted(await audited(api), key=lambda one: str(one["id"]))
    ]


async def entry_id(api: Api, name: str = "e1") -> str:
    return f"ent_{(await api.workspace.entry(name))['id'].hex()}"


async def test_what_an_operator_does_stands_there_with_who_and_when(admin: Api) -> None:
    stopped = await admin.ask(
        """mutation ($id: ID!) { stopCampaign(input: {
            entries: {ids: [$id]}, note: "Ada called"}) { undoToken } }""",
        id=await entry_id(admin),
    )

    (one,) = await audited(admin)

    assert one == {
        "id": one["id"],
        "at": "2026-11-22T00:00:00Z",
        "by": "Shop",
        "action": "stopCampaign",
        # Its note is at the stop: what people write may name somebody.
        "detail": {"stop": stopped["stopCampaign"]["undoToken"]},
        "affected": 1,
    }


async def test_every_mutation_that_changes_something_is_kept(admin: Api) -> None:
    made = await admin.ask(
        """mutation ($entry: ID!) {
          upsertJourney(input: {externalId: "j", name: "J", steps: [],
            landingUrl: "https://a.example"}) { journey { id } }
          upsertPromo(input: {externalId: "p", name: "P"}) { promo { id } }
          upsertContacts(input: {contacts: [
            {externalUsername: "a"}, {externalUsername: "b"}, {externalUsername: " "}]}) {
            results { contact { id } } }
          createContact(input: {email: "bob@example.org", status: LEAD}) { contact { id } }
          stopCampaign(input: {entries: {ids: [$entry]}}) { undoToken }
          createConnector(input: {provider: "mailgun", name: "M", secret: "s"}) {
            connector { id } }
          createWebhookEndpoint(input: {url: "https://a.example", kinds: [STOPPED]}) {
            endpoint { id } }
        }""",
        entry=await entry_id(admin),
    )
    journey = made["upsertJourney"]["journey"]["id"]
    bob = made["createContact"]["contact"]["id"]
    stop = made["stopCampaign"]["undoToken"]
    connector = made["createConnector"]["connector"]["id"]
    endpoint = made["createWebhookEndpoint"]["endpoint"]["id"]
    more = await admin.ask(
        """mutation ($bob: ID!, $stop: ID!, $connector: ID!, $endpoint: ID!, $journey: ID!) {
          updateContact(input: {id: $bob, firstName: "Bob"}) { contact { id } }
          changeContactStatus(input: {contacts: {ids: [$bob]}, to: CUSTOMER}) { changed }
          undoStopCampaign(input: {undoToken: $stop}) { restored }
          setConnectorChannel(id: $connector, channel: EMAIL) { connector { id } }
          removeConnector(id: $connector) { removed }
          removeWebhookEndpoint(id: $endpoint) { removed }
          exportContacts(input: {}) { job { id } }
          exportJourney(input: {journeyId: $journey, users: {}}) { job { id } }
          generateReferralLinks(input: {
            journeyId: $journey, kinds: [FLOW], contacts: {ids: [$bob]}}) { job { id } }
          importContacts(input: {text: "firstname,lastname,email\\nA,B,c@example.org",
            status: LEAD}) { job { id } }
          deleteContacts(input: {contacts: {ids: [$bob]}}) { undoToken }
        }""",
        bob=bob,
        stop=stop,
        connector=connector,
        endpoint=endpoint,
        journey=journey,
    )
    deletion = more["deleteContacts"]["undoToken"]
    jobs = [
        more[name]["job"]["id"]
        for name in ("exportContacts", "exportJourney", "generateReferralLinks", "importContacts")
    ]
    await admin.ask(
        """mutation ($deletion: ID!, $job: ID!) {
          restoreContacts(input: {undoToken: $deletion}) { restored }
          cancelJob(input: {id: $job}) { job { state } }
        }""",
        deletion=deletion,
        job=jobs[0],
    )

    assert await told(admin) == [
        ("upsertJourney", 1, {"journey": journey}),
        ("upsertPromo", 1, {"promo": made["upsertPromo"]["promo"]["id"]}),
        ("upsertContacts", 2, {}),
        ("createContact", 1, {"contact": bob}),
        ("stopCampaign", 1, {"stop": stop}),
        ("createConnector", 1, {"connector": connector, "provider": "mailgun"}),
        ("createWebhookEndpoint", 1, {"endpoint": endpoint}),
        ("updateContact", 1, {"contact": bob}),
        ("changeContactStatus", 1, {"to": "CUSTOMER"}),
        ("undoStopCampaign", 1, {"stop": stop}),
        ("setConnectorChannel", 1, {"connector": connector, "channel": "EMAIL"}),
        ("removeConnector", 1, {"connector": connector}),
        ("removeWebhookEndpoint", 1, {"endpoint": endpoint}),
        ("exportContacts", 0, {"job": jobs[0]}),
        ("exportJourney", 0, {"job": jobs[1], "journey": journey}),
        ("generateReferralLinks", 0, {"job": jobs[2], "journey": journey}),
        ("importContacts", 1, {"job": jobs[3], "status": "LEAD"}),
        ("deleteContacts", 1, {"deletion": deletion}),
        ("restoreContacts", 1, {"deletion": deletion}),
        ("cancelJob", 1, {"job": jobs[0]}),
    ]


async def test_what_is_refused_or_only_tried_is_not_kept(admin: Api) -> None:
    await admin.ask(
        """mutation ($id: ID!, $nobody: ID!, $job: ID!) {
          stopCampaign(input: {entries: {ids: [$id]}, dryRun: true}) { matched }
          createContact(input: {status: LEAD}) { userErrors { code } }
          updateContact(input: {id: $nobody, firstName: "B"}) { userErrors { code } }
          upsertContacts(input: {contacts: [{externalUsername: " "}]}) { userErrors { code } }
          upsertJourney(input: {externalId: " ", name: "J", steps: []}) { userErrors { code } }
          upsertPromo(input: {externalId: "p", name: "P", journey: "none"}) {
            userErrors { code } }
          cancelJob(input: {id: $job}) { userErrors { code } }
          importContacts(input: {text: "firstname,lastname,email\\nA,B,c@example.org",
            status: LEAD, dryRun: true}) { job { id } }
        }""",
        id=await entry_id(admin),
        nobody=f"ctc_{new_id().hex()}",
        job=f"job_{new_id().hex()}",
    )

    assert await audited(admin) == []


async def test_what_partners_report_is_kept_by_the_log_of_events_alone(admin: Api) -> None:
    done = await admin.ask(
        """mutation { recordEvents(input: {events: [{converted: {
            key: "k", entry: "e1", occurredAt: "2026-11-22T00:00:00Z"}}]}) {
            results { outcome } } }"""
    )

    assert done["recordEvents"]["results"] == [{"outcome": "ACCEPTED"}]
    assert await audited(admin) == []


async def test_the_same_call_twice_is_kept_once(admin: Api) -> None:
    for _ in range(2):
        await admin.ask(
            """mutation ($id: ID!) { stopCampaign(input: {
                entries: {ids: [$id]}, idempotencyKey: "once"}) { stopped } }""",
            id=await entry_id(admin),
        )

    assert [one["action"] for one in await audited(admin)] == ["stopCampaign"]


async def test_what_a_job_came_to_is_kept_when_it_ends(admin: Api) -> None:
    for number in range(1_001):
        await a_contact(admin.workspace, f"c{number}")
    async with a_worker(admin):
        handed_in = await admin.ask(
            """mutation { changeContactStatus(input: {contacts: {all: true}, to: LOST}) {
                job { id } } }"""
        )
        job_id = handed_in["changeContactStatus"]["job"]["id"]
        await finished(admin, job_id)

    assert await told(admin) == [
        ("changeContactStatus", 1_002, {"job": job_id, "to": "LOST"}),
        ("job", 1_002, {"job": job_id, "kind": "BULK_STATUS", "state": "COMPLETED"}),
    ]


async def noted(api: Api, action: str, by: str, at: int) -> Id:
    own = new_id()
    await api.workspace.insert(
        tables.audit_log, id=own, at=at, by=by, action=action, affected=1, detail=None
    )
    return own


async def test_it_is_read_by_pages_the_newest_first(admin: Api) -> None:
    for number in range(5):
        await noted(admin, f"act {number}", "ops", NOW + number)

    first = (await admin.ask(LOG, first=3))["auditLog"]
    rest = await audited(admin, first=3, after=first["pageInfo"]["endCursor"])

    assert [one["action"] for one in first["nodes"]] == ["act 4", "act 3", "act 2"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["totalCount"] == {"value": 5}
    assert [one["action"] for one in rest] == ["act 1", "act 0"]
    assert rest[0]["detail"] is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"by": "ops"}, ["c", "a"]),
        ({"action": ["a", "b"]}, ["b", "a"]),
        ({"by": "ops", "action": ["b"]}, []),
        ({"by": 'it\'s "me" %_'}, []),
        ({"within": {"last": "HOURS_1"}}, ["c", "b"]),
        ({"within": {"last": "HOURS_1"}, "by": "ops"}, ["c"]),
        ({}, ["c", "b", "a"]),
    ],
)
async def test_it_is_filtered(admin: Api, asked: dict[str, Any], found: list[str]) -> None:
    await noted(admin, "a", "ops", NOW - 61 * MINUTE)
    await noted(admin, "b", "crm", NOW - 2 * SECOND)
    await noted(admin, "c", "ops", NOW - SECOND)

    assert [one["action"] for one in await audited(admin, filter=asked)] == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "x" * 201}, "too long"),
        ({"by": "a\0b"}, "null character"),
        ({"action": []}, "empty list"),
        ({"action": ["a\0b"]}, "null character"),
        (
            {"within": {"between": {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}}},
            "exchange from and to",
        ),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_told(
    admin: Api, asked: dict[str, Any], said: str
) -> None:
    assert said in await admin.refused(LOG, filter=asked)


async def test_another_workspace_sees_nothing_of_it(admin: Api) -> None:
    await noted(admin, "a", "ops", NOW)
    neighbour = Api(await a_house(admin.workspace.database), (Scope.ADMIN,))

    assert await audited(neighbour) == []


async def test_it_is_for_who_administrates(api: Api) -> None:
    result = await schema.execute(LOG, context_value=api.context)

    assert "scope admin" in str(result)


async def test_an_erasure_leaves_who_did_it_and_no_name(admin: Api) -> None:
    await an_entry(admin.workspace, "e2")
    contact = f"ctc_{(await admin.workspace.entry())['contact_id'].hex()}"
    await admin.ask(
        """mutation ($id: ID!) {
          updateContact(input: {id: $id, email: "ada@example.org", lastName: "Lovelace"}) {
            contact { id } }
          deleteContacts(input: {contacts: {ids: [$id]}, mode: ERASE}) { deleted } }""",
        id=contact,
    )

    assert await told(admin) == [
        ("updateContact", 1, {"contact": contact}),
        ("deleteContacts", 1, {"mode": "ERASE"}),
    ]
