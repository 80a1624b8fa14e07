"""Connections: pages forwards and backwards, cursors, counts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.paging import request, sealing
from store import lists, plans
from store.lists import PageRequest
from store.types import SECOND
from subscriptions.signing import Signer
from tests.schema.conftest import Api
from tests.support.factories import a_contact, a_journey, a_message, after, an_entry
from tests.support.statements import counted

PAGE = """query ($first: Int, $after: Cursor, $last: Int, $before: Cursor,
    $order: CommunicationOrder, $filter: CommunicationFilter) {
    communications(first: $first, after: $after, last: $last, before: $before, orderBy: $order,
      filter: $filter) {
      edges { cursor node { externalId } } nodes { externalId }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor isPartial } } }"""


async def page(api: Api, **variables: Any) -> dict[str, Any]:
    data = await api.ask(PAGE, **variables)
    found: dict[str, Any] = data["communications"]
    return found


def names(page: dict[str, Any]) -> list[str]:
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    return [node["externalId"] for node in page["nodes"]]


@pytest.fixture
async def seven(api: Api) -> Api:
    """Messages m1 to m7, of which m2 to m5 were created at the same moment."""
    for number, seconds in ((2, 5), (3, 5), (4, 5), (5, 5), (6, 8), (7, 9)):
        await a_message(api.workspace, f"m{number}", at=after(seconds))
    return api


async def everything(api: Api, **order: Any) -> list[str]:
    return names(await page(api, **order))


async def test_going_forwards_sees_every_row_once_whatever_ties(seven: Api) -> None:
    whole = await everything(seven)
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        found = await page(seven, first=2, after=cursor)
        seen += names(found)
        cursor = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == whole
    assert seen[:2] == ["m7", "m6"]
    assert seen[-1] == "m1"


async def test_going_backwards_sees_the_same_rows_in_the_lists_order(seven: Api) -> None:
    whole = await everything(seven)
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        found = await page(seven, last=3, before=cursor)
        seen = names(found) + seen
        cursor = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break

    assert seen == whole


async def test_a_page_says_what_lies_around_it(seven: Api) -> None:
    first = await page(seven, first=3)
    middle = await page(seven, first=3, after=first["pageInfo"]["endCursor"])
    before = await page(seven, last=3, before=middle["pageInfo"]["startCursor"])

    assert first["pageInfo"]["hasPreviousPage"] is False
    assert first["pageInfo"]["hasNextPage"] is True
    assert middle["pageInfo"]["hasPreviousPage"] is True
    assert middle["pageInfo"]["hasNextPage"] is True
    assert names(before) == names(first)
    assert before["pageInfo"]["hasPreviousPage"] is False
    assert before["pageInfo"]["hasNextPage"] is True
    assert first["edges"][0]["cursor"] == first["pageInfo"]["startCursor"]
    assert first["edges"][-1]["cursor"] == first["pageInfo"]["endCursor"]


async def test_the_other_direction_turns_the_list_round(seven: Api) -> None:
    down = await everything(seven)
    up = await everything(seven, order={"field": "CREATED_AT", "direction": "ASC"})

    assert up == down[::-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": 0}, "first: 0 is not a page size: ask for 1 to 100 rows."),
        ({"first": -3}, "first: -3 is not a page size: ask for 1 to 100 rows."),
        ({"first": 101}, "first: 101 is not a page size: ask for 1 to 100 rows."),
        ({"last": 2_000_000_000}, "last: 2000000000 is not a page size: ask for 1 to 100 rows."),
        (
            {"first": 1, "last": 1},
            "first and after page forwards, last and before backwards: give one pair of them.",
        ),
    ],
)
async def test_impossible_pages_are_refused(
    api: Api, arguments: dict[str, Any], message: str
) -> None:
    assert await api.refused(PAGE, **arguments) == message


async def test_fifty_rows_are_a_page_when_nothing_is_said(api: Api) -> None:
    for number in range(51):
        await a_message(api.workspace, f"x{number}")

    found = await page(api)

    assert len(found["nodes"]) == 50


async def test_a_cursor_is_good_for_its_own_list_alone(seven: Api) -> None:
    await a_journey(seven.workspace, "other")
    cursor = (await page(seven))["pageInfo"]["endCursor"]
    by_entry = await seven.ask(
        '{ entry(externalId: "e1") { communications { pageInfo { endCursor } } } }'
    )
    other_list = by_entry["entry"]["communications"]["pageInfo"]["endCursor"]
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    up = {"field": "CREATED_AT", "direction": "ASC"}

    messages = [
        await seven.refused(PAGE, after=cursor, order=up),
        await seven.refused(PAGE, before=other_list),
        await seven.refused(PAGE, after=flipped),
        await seven.refused(PAGE, after="nonsense"),
        await seven.refused(PAGE, after=""),
    ]

    assert [message.split(":")[0] for message in messages] == [
        "after",
        "before",
        "after",
        "after",
        "after",
    ]
    assert "'nonsense' is no cursor of this list" in messages[3]


async def test_a_count_is_made_only_when_asked_for_and_a_page_likewise(seven: Api) -> None:
    with counted(seven.workspace.database) as without_count:
        await page(seven)
    with counted(seven.workspace.database) as without_page:
        data = await seven.ask("{ communications { totalCount { value precision } } }")

    assert len(without_count) == 1
    assert "count(" not in without_count[0]
    assert len(without_page) == 1
    assert data == {"communications": {"totalCount": {"value": 7, "precision": "EXACT"}}}


async def test_a_count_keeps_to_the_filter_and_to_the_parent(seven: Api) -> None:
    await a_contact(seven.workspace, "bob")
    await an_entry(seven.workspace, "e2", "bob")
    await a_message(seven.workspace, "b1", "e2", resource="Reminder")
    await a_message(seven.workspace, "b2", "e2")

    data = await seven.ask(
        """{ contacts { nodes { externalUsername
            communications(filter: {resource: {contains: "remind"}}) { totalCount { value } } } }
            journeys { nodes { activities(filter: {kind: [ENTERED]}) { totalCount { value } } } }
            entries(filter: {search: "bob"}) { totalCount { value } } }"""
    )

    counts = {
        one["externalUsername"]: one["communications"]["totalCount"]["value"]
        for one in data["contacts"]["nodes"]
    }
    assert counts == {"ada": 0, "bob": 1}
    assert data["journeys"]["nodes"][0]["activities"]["totalCount"]["value"] == 2
    assert data["entries"]["totalCount"]["value"] == 1


async def test_a_large_count_says_at_least(seven: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNT_CAP", 5)

    data = await seven.ask("{ communications { totalCount { value precision } } }")

    assert data["communications"]["totalCount"] == {"value": 5, "precision": "AT_LEAST"}


async def test_a_rare_filter_returns_a_partial_page_and_goes_on(
    seven: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_message(seven.workspace, "rare", at=after(-60), resource="Rare")
    monkeypatch.setattr(
        plans.Plan.__init__, "__kwdefaults__", {"parent": None, "examined_at_most": 3}
    )
    asked = {"resource": {"eq": "Rare"}}
    seen: list[str] = []
    partial: list[bool] = []
    cursor = None
    for _ in range(10):
        found = await page(seven, filter=asked, after=cursor)
        seen += names(found)
        partial.append(found["pageInfo"]["isPartial"])
        cursor = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == ["rare"]
    assert partial == [True, True, False]


async def test_each_level_is_read_by_one_statement(api: Api) -> None:
    for number in range(5):
        await a_contact(api.workspace, f"c{number}")
        await an_entry(api.workspace, f"e-{number}", f"c{number}")
        await a_message(api.workspace, f"m-{number}", f"e-{number}")

    with counted(api.workspace.database) as statements:
        await api.ask(
            """{ journeys { nodes { steps { key } entries { nodes { contact { email }
                communications { nodes { externalId resource { name } } } } } } } }"""
        )

    assert len(statements) == 4


async def test_two_lists_of_one_level_with_other_arguments_are_kept_apart(api: Api) -> None:
    await a_message(api.workspace, "m2", at=after(5))

    data = await api.ask(
        """{ entries { nodes { all: communications { nodes { externalId } }
            one: communications(first: 1) { nodes { status } }
            none: communications(filter: {channel: [SMS]}) { nodes { id } } } } }"""
    )

    assert data["entries"]["nodes"] == [
        {
            "all": {"nodes": [{"externalId": "m2"}, {"externalId": "m1"}]},
            "one": {"nodes": [{"status": "QUEUED"}]},
            "none": {"nodes": []},
        }
    ]


class _Signing:
    """What paging needs of a context."""

    signer = Signer(b"a secret of the tests")


@given(
    st.tuples(
        st.one_of(st.integers(-(2**62), 2**62), st.text(), st.just(7 * SECOND)),
        st.binary(min_size=16, max_size=16),
    )
)
def test_every_position_survives_its_cursor(position: tuple[int | str, bytes]) -> None:
    context: Any = _Signing()

    cursor = sealing(context, "list")(position)

    assert request(context, "list", {"after": cursor}) == PageRequest(50, position)
