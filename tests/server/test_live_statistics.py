"""Live statistics through the whole server: what is written by HTTP arrives on the socket."""

from typing import Any

from schema.scalars import write_instant
from tests.server.serving import Serving, a_server, settings_for
from tests.support.factories import Workspace, a_contact, a_journey

LIVE = """subscription ($id: ID!) { journeyStatistics(journeyId: $id) {
    entered communications { created } asOf
    resources { resource { name } series(bucket: DAY) { counts { created } } } } }"""
ASKED = """query ($id: ID!) { journey(id: $id) { statistics {
    entered communications { created } asOf
    resources { resource { name } series(bucket: DAY) { counts { created } } } } } }"""
RECORD = """mutation ($events: [EventInput!]!) { recordEvents(input: {events: $events}) {
    results { outcome } } }"""


def events(at: str) -> list[dict[str, Any]]:
    return [
        {
            "journeyEntered": {
                "key": "k1",
                "journey": "welcome",
                "contact": {"externalUsername": "ada"},
                "entry": "e1",
                "occurredAt": at,
            }
        },
        {
            "communication": {
                "key": "k2",
                "communication": "m1",
                "entry": "e1",
                "channel": "EMAIL",
                "resource": "Hello",
                "occurredAt": at,
            }
        },
    ]


async def a_journey_to_watch(serving: Serving) -> str:
    workspace = Workspace(serving.services.database, serving.workspace_id)
    await a_journey(workspace)
    await a_contact(workspace)
    answer = await serving.ask('{ journey(externalId: "welcome") { id } }')
    journey_id: str = answer["data"]["journey"]["id"]
    return journey_id


async def test_numbers_arrive_as_they_are_written(sqlite_url: str) -> None:
    async with a_server(settings_for(sqlite_url)) as serving:
        journey_id = await a_journey_to_watch(serving)
        at = write_instant(serving.services.now())

        async with serving.socket() as socket:
            await socket.subscribe("live", LIVE, id=journey_id)
            first = await socket.receive()
            await serving.ask(RECORD, events=events(at))
            second = await socket.receive()
            asked = await serving.ask(ASKED, id=journey_id)

    assert first["payload"]["data"]["journeyStatistics"]["entered"] == 0
    found = second["payload"]["data"]["journeyStatistics"]
    assert (found["entered"], found["communications"]) == (1, {"created": 1})
    assert found["resources"] == [
        {"resource": {"name": "Hello"}, "series": [{"counts": {"created": 1}}]}
    ]
    assert found == asked["data"]["journey"]["statistics"]
