"""Queries: every type and its relations, by the public schema on both databases."""

from schema import ids
from schema.scalars import write_instant
from store.types import MINUTE, new_id
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    a_contact,
    a_journey,
    a_message,
    a_workspace,
    after,
    an_entry,
    delivered,
    reached,
)


async def test_a_communication_shows_what_its_events_made_of_it(api: Api) -> None:
    await api.workspace.record(
        delivered(DeliveryKind.SENT, at=after(1)),
        delivered(DeliveryKind.BOUNCED, at=after(5), reason="mailbox full"),
        delivered(DeliveryKind.FAILED, at=after(3), reason="no route"),
        delivered(DeliveryKind.CLICKED, at=after(9), url="https://example.org/a"),
        delivered(DeliveryKind.OPENED, at=after(20)),
    )

    data = await api.ask(
        """query { communication(externalId: "m1") {
            externalId channel status createdAt sentAt deliveredAt failedAt failureReason
            firstOpenAt firstClickAt firstImpressionAt lastClickedUrl
            clickCount all: clickCount(includeSuspectedBots: true)
            lastAction { kind url occurredAt }
            resource { name channel } step { key } journey { name } entry { externalId }
            contact { externalUsername } } }"""
    )

    assert data["communication"] == {
        "externalId": "m1",
        "channel": "EMAIL",
        "status": "CLICKED",
        "createdAt": "2026-11-22T00:00:00Z",
        "sentAt": "2026-11-22T00:00:01Z",
        "deliveredAt": None,
        "failedAt": "2026-11-22T00:00:03Z",
        "failureReason": "mailbox full",
        "firstOpenAt": "2026-11-22T00:00:20Z",
        "firstClickAt": "2026-11-22T00:00:09Z",
        "firstImpressionAt": None,
        "lastClickedUrl": "https://example.org/a",
        "clickCount": 1,
        "all": 1,
        "lastAction": {
            "kind": "CLICKED",
            "url": "https://example.org/a",
            "occurredAt": "2026-11-22T00:00:09Z",
        },
        "resource": {"name": "Welcome mail", "channel": "EMAIL"},
        "step": None,
        "journey": {"name": "Welcome"},
        "entry": {"externalId": "e1"},
        "contact": {"externalUsername": "ada"},
    }


async def test_a_suspected_robots_click_is_counted_only_when_asked_for(api: Api) -> None:
    await api.workspace.record(
        delivered(DeliveryKind.CLICKED, is_suspected_bot=True, bot_signals=("fast",))
    )

    data = await api.ask(
        """{ communication(externalId: "m1") {
            clickCount all: clickCount(includeSuspectedBots: true) lastAction { kind } status
            events { nodes { kind isSuspectedBot botSignals } } } }"""
    )

    assert data["communication"] == {
        "clickCount": 0,
        "all": 1,
        "lastAction": None,
        "status": "QUEUED",
        "events": {
            "nodes": [
                {"kind": "QUEUED", "isSuspectedBot": False, "botSignals": []},
                {"kind": "CLICKED", "isSuspectedBot": True, "botSignals": ["fast"]},
            ]
        },
    }


async def test_an_entry_shows_where_it_stands(api: Api) -> None:
    await api.workspace.record(
        reached("hello"),
        reached("remind", StepKind.WAITING, at=after(5), waiting_until=after(60)),
    )

    data = await api.ask(
        """{ entry(externalId: "e1") { state canStop enteredAt stoppedAt stopReason stoppedBy
            stopNote convertedAt inControlGroup currentStep { key name position isArchived channel
            patienceSeconds resource { name } } journey { status } } }"""
    )

    assert data["entry"] == {
        "state": "WAITING",
        "canStop": True,
        "enteredAt": "2026-11-22T00:00:00Z",
        "stoppedAt": None,
        "stopReason": None,
        "stoppedBy": None,
        "stopNote": None,
        "convertedAt": None,
        "inControlGroup": False,
        "currentStep": {
            "key": "remind",
            "name": "Remind",
            "position": 1,
            "isArchived": False,
            "channel": None,
            "patienceSeconds": None,
            "resource": None,
        },
        "journey": {"status": "ACTIVE"},
    }


async def test_an_entry_of_a_journey_that_ended_cannot_be_stopped(api: Api) -> None:
    await api.ask(
        """mutation { upsertJourney(input: {externalId: "welcome", name: "W", status: ENDED,
            steps: []}) { userErrors { code } } }"""
    )

    data = await api.ask('{ entry(externalId: "e1") { canStop } }')

    assert data == {"entry": {"canStop": False}}


async def test_lists_nest_in_every_direction(api: Api) -> None:
    data = await api.ask(
        """{ journeys { nodes {
            steps { key }
            entries { nodes {
              contact { entries { nodes { externalId } } communications { nodes { externalId } } }
              communications { nodes { externalId events { nodes { kind } } } }
              activities { nodes { kind entry { externalId } communication { externalId } } }
            } }
            communications { nodes { externalId } }
            activities { nodes { kind } } } } }"""
    )

    (journey,) = data["journeys"]["nodes"]
    assert journey == {
        "steps": [{"key": "hello"}, {"key": "remind"}, {"key": "thank"}],
        "entries": {
            "nodes": [
                {
                    "contact": {
                        "entries": {"nodes": [{"externalId": "e1"}]},
                        "communications": {"nodes": [{"externalId": "m1"}]},
                    },
                    "communications": {
                        "nodes": [{"externalId": "m1", "events": {"nodes": [{"kind": "QUEUED"}]}}]
                    },
                    "activities": {
                        "nodes": [
                            {
                                "kind": "ENTERED",
                                "entry": {"externalId": "e1"},
                                "communication": None,
                            },
                            {
                                "kind": "MESSAGE_CREATED",
                                "entry": {"externalId": "e1"},
                                "communication": {"externalId": "m1"},
                            },
                        ]
                    },
                }
            ]
        },
        "communications": {"nodes": [{"externalId": "m1"}]},
        "activities": {"nodes": [{"kind": "MESSAGE_CREATED"}, {"kind": "ENTERED"}]},
    }


async def test_each_parent_has_its_own_page(api: Api) -> None:
    for name, messages in (("bob", 3), ("cid", 0), ("dan", 1)):
        await a_contact(api.workspace, name)
        await an_entry(api.workspace, f"e-{name}", name, at=after(10))
        for number in range(messages):
            await a_message(api.workspace, f"{name}-{number}", f"e-{name}", at=after(number))

    data = await api.ask(
        """{ contacts(orderBy: {field: CREATED_AT, direction: ASC}) { nodes { externalUsername
            communications(first: 2) { nodes { externalId } pageInfo { hasNextPage endCursor }
            totalCount { value precision } } } } }"""
    )

    found = {one["externalUsername"]: one["communications"] for one in data["contacts"]["nodes"]}
    assert {name: [one["externalId"] for one in page["nodes"]] for name, page in found.items()} == {
        "ada": ["m1"],
        "bob": ["bob-2", "bob-1"],
        "cid": [],
        "dan": ["dan-0"],
    }
    assert [page["pageInfo"]["hasNextPage"] for page in found.values()] == [
        False,
        True,
        False,
        False,
    ]
    assert found["cid"]["pageInfo"]["endCursor"] is None
    assert found["bob"]["totalCount"] == {"value": 3, "precision": "EXACT"}


async def test_a_contact_is_found_by_each_of_its_names(api: Api) -> None:
    bob = await a_contact(api.workspace, "bob", email="Bob@Example.org")

    data = await api.ask(
        """query ($id: ID!) { a: contact(id: $id) { email isErased isImported rewardBalance
            importedAs lastInteractionAt referredBy { id } }
            b: contact(externalUsername: "bob") { email }
            c: contact(email: "bob@EXAMPLE.org") { email }
            d: contact(externalUsername: "Bob") { email } }""",
        id=f"ctc_{bob.hex()}",
    )

    assert data == {
        "a": {
            "email": "Bob@Example.org",
            "isErased": False,
            "isImported": False,
            "rewardBalance": "0",
            "importedAs": None,
            "lastInteractionAt": None,
            "referredBy": None,
        },
        "b": {"email": "Bob@Example.org"},
        "c": {"email": "Bob@Example.org"},
        "d": None,
    }


async def test_a_row_is_asked_for_by_exactly_one_name(api: Api) -> None:
    messages = [
        await api.refused("{ journey { name } }"),
        await api.refused('{ contact(email: "a@b.c", externalUsername: "a") { id } }'),
    ]

    assert messages == [
        "Give exactly one of id, externalId.",
        "Give exactly one of id, externalUsername, email.",
    ]


async def test_no_row_has_a_null_character_in_its_name(api: Api) -> None:
    data = await api.ask(
        """query ($name: String) {
            journey(externalId: $name) { id } entry(externalId: $name) { id }
            communication(externalId: $name) { id } contact(externalUsername: $name) { id }
            byEmail: contact(email: $name) { id } }""",
        name="ada\0",
    )

    assert set(data.values()) == {None}


async def test_nodes_keep_the_order_asked_and_are_null_for_what_is_not_there(api: Api) -> None:
    data = await api.ask(
        """{ entry(externalId: "e1") { id journey { id } contact { id }
            communications { nodes { id events { nodes { id } } } }
            activities { nodes { id } } } }"""
    )
    entry = data["entry"]
    (message,) = entry["communications"]["nodes"]
    (event,) = message["events"]["nodes"]
    activity = entry["activities"]["nodes"][0]
    known = [one["id"] for one in (activity, message, entry, event)]
    known += [entry["contact"]["id"], entry["journey"]["id"]]
    unknown = [
        f"ent_{new_id().hex()}",
        "act_99_00000000",
        event["id"][:-8] + "00000000",
        # The place of an activity which is no delivery event.
        activity["id"].replace("act", "evt"),
    ]

    found = await api.ask(
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
            ... on Entry { externalId journey { name } } ...message
            ... on Activity { summary cursor } } }
            fragment message on Communication { status contact { externalUsername } }""",
        ids=[unknown[0], *known, *unknown[1:], known[2]],
    )

    nodes = found["nodes"]
    assert [one and one["id"] for one in nodes] == [None, *known, None, None, None, known[2]]
    assert nodes[1]["summary"] == "The contact entered the journey."
    assert nodes[2]["contact"] == {"externalUsername": "ada"}
    assert nodes[3]["journey"] == {"name": "Welcome"}
    assert [one["__typename"] for one in nodes if one] == [
        "Activity",
        "Communication",
        "Entry",
        "DeliveryEvent",
        "Contact",
        "Journey",
        "Entry",
    ]


async def test_a_node_is_found_by_its_id(api: Api) -> None:
    data = await api.ask('{ journey(externalId: "welcome") { id } }')

    found = await api.ask(
        "query ($id: ID!) { node(id: $id) { __typename ... on Journey { name } } }",
        id=data["journey"]["id"],
    )

    assert found == {"node": {"__typename": "Journey", "name": "Welcome"}}


async def test_ids_that_are_no_nodes_are_refused(api: Api) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    messages = [
        await api.refused(document, ids=["nonsense"]),
        await api.refused(document, ids=[f"stp_{new_id().hex()}"]),
        await api.refused(document, ids=[f"ent_{new_id().hex()}"] * 101),
        await api.refused("query ($id: ID!) { entry(id: $id) { id } }", id="jrn_" + "0" * 32),
    ]

    assert "'nonsense' is not an id" in messages[0]
    assert "not a Node" in messages[1]
    assert "101 are too many" in messages[2]
    assert "is not the id of an entry" in messages[3]


async def test_another_workspace_is_not_there(api: Api) -> None:
    data = await api.ask(
        """{ entry(externalId: "e1") { id } communications { nodes { id } }
            activities: entry(externalId: "e1") { activities { nodes { id } } } }"""
    )
    theirs = [data["entry"]["id"], data["communications"]["nodes"][0]["id"]]
    theirs.append(data["activities"]["activities"]["nodes"][0]["id"])
    stranger = Api(await a_workspace(api.workspace.database))

    seen = await stranger.ask(
        """query ($ids: [ID!]!, $entry: ID!) { nodes(ids: $ids) { id } entry(id: $entry) { id }
            named: entry(externalId: "e1") { id }
            entries { nodes { id } }
            communications(filter: {entryId: [$entry]}) { nodes { id } } }""",
        ids=theirs,
        entry=theirs[0],
    )

    assert seen == {
        "nodes": [None, None, None],
        "entry": None,
        "named": None,
        "entries": {"nodes": []},
        "communications": {"nodes": []},
    }


async def test_the_viewer_is_the_token(api: Api) -> None:
    data = await api.ask(
        "{ viewer { workspace tokenName email scopes allowedRecipients currency } }"
    )

    assert data["viewer"] == {
        "workspace": "Trackside",
        "tokenName": "Shop",
        "email": None,
        "scopes": ["READ", "OPERATE", "INTEGRATE"],
        "allowedRecipients": [],
        "currency": "EUR",
    }


async def test_reading_needs_the_scope_read(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    _, errors = await partner.run("{ journeys { nodes { id } } }")

    assert [str(error.original_error) for error in errors] == [
        "This needs the scope read: use a token made with --scope read."
    ]


async def test_steps_keep_their_resource_and_archived_ones_stay(api: Api) -> None:
    upsert = """mutation ($steps: [JourneyStepInput!]!) { upsertJourney(input: {
        externalId: "autumn", name: "Autumn", steps: $steps, landingUrl: "https://example.org"}) {
        userErrors { code message }
        journey { landingUrl steps { id key channel patienceSeconds isArchived
        resource { id name channel } } } } }"""
    await api.ask(
        upsert,
        steps=[
            {"key": "mail", "name": "Mail", "channel": "EMAIL", "resource": "Leaves"},
            {"key": "wait", "name": "Wait", "patienceSeconds": 60},
        ],
    )

    data = await api.ask(upsert, steps=[{"key": "wait", "name": "Wait"}])

    steps = data["upsertJourney"]["journey"]["steps"]
    assert [(one["key"], one["isArchived"]) for one in steps] == [("wait", False), ("mail", True)]
    assert steps[1]["resource"]["name"] == "Leaves"
    assert steps[1]["resource"]["id"].startswith("res_")
    assert steps[1]["id"].startswith("stp_")
    assert steps[0]["patienceSeconds"] is None


async def test_the_log_of_messages_is_read_on_behind_a_cursor(api: Api) -> None:
    await api.workspace.record(delivered(DeliveryKind.SENT), delivered(DeliveryKind.OPENED))
    document = """query ($after: LogCursor) { deliveryEvents(first: 2, after: $after) {
        edges { cursor node { cursor kind source url reason occurredAt receivedAt
        communication { externalId } journey { name } contact { externalUsername } } }
        pageInfo { hasNextPage hasPreviousPage endCursor } totalCount { value } } }"""

    first = (await api.ask(document))["deliveryEvents"]
    second = (await api.ask(document, after=first["pageInfo"]["endCursor"]))["deliveryEvents"]
    resumed = (await api.ask(document, after=first["edges"][0]["node"]["cursor"]))["deliveryEvents"]

    kinds = [[one["node"]["kind"] for one in page["edges"]] for page in (first, second, resumed)]
    assert kinds == [["QUEUED", "SENT"], ["OPENED"], ["SENT", "OPENED"]]
    assert first["edges"][0]["cursor"] == first["edges"][0]["node"]["cursor"]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]
    assert first["totalCount"] == {"value": 3}
    assert first["edges"][1]["node"] == {
        **first["edges"][1]["node"],
        "source": "partner",
        "url": None,
        "reason": None,
        "occurredAt": "2026-11-22T00:00:00Z",
        "receivedAt": "2026-11-22T00:00:00Z",
        "communication": {"externalId": "m1"},
        "journey": {"name": "Welcome"},
        "contact": {"externalUsername": "ada"},
    }


async def test_a_place_that_is_not_in_this_log_is_refused(api: Api) -> None:
    document = "query ($after: LogCursor) { deliveryEvents(after: $after) { nodes { cursor } } }"
    stranger = await a_workspace(api.workspace.database)
    await a_journey(stranger)
    await a_contact(stranger)
    await an_entry(stranger)
    await a_message(stranger)
    data = await Api(stranger).ask(document)

    messages = [
        await api.refused(document, after="nonsense"),
        await api.refused(document, after=data["deliveryEvents"]["nodes"][0]["cursor"]),
    ]

    assert "'nonsense' is no place in this log" in messages[0]
    assert "read on without it" in messages[1]


async def test_an_empty_page_of_the_log_has_no_cursor(api: Api) -> None:
    stranger = Api(await a_workspace(api.workspace.database))

    data = await stranger.ask(
        "{ deliveryEvents { nodes { id } pageInfo { endCursor isPartial } } }"
    )

    assert data["deliveryEvents"] == {
        "nodes": [],
        "pageInfo": {"endCursor": None, "isPartial": False},
    }


async def test_what_is_waited_for_is_shown_as_a_date(api: Api) -> None:
    await api.workspace.record(
        reached(kind=StepKind.WAITING, waiting_for="deposit", waiting_until=NOW + MINUTE)
    )

    data = await api.ask(
        """{ entry(externalId: "e1") { activities(filter: {kind: [WAITING]}) { nodes { detail
            step { key } summary } } } }"""
    )

    assert data["entry"]["activities"]["nodes"] == [
        {
            "detail": {"waitingFor": "deposit", "waitingUntil": write_instant(NOW + MINUTE)},
            "step": {"key": "hello"},
            "summary": "The entry waits at the step “Hello” for “deposit” "
            "until 2026-11-22T00:01:00Z.",
        }
    ]


async def test_what_a_directive_leaves_out_is_not_there(api: Api) -> None:
    document = """query ($full: Boolean!) { entries { nodes { externalId
        contact @include(if: $full) { email } journey @skip(if: $full) { name } } } }"""

    full = await api.ask(document, full=True)
    short = await api.ask(document, full=False)

    assert full["entries"]["nodes"] == [{"externalId": "e1", "contact": {"email": None}}]
    assert short["entries"]["nodes"] == [{"externalId": "e1", "journey": {"name": "Welcome"}}]


async def test_channels_of_resources_are_told_apart(api: Api) -> None:
    await a_message(api.workspace, "m2", channel=Channel.SMS, resource="Welcome mail")

    data = await api.ask(
        "{ communications(filter: {channel: [SMS]}) { nodes { resource { id channel } } } }"
    )

    (node,) = data["communications"]["nodes"]
    assert node["resource"]["channel"] == "SMS"
    assert node["resource"]["id"].startswith(ids.RESOURCE)
