"""The examples' queries, run as they are shown: each page costs one statement, or two."""

from pathlib import Path
from typing import Any

import pytest

from store.ingest.events import ContactEvent, ContactRef, Facts
from store.words import Channel, DeliveryKind
from tests.schema.conftest import Api
from tests.support.factories import (
    a_contact,
    a_key,
    a_message,
    after,
    an_entry,
    delivered,
    reached,
)
from tests.support.statements import counted

QUERIES = Path(__file__).parents[2] / "client-examples" / "queries"


@pytest.fixture
async def busy(api: Api) -> Api:
    """Seven people in the journey, each with two messages, a profile, and a story."""
    workspace = api.workspace
    for number in range(6):
        name = f"c{number}"
        await a_contact(workspace, name)
        await an_entry(workspace, f"e-{number}", name)
        await a_message(workspace, f"m-{number}", f"e-{number}", at=after(number))
        await a_message(workspace, f"p-{number}", f"e-{number}", channel=Channel.POPUP)
        await workspace.record(
            reached("hello", entry=f"e-{number}", at=after(number)),
            delivered(DeliveryKind.CLICKED, f"p-{number}", at=after(60 + number)),
            Facts(a_key(), after(1), ContactRef(name), {"level": number}, None, {"n": number}),
            ContactEvent(a_key(), after(1), ContactRef(name), "signed_in"),
        )
    return Api(workspace, now=after(3_600))


async def variables(api: Api) -> dict[str, Any]:
    """Of every example: the journey, an entry of it, a page that is not the last one."""
    data = await api.ask(
        '{ journey(externalId: "welcome") { id } entry(externalId: "e-1") { id } }'
    )
    return {"journey": data["journey"]["id"], "entry": data["entry"]["id"], "first": 5}


@pytest.mark.parametrize(
    ("example", "statements_at_most"),
    [
        # A journey, its page with all to-one relations, and the diagnoses of the page.
        ("journey-users", 3),
        # A journey, its page, and how far a search that came up short went.
        ("journey-activities", 3),
        ("journey-communications", 2),
        # The row and its diagnosis; activities, messages, their events, the contact's entries and
        # events, figures and facts; and how far the searches of activities and events went.
        ("entry-story", 11),
        ("newest-communications", 1),
        ("count-communications", 2),
        ("overview", 1),
    ],
)
async def test_an_example_reads_each_of_its_lists_at_once(
    busy: Api, example: str, statements_at_most: int
) -> None:
    document = (QUERIES / f"{example}.graphql").read_text()
    given = await variables(busy)

    with counted(busy.workspace.database) as statements:
        data = await busy.ask(document, **given)

    assert data
    assert len(statements) <= statements_at_most, statements


@pytest.mark.parametrize(
    ("example", "of", "asked"),
    [
        ("journey-users", "entries", {"search": "c1"}),
        ("journey-users", "entries", {"enteredWithin": {"last": "DAYS_7"}}),
        ("journey-users", "entries", {"diagnosis": ["WAITING_FOR_PROVIDER", "PROGRESSING"]}),
        (
            "journey-users",
            "entries",
            {"activity": {"kind": ["MESSAGE_CLICKED"], "channel": ["POPUP"]}},
        ),
        ("journey-activities", "activities", {"kind": ["MESSAGE_CLICKED"]}),
        ("journey-communications", "communications", {"isClicked": True}),
        ("journey-communications", "communications", {"channel": ["POPUP"]}),
    ],
)
async def test_a_screens_filter_costs_one_statement_more_at_most(
    busy: Api, example: str, of: str, asked: dict[str, Any]
) -> None:
    document = (QUERIES / f"{example}.graphql").read_text()
    given = await variables(busy)

    with counted(busy.workspace.database) as statements:
        data = await busy.ask(document, **given, filter=asked)

    assert data["journey"][of]["nodes"]
    # The journey; the page, and how far its search went; of users, their diagnoses.
    assert len(statements) <= (4 if of == "entries" else 3), statements


async def test_the_diagnoses_and_stories_of_a_page_do_not_grow_with_its_rows(busy: Api) -> None:
    document = """query ($first: Int) { journey(externalId: "welcome") {
        entries(first: $first) { nodes { diagnosis { code } activities { nodes { kind } }
        communications { nodes { events { nodes { kind } } } }
        contact { profile { facts { name } } } } } } }"""
    counts = []

    for first in (1, 7):
        with counted(busy.workspace.database) as statements:
            await busy.ask(document, first=first)
        counts.append(len(statements))

    assert counts[0] == counts[1]
