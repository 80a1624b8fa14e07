"""Operations > Communications: the log of messages from everywhere, on both databases."""

from typing import Any

import pytest

from store.types import HOUR, new_id
from store.words import Channel, DeliveryKind
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
)
from tests.support.statements import counted

LOG = """query ($filter: CommunicationFilter) {
    journey(externalId: "welcome") { communications(filter: $filter) { ...log } }
    root: communications(filter: $filter) { ...log } }
    fragment log on CommunicationConnection { nodes { externalId } totalCount { value } }"""


async def messages(api: Api, **asked: Any) -> list[str]:
    """The external ids that the journey's log lists, the newest first."""
    data = await api.ask(LOG, filter=asked or None)
    listed = data["journey"]["communications"]
    assert listed["totalCount"]["value"] == len(listed["nodes"])
    return [one["externalId"] for one in listed["nodes"]]


@pytest.fixture
async def log(api: Api) -> Api:
    """Of ada m1 (queued), a clicked pop-up and a bounced mail; of bob a text message that was
    delivered and unsubscribed from; and a mail of another journey."""
    workspace = api.workspace
    await a_contact(workspace, "bob", email="bob@example.org", first_name="Боб")
    await a_journey(workspace, "other")
    await an_entry(workspace, "e2", "bob", at=after(1))
    await an_entry(workspace, "far", "bob", "other")
    await a_message(workspace, "pop", channel=Channel.POPUP, resource="Big Offer", at=after(60))
    await a_message(workspace, "mail", resource="Straße 100%", at=after(120))
    await a_message(
        workspace, "sms", "e2", channel=Channel.SMS, resource="big offer", at=after(180)
    )
    await a_message(workspace, "elsewhere", "far", resource="Big Offer", at=after(240))
    await workspace.record(
        delivered(DeliveryKind.SENT, "pop", at=after(61)),
        delivered(DeliveryKind.CLICKED, "pop", at=after(62), url="https://example.org/a"),
        delivered(DeliveryKind.OPENED, "pop", at=after(63)),
        delivered(DeliveryKind.BOUNCED, "mail", at=after(121), reason="mailbox full"),
        delivered(DeliveryKind.DELIVERED, "sms", at=after(181)),
        delivered(DeliveryKind.UNSUBSCRIBED, "sms", at=after(182)),
        delivered(DeliveryKind.CLICKED, "mail", at=after(122), is_suspected_bot=True),
    )
    return api


async def test_the_log_shows_how_each_message_fared(log: Api) -> None:
    data = await log.ask(
        """{ journey(externalId: "welcome") { communications { nodes { externalId channel status
            firstClickAt lastAction { kind url occurredAt } failureReason resource { name }
            contact { externalUsername } } } } }"""
    )

    shown = {one.pop("externalId"): one for one in data["journey"]["communications"]["nodes"]}
    assert list(shown) == ["sms", "mail", "pop", "m1"]
    assert shown["pop"] == {
        "channel": "POPUP",
        "status": "CLICKED",
        "firstClickAt": "2026-11-22T00:01:02Z",
        "lastAction": {
            "kind": "CLICKED",
            "url": "https://example.org/a",
            "occurredAt": "2026-11-22T00:01:02Z",
        },
        "failureReason": None,
        "resource": {"name": "Big Offer"},
        "contact": {"externalUsername": "ada"},
    }
    assert shown["mail"]["failureReason"] == "mailbox full"
    assert (shown["mail"]["status"], shown["mail"]["firstClickAt"]) == ("BOUNCED", None)
    assert shown["sms"]["lastAction"]["kind"] == "UNSUBSCRIBED"


FIRST_MINUTE = {"from": "2026-11-22T00:01:00Z", "to": "2026-11-22T00:02:00Z"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"channel": ["SMS"]}, ["sms"]),
        ({"channel": ["POPUP", "SMS"]}, ["sms", "pop"]),
        ({"channel": ["IVR"]}, []),
        ({"status": ["BOUNCED", "QUEUED"]}, ["mail", "m1"]),
        ({"hasReached": ["SENT"]}, ["pop"]),
        ({"hasReached": ["DELIVERED", "CLICKED"]}, ["sms", "pop"]),
        ({"hasReached": ["QUEUED"]}, ["sms", "mail", "pop", "m1"]),
        ({"resource": {"contains": "OFFER"}}, ["sms", "pop"]),
        ({"resource": {"startsWith": "big"}}, ["sms", "pop"]),
        ({"resource": {"startsWith": "offer"}}, []),
        ({"resource": {"eq": "Big Offer"}}, ["pop"]),
        ({"resource": {"in": ["Big Offer", "Welcome mail"]}}, ["pop", "m1"]),
        ({"resource": {"contains": "strasse 100%"}}, ["mail"]),
        ({"resource": {"contains": "_"}}, []),
        ({"resource": {"isNull": True}}, []),
        ({"contactSearch": "bob@example"}, ["sms"]),
        ({"contactSearch": "боб"}, ["sms"]),
        ({"contactSearch": "%"}, []),
        ({"isClicked": True}, ["pop"]),
        ({"isClicked": False}, ["sms", "mail", "m1"]),
        ({"createdWithin": {"between": FIRST_MINUTE}}, ["pop"]),
        ({"createdWithin": {"last": "HOURS_1"}}, ["sms", "mail", "pop", "m1"]),
        (
            {"channel": ["EMAIL"], "createdWithin": {"last": "HOURS_24"}},
            ["mail", "m1"],
        ),
        (
            {"channel": ["EMAIL"], "createdWithin": {"between": FIRST_MINUTE}},
            [],
        ),
        (
            {
                "channel": ["POPUP"],
                "status": ["CLICKED"],
                "isClicked": True,
                "resource": {"contains": "offer"},
                "contactSearch": "ada",
                "createdWithin": {"last": "HOURS_24"},
            },
            ["pop"],
        ),
        ({"channel": ["POPUP"], "contactSearch": "bob"}, []),
        ({"not": {"status": ["BOUNCED"]}, "channel": ["EMAIL"]}, ["m1"]),
        ({"or": [{"isClicked": True}, {"status": ["BOUNCED"]}]}, ["mail", "pop"]),
    ],
)
async def test_messages_are_found_by_each_filter_and_by_several(
    log: Api, asked: dict[str, Any], expected: list[str]
) -> None:
    later = Api(log.workspace, now=NOW + HOUR // 2)

    found = await messages(later, **asked)

    assert found == expected


async def test_the_same_filter_reaches_from_journey_entry_contact_and_root(log: Api) -> None:
    data = await log.ask(
        """query ($filter: CommunicationFilter) {
            journey(externalId: "welcome") { communications(filter: $filter) { ...log } }
            entry(externalId: "e2") { communications(filter: $filter) { ...log } }
            contact(externalUsername: "bob") { communications(filter: $filter) { ...log } }
            communications(filter: $filter) { ...log } }
            fragment log on CommunicationConnection { nodes { externalId } totalCount { value } }
        """,
        filter={"resource": {"contains": "big offer"}},
    )

    found = {
        "journey": data["journey"]["communications"],
        "entry": data["entry"]["communications"],
        "contact": data["contact"]["communications"],
        "root": data["communications"],
    }
    assert {name: [one["externalId"] for one in page["nodes"]] for name, page in found.items()} == {
        "journey": ["sms", "pop"],
        "entry": ["sms"],
        "contact": ["elsewhere", "sms"],
        "root": ["elsewhere", "sms", "pop"],
    }
    assert [page["totalCount"]["value"] for page in found.values()] == [2, 1, 2, 3]


async def test_messages_are_found_by_journey_entry_and_contact(log: Api) -> None:
    data = await log.ask("""{ entry(externalId: "far") { id journey { id } contact { id } } }""")
    far = data["entry"]

    by_journey = await log.ask(LOG, filter={"journeyId": [far["journey"]["id"]]})
    by_entry = await log.ask(LOG, filter={"entryId": [far["id"]]})
    by_contact = await log.ask(LOG, filter={"contactId": [far["contact"]["id"]]})

    assert [one["externalId"] for one in by_journey["root"]["nodes"]] == ["elsewhere"]
    assert by_journey["journey"]["communications"]["nodes"] == []
    assert [one["externalId"] for one in by_entry["root"]["nodes"]] == ["elsewhere"]
    assert [one["externalId"] for one in by_contact["root"]["nodes"]] == ["elsewhere", "sms"]
    assert [one["externalId"] for one in by_contact["journey"]["communications"]["nodes"]] == [
        "sms"
    ]


@pytest.mark.parametrize(
    ("field", "kind"), [("journeyId", "jrn"), ("entryId", "ent"), ("contactId", "ctc")]
)
async def test_unknown_and_foreign_ids_find_no_messages(log: Api, field: str, kind: str) -> None:
    stranger = await a_workspace(log.workspace.database)
    await a_journey(stranger)
    contact = await a_contact(stranger)
    entry = await an_entry(stranger)
    theirs = {"jrn": (await stranger.entry())["journey_id"], "ent": entry, "ctc": contact}

    for one in (theirs[kind], new_id()):
        assert await messages(log, **{field: [f"{kind}_{one.hex()}"]}) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {
                "createdWithin": {
                    "between": {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
                }
            },
            "before it begins",
        ),
        ({"contactSearch": "x" * 10_000}, "is too long to look for"),
        ({"resource": {"contains": "x" * 10_000}}, "is too long to look for"),
        ({"resource": {"eq": "\ud800"}}, "half a surrogate pair"),
        ({"journeyId": ["ent_" + "0" * 32]}, "is not the id of a journey"),
        ({"status": []}, "an empty list of alternatives"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    api: Api, asked: dict[str, Any], message: str
) -> None:
    document = (
        "query ($filter: CommunicationFilter) { communications(filter: $filter) { nodes { id } } }"
    )

    refusal = await api.refused(document, filter=asked)

    assert message in refusal


async def test_a_messages_events_are_its_whole_history(log: Api) -> None:
    await log.workspace.record(delivered(DeliveryKind.DELIVERED, "pop", at=after(61.5)))

    data = await log.ask(
        """{ communication(externalId: "pop") {
            events { nodes { kind url occurredAt source isSuspectedBot } totalCount { value } }
            first: events(first: 2) { nodes { kind } pageInfo { hasNextPage endCursor } } } }"""
    )
    shown = data["communication"]
    rest = await log.ask(
        """query ($after: Cursor) { communication(externalId: "pop") {
            events(first: 50, after: $after) { nodes { kind } pageInfo { hasNextPage } } } }""",
        after=shown["first"]["pageInfo"]["endCursor"],
    )

    assert [(one["kind"], one["occurredAt"][14:]) for one in shown["events"]["nodes"]] == [
        ("QUEUED", "01:00Z"),
        ("SENT", "01:01Z"),
        ("CLICKED", "01:02Z"),
        ("OPENED", "01:03Z"),
        ("DELIVERED", "01:01.500000Z"),
    ]
    assert shown["events"]["nodes"][2]["url"] == "https://example.org/a"
    assert shown["events"]["totalCount"] == {"value": 5}
    assert [one["kind"] for one in shown["first"]["nodes"]] == ["QUEUED", "SENT"]
    assert shown["first"]["pageInfo"]["hasNextPage"] is True
    assert rest["communication"]["events"] == {
        "nodes": [{"kind": "CLICKED"}, {"kind": "OPENED"}, {"kind": "DELIVERED"}],
        "pageInfo": {"hasNextPage": False},
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 1),
        ({"channel": ["EMAIL"], "createdWithin": {"last": "HOURS_24"}}, 1),
        ({"isClicked": True}, 1),
        ({"status": ["OPENED"]}, 2),
        ({"resource": {"contains": "offer"}, "contactSearch": "ada"}, 2),
    ],
)
async def test_a_page_of_the_log_is_one_or_two_statements(
    log: Api, asked: dict[str, Any], expected: int
) -> None:
    journey = await log.ask('{ journey(externalId: "welcome") { id } }')
    asked = {"journeyId": [journey["journey"]["id"]], **asked}
    document = """query ($filter: CommunicationFilter) { communications(filter: $filter) {
        nodes { externalId status step { name } resource { name } contact { email }
        journey { name } entry { externalId } lastAction { url } } pageInfo { endCursor } } }"""

    with counted(log.workspace.database) as statements:
        await log.ask(document, filter=asked)

    assert len(statements) == expected, statements
