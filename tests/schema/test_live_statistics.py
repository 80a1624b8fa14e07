"""Live statistics: the numbers as they change, the latest for whoever is slow."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from resolvers.recorder import Recorder
from schema import schema
from schema.scalars import write_instant
from store import Database
from store.ingest.events import Event
from store.types import HOUR, SECOND
from store.words import DeliveryKind, Scope
from tests.schema.conftest import Api
from tests.schema.following import Follower, WatchedHub
from tests.support.factories import (
    NOW,
    a_contact,
    a_database,
    a_house,
    a_journey,
    a_workspace,
    an_entry,
    announced,
    converted,
    delivered,
    entered,
)
from tests.support.waiting import SOON

NUMBERS = """entered converted communications { created clicked }
    resources { resource { name } counts { sent } series(bucket: DAY) { at counts { sent } } }
    period { from to } asOf"""
LIVE = """subscription ($id: ID!, $within: PeriodInput) {
    journeyStatistics(journeyId: $id, within: $within) { %s } }"""
NOW_ASKED = """query ($id: ID!, $within: PeriodInput) {
    journey(id: $id) { statistics(within: $within) { %s } } }"""


class Live:
    """A workspace whose statistics are followed."""

    def __init__(self, api: Api, journey_id: str) -> None:
        self.api, self.journey_id = api, journey_id
        self.hub = api.context.hub = WatchedHub()
        api.context.recorder = Recorder(api.context.database, self.hub, api.context.now)

    async def write(self, *events: Event) -> int:
        """Record events in one transaction and ring; the place of the last of them."""
        recorded = await self.api.workspace.recorded(events)
        assert recorded.seq is not None
        self.hub.ring(self.api.workspace.id, recorded.journey_ids, recorded.seq)
        return recorded.seq

    async def follow(self, selection: str = NUMBERS, **variables: Any) -> Follower:
        stream = await schema.subscribe(
            LIVE % selection,
            {"id": self.journey_id, **variables},
            context_value=self.api.context,
        )
        return Follower(stream, "journeyStatistics")

    async def asked(self, selection: str = NUMBERS, **variables: Any) -> Any:
        data = await self.api.ask(NOW_ASKED % selection, id=self.journey_id, **variables)
        return data["journey"]["statistics"]


async def live_in(database: Database) -> Live:
    api = Api(await a_house(database))
    data = await api.ask('{ journey(externalId: "welcome") { id } }')
    return Live(api, data["journey"]["id"])


@pytest.fixture
async def live(database_url: str) -> AsyncIterator[Live]:
    async with a_database(database_url) as database:
        yield await live_in(database)


async def test_the_numbers_come_at_once_and_whenever_they_change(live: Live) -> None:
    async with await live.follow() as follower:
        first = await follower.next()
        await live.write(converted(), delivered(DeliveryKind.SENT))
        second = await follower.next()
        asked = await live.asked()

    (mail,) = first["resources"]
    assert (first["entered"], first["converted"], mail["counts"]["sent"]) == (1, 0, 0)
    (mail,) = second["resources"]
    assert (second["converted"], mail["counts"]["sent"]) == (1, 1)
    assert mail["series"] == [{"at": "2026-11-22T00:00:00Z", "counts": {"sent": 1}}]
    assert second == asked


async def test_a_subscriber_hears_nothing_of_what_it_did_not_ask_for(live: Live) -> None:
    await a_journey(live.api.workspace, "autumn")

    async with await live.follow("entered") as follower:
        await follower.next()
        next_answer = asyncio.create_task(follower.next())
        await live.write(entered("x1", journey="autumn"))
        last = await live.write(delivered(DeliveryKind.CLICKED))
        await live.hub.until_read(last)
        was_quiet = not next_answer.done()
        await live.write(entered("e2"))
        heard = await next_answer

    assert was_quiet
    assert heard == {"entered": 2}


async def test_a_slow_subscriber_gets_the_latest_and_nothing_older(live: Live) -> None:
    async with await live.follow() as follower:
        await follower.next()
        for number in range(4):
            await live.write(announced(f"n{number}"), delivered(DeliveryKind.CLICKED))
        last = await live.write(announced("n4"), delivered(DeliveryKind.CLICKED))
        second = await follower.next()
        next_answer = asyncio.create_task(follower.next())
        await live.hub.until_read(last)
        was_quiet = not next_answer.done()
        asked = await live.asked()
        await live.write(announced("n5"))
        third = await next_answer

    assert second["communications"] == {"created": 6, "clicked": 1}
    assert second == asked
    assert was_quiet
    assert third["communications"] == {"created": 7, "clicked": 1}


async def test_a_busy_journey_ends_with_the_last_numbers(live: Live) -> None:
    async def write_all() -> None:
        for number in range(30):
            await live.write(entered(f"b{number}"), announced(f"b{number}", f"b{number}"))

    heard: list[dict[str, Any]] = []
    async with await live.follow("entered communications { created }") as follower:
        heard.append(await follower.next())
        writing = asyncio.create_task(write_all())
        while heard[-1]["entered"] < 31:
            heard.append(await follower.next())
        await writing

    numbers = [(one["entered"], one["communications"]["created"]) for one in heard]
    assert numbers[-1] == (31, 31)
    assert numbers == sorted(set(numbers))
    assert all(entries == messages for entries, messages in numbers)


async def test_a_rolling_period_moves_on_by_itself(live: Live) -> None:
    clock = [NOW + HOUR + 59 * SECOND + 900_000]
    live.api.context.now = lambda: clock[0]

    async with await live.follow(
        "entered period { from to }", within={"last": "HOURS_1"}
    ) as follower:
        first = await follower.next()
        clock[0] += SECOND
        second = await follower.next()

    assert first == {
        "entered": 1,
        "period": {"from": write_instant(NOW), "to": "2026-11-22T01:01:00Z"},
    }
    assert second == {
        "entered": 0,
        "period": {"from": "2026-11-22T00:01:00Z", "to": "2026-11-22T01:02:00Z"},
    }


async def test_what_happens_behind_the_numbers_can_be_followed(live: Live) -> None:
    async with await live.follow() as follower:
        await follower.next()
        await live.write(delivered(DeliveryKind.SENT))
        answer = await follower.next()
        await live.write(delivered(DeliveryKind.CLICKED))

    stream: Any = await schema.subscribe(
        """subscription ($after: LogCursor) { communicationEvents(after: $after) {
            events { kind } } }""",
        {"after": answer["asOf"]},
        context_value=live.api.context,
    )
    async with aclosing(stream), asyncio.timeout(SOON):
        batch = (await anext(stream)).data["communicationEvents"]

    assert batch == {"events": [{"kind": "CLICKED"}]}


async def a_strangers_journey(database: Database) -> str:
    stranger = await a_workspace(database)
    await a_journey(stranger)
    await a_contact(stranger)
    await an_entry(stranger)
    data = await Api(stranger).ask('{ journey(externalId: "welcome") { id } }')
    journey_id: str = data["journey"]["id"]
    return journey_id


async def failures(live: Live, journey_ids: Sequence[str]) -> list[str]:
    found = []
    for journey_id in journey_ids:
        async with await live.follow("entered", id=journey_id) as follower:
            error = await follower.failure()
        assert (error.extensions or {}).get("code") == "BAD_USER_INPUT"
        found.append(error.message)
    return found


async def test_a_journey_that_is_not_there_is_refused(live: Live) -> None:
    foreign = await a_strangers_journey(live.api.workspace.database)
    unknown = "jrn_" + "0" * 32

    messages = await failures(live, [foreign, unknown, "nonsense"])

    assert messages == [
        f"journeyId: {foreign!r} is no journey of this workspace.",
        f"journeyId: {unknown!r} is no journey of this workspace.",
        "'nonsense' is not the id of a journey: such ids begin with jrn_.",
    ]


async def test_a_period_that_cannot_be_shown_is_refused(live: Live) -> None:
    backwards = {"between": {"from": write_instant(NOW), "to": write_instant(NOW - HOUR)}}

    async with await live.follow("entered", within=backwards) as follower:
        first = await follower.failure()
    async with await live.follow(
        "resources { series(bucket: MINUTE) { at } }", within={"last": "DAYS_7"}
    ) as follower:
        second = await follower.failure()

    assert "exchange from and to" in first.message
    assert "MINUTE is for periods of at most 24 hours" in second.message


async def test_following_needs_the_scope_read(live: Live) -> None:
    partner = Live(Api(live.api.workspace, (Scope.INTEGRATE,)), live.journey_id)

    async with await partner.follow("entered") as follower:
        error = await follower.failure()

    assert "This needs the scope read" in error.message
