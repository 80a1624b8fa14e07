"""Last-Event-ID: a stream of events goes on where it broke off."""

from datetime import UTC, datetime
from typing import Any

import pytest

from store import workspaces
from tests.server.events import Event, listening
from tests.server.serving import Serving, a_server, a_token, settings_for

PREPARE = """mutation Prepare($journey: UpsertJourneyInput!, $contacts: UpsertContactsInput!) {
    upsertJourney(input: $journey) { userErrors { message } }
    upsertContacts(input: $contacts) { userErrors { message } } }"""
RECORD = """mutation Record($events: [EventInput!]!) {
    recordEvents(input: {events: $events}) { cursor results { outcome error { message } } } }"""
FOLLOW = """subscription Follow($after: LogCursor) {
    communicationEvents(after: $after) {
      cursor events { kind communication { externalId } } } }"""
NOW = datetime.now(UTC).isoformat()


async def prepare(serving: Serving) -> None:
    await serving.ask(
        PREPARE,
        journey={
            "externalId": "welcome",
            "name": "Welcome",
            "steps": [{"key": "hello", "name": "Hello"}],
        },
        contacts={"contacts": [{"externalUsername": "ada"}]},
    )
    entered = {
        "key": "entered",
        "journey": "welcome",
        "contact": {"externalUsername": "ada"},
        "entry": "entry-1",
        "occurredAt": NOW,
    }
    await record(serving, {"journeyEntered": entered})


async def send(serving: Serving, name: str) -> str:
    """A message that is queued; returns the cursor behind it."""
    message = {
        "key": name,
        "communication": name,
        "entry": "entry-1",
        "channel": "EMAIL",
        "resource": "Hello",
        "occurredAt": NOW,
    }
    return await record(serving, {"communication": message})


async def record(serving: Serving, event: dict[str, Any]) -> str:
    answer = (await serving.ask(RECORD, events=[event]))["data"]["recordEvents"]
    assert answer["results"] == [{"outcome": "ACCEPTED", "error": None}]
    return str(answer["cursor"])


def messages(event: Event) -> list[str]:
    batch = event.data["data"]["communicationEvents"]
    assert batch["cursor"] == event.id
    return [one["communication"]["externalId"] for one in batch["events"]]


async def test_a_stream_goes_on_behind_the_last_event_that_was_heard(database_url: str) -> None:
    async with a_server(settings_for(database_url)) as serving:
        await prepare(serving)
        async with listening(serving, FOLLOW) as events:
            heard = [messages(await events.next())]
            await send(serving, "first")
            last = await events.next()
        await send(serving, "second")

        assert last.id is not None
        async with listening(serving, FOLLOW, Last_Event_ID=last.id) as events:
            resumed = await events.next()

    assert (heard, messages(last)) == ([[]], ["first"])
    assert messages(resumed) == ["second"]


async def test_the_last_event_wins_over_the_argument(database_url: str) -> None:
    async with a_server(settings_for(database_url)) as serving:
        await prepare(serving)
        first = await send(serving, "first")
        second = await send(serving, "second")
        await send(serving, "third")

        async with listening(serving, FOLLOW, {"after": first}, Last_Event_ID=second) as events:
            resumed = await events.next()
        async with listening(serving, FOLLOW, {"after": first}, Last_Event_ID="") as events:
            without = await events.next()

    assert messages(resumed) == ["third"]
    assert messages(without) == ["second", "third"]


@pytest.mark.parametrize(
    ("after", "header", "named"),
    [
        ("nonsense", None, "after: 'nonsense' is no LogCursor"),
        (None, "nonsense", "Last-Event-ID: 'nonsense' is no LogCursor"),
        ("other", "nonsense", "Last-Event-ID: 'nonsense' is no LogCursor"),
        (None, "AAAA", "Last-Event-ID: 'AAAA' is no LogCursor"),
    ],
)
async def test_what_is_no_cursor_is_told_by_the_name_it_came_under(
    sqlite_url: str, after: str | None, header: str | None, named: str
) -> None:
    headers = {} if header is None else {"Last_Event_ID": header}
    async with (
        a_server(settings_for(sqlite_url)) as serving,
        listening(serving, FOLLOW, {"after": after}, **headers) as events,
    ):
        refused, last = await events.rest()

    (error,) = refused.data["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith(named)
    assert last.kind == "complete"


async def test_a_cursor_of_another_workspace_is_a_gap(sqlite_url: str) -> None:
    async with a_server(settings_for(sqlite_url)) as serving:
        await prepare(serving)
        theirs = await send(serving, "first")
        async with serving.services.database.write() as connection:
            other = await workspaces.create(connection, "other", serving.services.now())
        token, _ = await a_token(serving.services, other)

        query = "subscription { communicationEvents { gap { reason } events { kind } } }"
        async with listening(serving, query, token=token, Last_Event_ID=theirs) as events:
            told = await events.next()

    assert told.data["data"]["communicationEvents"] == {
        "gap": {"reason": "UNKNOWN_EPOCH"},
        "events": [],
    }
