"""Contact.profile: written by recordEvents, read from any user row, on both databases."""

from itertools import permutations
from typing import Any

import pytest

from store.ingest.events import ContactEvent, ContactRef, Facts
from store.types import new_id
from store.words import Scope
from tests.schema.conftest import Api
from tests.support.factories import (
    a_contact,
    a_key,
    a_workspace,
    after,
    an_entry,
)
from tests.support.statements import counted

RECORD = """mutation ($events: [EventInput!]!) { recordEvents(input: {events: $events}) {
    results { outcome error { message } } } }"""

PROFILE = """query ($contact: String = "ada", $name: [String!], $first: Int, $after: Cursor) {
    contact(externalUsername: $contact) { profile {
        events(name: $name, first: $first, after: $after) {
            nodes { id name occurredAt properties } totalCount { value }
            pageInfo { hasNextPage endCursor } }
        gamification { level points badges missionsCompleted achievements updatedAt }
        financials { isAvailable currency totalDeposits depositCount totalWithdrawals totalBets
            totalWins netRevenue lastDepositAt updatedAt }
        facts { name value updatedAt } } } }"""


async def profile(api: Api, **variables: Any) -> Any:
    data = await api.ask(PROFILE, **variables)
    return data["contact"]["profile"]


def some_facts(seconds: float, contact: str = "ada", **parts: Any) -> Facts:
    return Facts(a_key(), after(seconds), ContactRef(contact), **parts)


def an_event(name: str, seconds: float, contact: str = "ada", **values: Any) -> ContactEvent:
    return ContactEvent(a_key(), after(seconds), ContactRef(contact), name, **values)


async def test_what_was_never_reported_is_unknown_and_not_zero(api: Api) -> None:
    found = await profile(api)

    assert found == {
        "events": {
            "nodes": [],
            "totalCount": {"value": 0},
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        },
        "gamification": {
            "level": None,
            "points": None,
            "badges": [],
            "missionsCompleted": None,
            "achievements": [],
            "updatedAt": None,
        },
        "financials": {
            "isAvailable": False,
            "currency": None,
            "totalDeposits": None,
            "depositCount": None,
            "totalWithdrawals": None,
            "totalBets": None,
            "totalWins": None,
            "netRevenue": None,
            "lastDepositAt": None,
            "updatedAt": None,
        },
        "facts": [],
    }


async def test_what_a_partner_records_is_what_an_operator_reads(api: Api) -> None:
    ada = {"externalUsername": "ada"}
    at = "2026-11-21T23:59:00Z"
    recorded = await api.ask(
        RECORD,
        events=[
            {
                "facts": {
                    "key": "f1",
                    "contact": ada,
                    "occurredAt": at,
                    "gamification": {
                        "level": 7,
                        "points": "1234567890.123456",
                        "badges": ["gold", "сребро"],
                        "missionsCompleted": 0,
                        "achievements": ["first deposit"],
                    },
                    "financials": {
                        "currency": "EUR",
                        "totalDeposits": "100.50",
                        "depositCount": 3,
                        "totalWithdrawals": "0",
                        "totalBets": "999999999999.999999",
                        "totalWins": "12",
                        "netRevenue": "-0.25",
                        "lastDepositAt": "2026-11-20T12:00:00+02:00",
                    },
                    "facts": {"vip": True, "limits": {"day": [1, 2.5, None]}, "name": "Ада"},
                }
            },
            {
                "contactEvent": {
                    "key": "c1",
                    "contact": ada,
                    "name": "signed_in",
                    "properties": {"from": "app", "tries": 2},
                    "occurredAt": at,
                }
            },
        ],
    )

    found = await profile(api)

    assert [one["outcome"] for one in recorded["recordEvents"]["results"]] == ["ACCEPTED"] * 2
    (event,) = found["events"]["nodes"]
    assert event.pop("id").startswith("cev_")
    assert event == {
        "name": "signed_in",
        "occurredAt": at,
        "properties": {"from": "app", "tries": 2},
    }
    assert found["gamification"] == {
        "level": 7,
        "points": "1234567890.123456",
        "badges": ["gold", "сребро"],
        "missionsCompleted": 0,
        "achievements": ["first deposit"],
        "updatedAt": at,
    }
    assert found["financials"] == {
        "isAvailable": True,
        "currency": "EUR",
        "totalDeposits": "100.5",
        "depositCount": 3,
        "totalWithdrawals": "0",
        "totalBets": "999999999999.999999",
        "totalWins": "12",
        "netRevenue": "-0.25",
        "lastDepositAt": "2026-11-20T10:00:00Z",
        "updatedAt": at,
    }
    assert found["facts"] == [
        {"name": "limits", "value": {"day": [1, 2.5, None]}, "updatedAt": at},
        {"name": "name", "value": "Ада", "updatedAt": at},
        {"name": "vip", "value": True, "updatedAt": at},
    ]


REPORTS: tuple[dict[str, Any], ...] = (
    {
        "gamification": {"level": 1, "points": "10"},
        "facts": {"tier": "bronze", "city": "Sofia"},
    },
    {"gamification": {"level": 2}, "financials": {"currency": "EUR"}, "facts": {"tier": "silver"}},
    {
        "gamification": {"points": "30"},
        "financials": {"currency": "BGN", "depositCount": 1},
        "facts": {"tier": None},
    },
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_latest_report_counts_name_by_name_in_any_order(
    api: Api, order: tuple[int, ...]
) -> None:
    for number in order:
        await api.workspace.record(some_facts(10 * number, **REPORTS[number]))

    found = await profile(api)

    level, points = found["gamification"]["level"], found["gamification"]["points"]
    assert (level, points) == (2, "30")
    assert found["gamification"]["updatedAt"] == "2026-11-22T00:00:20Z"
    assert (found["financials"]["currency"], found["financials"]["depositCount"]) == ("BGN", 1)
    # The tier was taken away by the latest report of it.
    assert found["facts"] == [
        {"name": "city", "value": "Sofia", "updatedAt": "2026-11-22T00:00:00Z"}
    ]


async def test_a_contacts_events_are_paged_and_narrowed_by_name(api: Api) -> None:
    await api.workspace.record(
        *(an_event(name, at) for at, name in enumerate(("a", "b", "a", "c"))),
        # At one moment, and of someone else.
        an_event("a", 3),
    )
    await a_contact(api.workspace, "bob")
    await api.workspace.record(an_event("a", 9, "bob"))

    both = await profile(api, name=["a", "b"], first=2)
    cursor = both["events"]["pageInfo"]["endCursor"]
    rest = await profile(api, name=["a", "b"], first=2, after=cursor)
    none = await profile(api, name=["A"])

    seconds = [one["occurredAt"][-3:-1] for one in both["events"]["nodes"]]
    assert seconds == ["03", "02"]
    assert [one["name"] for one in rest["events"]["nodes"]] == ["b", "a"]
    assert both["events"]["totalCount"] == {"value": 4}
    assert rest["events"]["pageInfo"]["hasNextPage"] is False
    assert none["events"]["nodes"] == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"name": []}, "name: an empty list of alternatives"),
        ({"name": ["x" * 10_000]}, "is too long to look for"),
        ({"name": ["x"] * 101}, "name: 101 values are too many"),
        ({"first": 0}, "first: 0 is not a page size"),
        ({"after": "tampered"}, "is no cursor of this list"),
    ],
)
async def test_impossible_events_are_refused(
    api: Api, variables: dict[str, Any], message: str
) -> None:
    refusal = await api.refused(PROFILE, **variables)

    assert message in refusal


async def test_a_profile_is_reached_in_one_query_from_any_row(api: Api) -> None:
    await api.workspace.record(some_facts(1, gamification={"level": 4}))

    data = await api.ask(
        """{ journey(externalId: "welcome") {
                entries { nodes { contact { ...level entries { nodes { journey { name } } } } } }
                communications { nodes { contact { ...level } } }
                activities(first: 1) { nodes { entry { contact { ...level } } } } }
            contacts { nodes { ...level } } }
            fragment level on Contact { profile { gamification { level } } }"""
    )

    level = {"profile": {"gamification": {"level": 4}}}
    journey = data["journey"]
    assert journey["entries"]["nodes"] == [
        {"contact": {**level, "entries": {"nodes": [{"journey": {"name": "Welcome"}}]}}}
    ]
    assert journey["communications"]["nodes"] == [{"contact": level}]
    assert journey["activities"]["nodes"] == [{"entry": {"contact": level}}]
    assert data["contacts"]["nodes"] == [level]


async def test_the_profiles_of_a_page_are_read_together(api: Api) -> None:
    for number in range(5):
        await a_contact(api.workspace, f"c{number}")
        await an_entry(api.workspace, f"e-{number}", f"c{number}")
        await api.workspace.record(
            some_facts(number, f"c{number}", gamification={"level": number}, facts={"n": number}),
            an_event("signed_in", number, f"c{number}"),
        )
    document = """{ entries { nodes { contact { externalUsername profile {
        events { nodes { name } } gamification { level } financials { isAvailable }
        facts { value } } } } } }"""

    with counted(api.workspace.database) as statements:
        data = await api.ask(document)

    # The page; then events, figures and facts, each for all of its contacts.
    assert len(statements) == 4, statements
    levels = {
        one["contact"]["externalUsername"]: one["contact"]["profile"]["gamification"]["level"]
        for one in data["entries"]["nodes"]
    }
    assert levels == {"ada": None, "c0": 0, "c1": 1, "c2": 2, "c3": 3, "c4": 4}


async def test_another_workspaces_profile_is_not_seen(api: Api) -> None:
    await api.workspace.record(some_facts(1, gamification={"level": 4}))
    stranger = Api(await a_workspace(api.workspace.database))
    await a_contact(stranger.workspace)
    theirs = await api.ask('{ contact(externalUsername: "ada") { id } }')

    mine = await profile(stranger)
    seen = await stranger.ask(
        """query ($id: ID!, $unknown: ID!) { contact(id: $id) { profile { facts { name } } }
            nobody: contact(id: $unknown) { profile { facts { name } } } }""",
        id=theirs["contact"]["id"],
        unknown=f"ctc_{new_id().hex()}",
    )

    assert mine["gamification"]["level"] is None
    assert seen == {"contact": None, "nobody": None}


async def test_a_profile_needs_the_scope_read(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    data, errors = await partner.run(PROFILE)

    assert data == {"contact": None}
    assert len(errors) == 1
