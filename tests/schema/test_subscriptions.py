"""Subscriptions: the log as it grows, filtered, resumed, and with its gaps told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from graphql import GraphQLError
from sqlalchemy import text

from schema import schema
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    a_contact,
    a_house,
    a_message,
    an_entry,
    delivered,
    reached,
)
from tests.support.waiting import SOON

EVENTS = """subscription ($filter: DeliveryEventFilter, $after: LogCursor) {
    communicationEvents(filter: $filter, after: $after) {
      cursor caughtUp gap { reason oldestAvailable }
      events { kind cursor communication { externalId channel resource { name } } } } }"""
ACTIVITIES = """subscription ($filter: ActivityFilter, $journey: ID, $after: LogCursor) {
    entryActivities(filter: $filter, journeyId: $journey, after: $after) {
      cursor activities { kind summary entry { externalId } step { key } } } }"""


@asynccontextmanager
async def subscribed(
    api: Api, document: str, **variables: Any
) -> AsyncIterator["asyncio.Queue[Any]"]:
    """What a subscriber gets, one item for each execution."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    stream = await schema.subscribe(document, variables, context_value=api.context)

    async def listen() -> None:
        async for result in stream:
            await heard.put(result)

    listening = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def batch(heard: "asyncio.Queue[Any]", name: str = "communicationEvents") -> dict[str, Any]:
    async with asyncio.timeout(SOON):
        result = await heard.get()
    assert result.errors is None
    found: dict[str, Any] = result.data[name]
    return found


async def kinds_until_caught_up(heard: "asyncio.Queue[Any]") -> list[str]:
    kinds: list[str] = []
    while True:
        told = await batch(heard)
        kinds += [event["kind"] for event in told["events"]]
        if told["caughtUp"]:
            return kinds


async def failure(heard: "asyncio.Queue[Any]") -> GraphQLError:
    async with asyncio.timeout(SOON):
        result = await heard.get()
    (error,) = result.errors
    assert isinstance(error, GraphQLError)
    return error


async def write(api: Api, *events: Any) -> None:
    recorded = await api.workspace.recorded(events)
    assert recorded.seq is not None
    api.context.hub.ring(api.workspace.id, recorded.journey_ids, recorded.seq)


async def test_events_arrive_as_they_are_written(api: Api) -> None:
    async with subscribed(api, EVENTS) as heard:
        first = await batch(heard)
        await write(api, delivered(DeliveryKind.SENT), delivered(DeliveryKind.OPENED))
        second = await batch(heard)

    assert (first["events"], first["caughtUp"], first["gap"]) == ([], True, None)
    assert [event["kind"] for event in second["events"]] == ["SENT", "OPENED"]
    assert second["events"][0]["communication"] == {
        "externalId": "m1",
        "channel": "EMAIL",
        "resource": {"name": "Welcome mail"},
    }
    assert second["events"][1]["cursor"] == second["cursor"]
    assert second["caughtUp"] is True


async def test_a_subscriber_resumes_exactly_behind_its_cursor(api: Api) -> None:
    async with subscribed(api, EVENTS) as heard:
        before = await batch(heard)
        await write(api, delivered(DeliveryKind.SENT), delivered(DeliveryKind.DELIVERED))
        middle = (await batch(heard))["events"][0]["cursor"]
    await write(api, delivered(DeliveryKind.CLICKED))

    async with subscribed(api, EVENTS, after=middle) as heard:
        rest = await kinds_until_caught_up(heard)
    async with subscribed(api, EVENTS, after=before["cursor"]) as heard:
        everything = await kinds_until_caught_up(heard)

    assert rest == ["DELIVERED", "CLICKED"]
    assert everything == ["SENT", "DELIVERED", "CLICKED"]


async def test_only_what_the_filter_lets_through_arrives(api: Api) -> None:
    await a_message(api.workspace, "sms", channel=Channel.SMS, resource="Reminder")

    async with subscribed(
        api, EVENTS, filter={"channel": ["SMS"], "resource": {"contains": "REMIND"}}
    ) as heard:
        await batch(heard)
        await write(api, delivered(DeliveryKind.SENT), delivered(DeliveryKind.SENT, "sms"))
        found = await batch(heard)

    assert [event["communication"]["externalId"] for event in found["events"]] == ["sms"]


async def test_suspected_robots_arrive_only_when_asked_for(api: Api) -> None:
    robot = delivered(DeliveryKind.CLICKED, is_suspected_bot=True)
    async with (
        subscribed(api, EVENTS) as people,
        subscribed(api, EVENTS, filter={"includeSuspectedBots": True}) as everyone,
    ):
        await batch(people)
        await batch(everyone)
        await write(api, robot, delivered(DeliveryKind.OPENED))
        found = [await batch(people), await batch(everyone)]

    assert [[event["kind"] for event in one["events"]] for one in found] == [
        ["OPENED"],
        ["CLICKED", "OPENED"],
    ]


async def test_a_place_that_the_log_no_longer_holds_is_a_gap(api: Api) -> None:
    data = await api.ask("{ deliveryEvents { nodes { cursor } } }")
    cursor = data["deliveryEvents"]["nodes"][0]["cursor"]
    async with api.workspace.database.write() as connection:
        await connection.execute(
            text("UPDATE heads SET epoch = :epoch WHERE workspace_id = :id"),
            {"epoch": b"12345678", "id": api.workspace.id},
        )

    async with subscribed(api, EVENTS, after=cursor) as heard:
        found = await batch(heard)
        resumed = await batch(heard)

    assert found["gap"]["reason"] == "UNKNOWN_EPOCH"
    assert found["gap"]["oldestAvailable"] == found["cursor"]
    assert [event["kind"] for event in resumed["events"]] == ["QUEUED"]


async def test_what_is_no_cursor_is_refused(api: Api) -> None:
    async with subscribed(api, EVENTS, after="nonsense") as heard:
        error = await failure(heard)

    assert "'nonsense' is no LogCursor" in error.message
    assert error.extensions == {"code": "BAD_USER_INPUT"}


async def test_activities_of_one_journey_arrive_with_their_sentence(api: Api) -> None:
    journey = await api.ask('{ journey(externalId: "welcome") { id } }')

    async with subscribed(api, ACTIVITIES, journey=journey["journey"]["id"]) as heard:
        await batch(heard, "entryActivities")
        await write(api, reached("hello"), reached("remind", StepKind.STEP_FAILED, reason="Boom."))
        found = await batch(heard, "entryActivities")

    assert found["activities"] == [
        {
            "kind": "STEP_ENTERED",
            "summary": "The entry reached the step “Hello”.",
            "entry": {"externalId": "e1"},
            "step": {"key": "hello"},
        },
        {
            "kind": "STEP_FAILED",
            "summary": "The step “Remind” failed: Boom.",
            "entry": {"externalId": "e1"},
            "step": {"key": "remind"},
        },
    ]


async def test_activities_are_filtered_by_kind(api: Api) -> None:
    async with subscribed(api, ACTIVITIES, filter={"kind": ["STEP_SKIPPED"]}) as heard:
        await batch(heard, "entryActivities")
        await write(api, reached("hello"), reached("hello", StepKind.STEP_SKIPPED))
        found = await batch(heard, "entryActivities")

    assert [one["kind"] for one in found["activities"]] == ["STEP_SKIPPED"]


async def test_within_and_contact_search_are_refused_in_a_stream(api: Api) -> None:
    errors = []
    for asked in ({"contactSearch": "ada"}, {"within": {"last": "HOURS_1"}}):
        async with subscribed(api, ACTIVITIES, filter=asked) as heard:
            errors.append(await failure(heard))

    assert [error.message for error in errors] == [
        "filter: within and contactSearch are for lists, not for subscriptions."
    ] * 2


async def test_another_workspaces_events_do_not_arrive(api: Api) -> None:
    stranger = Api(await a_house(api.workspace.database))

    async with subscribed(stranger, EVENTS) as heard:
        await batch(heard)
        await write(api, delivered(DeliveryKind.SENT))
        await write(stranger, delivered(DeliveryKind.OPENED))
        found = await batch(heard)

    assert [event["kind"] for event in found["events"]] == ["OPENED"]


async def test_a_stream_needs_the_scope_read(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    async with subscribed(partner, EVENTS) as heard:
        error = await failure(heard)

    assert str(error.original_error).startswith("This needs the scope read")


async def test_lists_inside_of_a_stream_are_read_fresh_for_each_batch(api: Api) -> None:
    document = """subscription { entryActivities { activities { kind entry {
        communications { nodes { externalId } } } } } }"""

    async with subscribed(api, document) as heard:
        await batch(heard, "entryActivities")
        await write(api, reached("hello"))
        first = await batch(heard, "entryActivities")
        await a_message(api.workspace, "m2")
        await write(api, reached("remind"))
        second = await batch(heard, "entryActivities")

    names = [
        {node["externalId"] for node in one["entry"]["communications"]["nodes"]}
        for one in (first["activities"][0], second["activities"][-1])
    ]
    assert names == [{"m1"}, {"m1", "m2"}]


async def test_only_the_activities_of_one_contact_arrive(api: Api) -> None:
    await a_contact(api.workspace, "bob")
    await an_entry(api.workspace, "e2", "bob")
    contact = await api.ask('{ contact(externalUsername: "bob") { id } }')

    async with subscribed(
        api, ACTIVITIES, filter={"contactId": [contact["contact"]["id"]]}
    ) as heard:
        await batch(heard, "entryActivities")
        await write(api, reached("hello"), reached("hello", entry="e2"))
        found = await batch(heard, "entryActivities")

    assert [one["entry"]["externalId"] for one in found["activities"]] == ["e2"]
