"""Filters: what they become, their limits, and what they find."""

from typing import Any

import pytest
from graphql import GraphQLError
from strawberry import ID

from schema.inputs.conditions import Budget
from schema.inputs.filters import EntryFilter, JourneyFilter, StringFilter
from store import filters
from store.types import new_id
from store.words import Channel, EntryState, JourneyStatus, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    a_contact,
    a_journey,
    a_message,
    after,
    an_entry,
    converted,
    reached,
)


def frozen(asked: Any) -> Any:
    return asked.frozen(Budget(NOW))


def test_a_filter_becomes_the_stores() -> None:
    journey = new_id()
    asked = EntryFilter(
        journey_id=[ID(f"jrn_{journey.hex()}")],
        state=[EntryState.ACTIVE],
        is_converted=False,
        search="  Ada ",
        or_=[EntryFilter(is_active=True), EntryFilter(not_=EntryFilter(in_control_group=True))],
    )

    assert frozen(asked) == filters.EntryFilter(
        journey_id=(journey,),
        state=(EntryState.ACTIVE,),
        is_converted=False,
        search="Ada",
        or_=(
            filters.EntryFilter(is_active=True),
            filters.EntryFilter(not_=filters.EntryFilter(in_control_group=True)),
        ),
    )


def test_an_empty_filter_and_null_fields_ask_nothing() -> None:
    found = [frozen(EntryFilter()), frozen(EntryFilter(state=None, search="  ", not_=None))]

    assert found == [filters.EntryFilter(), filters.EntryFilter()]


def nested(levels: int) -> JourneyFilter:
    asked = JourneyFilter(search="x")
    for level in range(levels):
        asked = JourneyFilter(not_=asked) if level % 2 else JourneyFilter(or_=[asked])
    return asked


def test_three_levels_are_taken_and_four_refused() -> None:
    frozen(nested(3))

    with pytest.raises(GraphQLError, match="or: and, or and not nest at most 3 levels deep"):
        frozen(nested(4))


def test_levels_beside_each_other_are_not_levels_above_each_other() -> None:
    found = frozen(JourneyFilter(and_=[nested(2), nested(2)], not_=nested(2)))

    assert len(found.and_) == 2


@pytest.mark.parametrize("part", [JourneyFilter(search="x"), JourneyFilter()])
def test_twenty_conditions_are_taken_and_twenty_one_refused(part: JourneyFilter) -> None:
    frozen(JourneyFilter(or_=[part] * 20))

    with pytest.raises(GraphQLError, match="more than 20 conditions"):
        frozen(JourneyFilter(or_=[part] * 10, and_=[part] * 11))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (JourneyFilter(status=[]), "status: an empty list of alternatives matches nothing"),
        (EntryFilter(id=[ID("x")] * 101), "id: 101 values are too many, at most 100"),
        (EntryFilter(id=[ID("x")]), "'x' is not the id of an entry"),
        (EntryFilter(search="a" * 201), "search: 'aaaa.*… is too long to look for, at most 200"),
        (JourneyFilter(search="a\0"), "search: .* holds a null character"),
        (StringFilter(starts_with="a" * 201), "startsWith: 'aaa"),
        (StringFilter(in_=[]), "in: an empty list"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_and_named(asked: Any, message: str) -> None:
    with pytest.raises(GraphQLError, match=message) as raised:
        frozen(asked)

    assert raised.value.extensions == {"code": "BAD_USER_INPUT"}


async def found_entries(api: Api, **asked: Any) -> set[str]:
    data = await api.ask(
        "query ($f: EntryFilter) { entries(filter: $f) { nodes { externalId } } }", f=asked
    )
    return {one["externalId"] for one in data["entries"]["nodes"]}


@pytest.fixture
async def crowd(api: Api) -> Api:
    """Bob converted in autumn; cid waits in welcome; ada is only in welcome."""
    await a_journey(api.workspace, "autumn", status=JourneyStatus.PAUSED)
    await a_contact(api.workspace, "bob", email="bob@example.org", first_name="Børge")
    await a_contact(api.workspace, "cid", last_name="Ünal")
    await an_entry(api.workspace, "bob-autumn", "bob", "autumn", at=after(-3_600))
    await an_entry(api.workspace, "cid-welcome", "cid")
    await api.workspace.record(
        converted("bob-autumn", at=after(-60)),
        reached("remind", StepKind.WAITING, "cid-welcome"),
    )
    return api


async def test_entries_are_found_by_what_they_are_and_what_happened_to_them(crowd: Api) -> None:
    journey = (await crowd.ask('{ journey(externalId: "autumn") { id steps { id } } }'))["journey"]
    step = await crowd.ask('{ entry(externalId: "cid-welcome") { currentStep { id } } }')
    step_id = step["entry"]["currentStep"]["id"]

    assert await found_entries(crowd, search="BØRGE") == {"bob-autumn"}
    assert await found_entries(crowd, search="ünal") == {"cid-welcome"}
    assert await found_entries(crowd, isConverted=True) == {"bob-autumn"}
    assert await found_entries(crowd, journeyId=[journey["id"]]) == {"bob-autumn"}
    assert await found_entries(crowd, state=["WAITING"]) == {"cid-welcome"}
    assert await found_entries(crowd, currentStepId=[step_id]) == {"cid-welcome"}
    assert await found_entries(crowd, activity={"kind": ["WAITING"]}) == {"cid-welcome"}
    assert await found_entries(crowd, **{"not": {"activity": {"kind": ["MESSAGE_CREATED"]}}}) == {
        "bob-autumn",
        "cid-welcome",
    }
    assert await found_entries(crowd, convertedWithin={"last": "HOURS_1"}) == {"bob-autumn"}
    assert await found_entries(
        crowd, **{"or": [{"isConverted": True}, {"and": [{"state": ["WAITING"]}]}]}
    ) == {"bob-autumn", "cid-welcome"}
    assert await found_entries(
        crowd, enteredWithin={"between": {"to": "2026-11-21T23:30:00Z"}}
    ) == {"bob-autumn"}


async def test_unknown_ids_find_nothing(crowd: Api) -> None:
    assert await found_entries(crowd, contactId=[f"ctc_{new_id().hex()}"]) == set()


async def test_journeys_and_contacts_are_found_by_name_and_status(crowd: Api) -> None:
    data = await crowd.ask(
        """{ journeys(filter: {status: [PAUSED], search: "aut"}) { nodes { externalId } }
            none: journeys(filter: {status: [PAUSED], search: "wel"}) { nodes { externalId } }
            contacts(filter: {search: "bob@ex", status: [LEAD], source: [CREATED],
              isImported: false, isConverted: false}) { nodes { externalUsername } } }"""
    )

    assert data == {
        "journeys": {"nodes": [{"externalId": "autumn"}]},
        "none": {"nodes": []},
        "contacts": {"nodes": [{"externalUsername": "bob"}]},
    }


async def test_communications_are_found_by_resource_channel_and_contact(crowd: Api) -> None:
    await a_message(
        crowd.workspace, "sms", "bob-autumn", channel=Channel.SMS, resource="Autumn SALE"
    )

    async def found(**asked: Any) -> list[str]:
        data = await crowd.ask(
            """query ($f: CommunicationFilter) { communications(filter: $f) {
                nodes { externalId } } }""",
            f=asked,
        )
        return [one["externalId"] for one in data["communications"]["nodes"]]

    assert await found(resource={"contains": "sale"}) == ["sms"]
    assert await found(resource={"startsWith": "autumn", "eq": "Autumn SALE"}) == ["sms"]
    assert await found(resource={"in": ["Welcome mail", "x"]}) == ["m1"]
    assert await found(resource={"eq": "autumn sale"}) == []
    assert await found(channel=["SMS", "PUSH"]) == ["sms"]
    assert await found(contactSearch="bob@") == ["sms"]
    assert await found(isClicked=True) == []
    assert await found(hasReached=["QUEUED"], contactSearch="ada") == ["m1"]


async def test_a_nested_lists_filter_does_not_widen_its_parent(crowd: Api) -> None:
    journey = (await crowd.ask('{ journey(externalId: "autumn") { id } }'))["journey"]

    data = await crowd.ask(
        """query ($id: ID!) { journey(externalId: "welcome") {
            entries(filter: {journeyId: [$id]}) { nodes { id } totalCount { value } } } }""",
        id=journey["id"],
    )

    assert data["journey"]["entries"] == {"nodes": [], "totalCount": {"value": 0}}


async def test_a_date_without_a_zone_is_refused_and_named(api: Api) -> None:
    message = await api.refused(
        """{ entries(filter: {enteredWithin: {between: {from: "2026-11-22T00:00:00"}}}) {
            nodes { id } } }"""
    )

    assert message.startswith("'2026-11-22T00:00:00' is not a DateTime: write RFC 3339")
