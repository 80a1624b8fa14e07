"""The recorder: concurrent requests share transactions and harm each other in nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy.exc import DBAPIError

from resolvers.recorder import WAITING_AT_MOST, Overloaded, Recorder
from store import Database, tables
from store.ingest.events import Event
from store.ingest.outcomes import Arrival, Recorded
from store.types import Instant
from store.words import DeliveryKind, EventOutcome
from subscriptions import Hub
from tests.support.factories import NOW, Workspace, a_house, announced, delivered, reached

SOON = 30.0


class Clock:
    """A clock that counts how often it is read: once a transaction."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self) -> Instant:
        self.readings += 1
        return NOW + self.readings


@pytest.fixture
async def house(database: Database) -> Workspace:
    """The entry e1 with its message m1."""
    return await a_house(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def recorder(house: Workspace, hub: Hub, clock: Clock) -> AsyncIterator[Recorder]:
    made = Recorder(house.database, hub, clock)
    yield made
    await made.drain()


def arrivals(*happened: Event) -> Sequence[Arrival]:
    return [Arrival(event, "Shop") for event in happened]


def kinds(recorded: Recorded) -> list[EventOutcome]:
    return [outcome.kind for outcome in recorded.outcomes]


async def test_requests_that_come_meanwhile_share_one_transaction(
    house: Workspace, recorder: Recorder, clock: Clock
) -> None:
    async with asyncio.timeout(SOON):
        results = await asyncio.gather(
            *(
                recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED)))
                for _ in range(50)
            )
        )

    assert all(kinds(one) == [EventOutcome.ACCEPTED] for one in results)
    assert (await house.message())["click_count"] == 50
    assert clock.readings <= 2


async def test_each_request_gets_its_own_outcomes(house: Workspace, recorder: Recorder) -> None:
    click = delivered(DeliveryKind.CLICKED)

    async with asyncio.timeout(SOON):
        results = await asyncio.gather(
            recorder.record(house.id, arrivals(click, reached("nowhere"))),
            recorder.record(house.id, arrivals(delivered(communication="m9"))),
            recorder.record(house.id, arrivals(click)),
            recorder.record(house.id, arrivals(announced("m2"), delivered(communication="m2"))),
        )

    accepted = EventOutcome.ACCEPTED
    assert [kinds(one) for one in results] == [
        [accepted, EventOutcome.REJECTED],
        [EventOutcome.PENDING],
        [EventOutcome.DUPLICATE],
        [accepted, accepted],
    ]


async def test_a_request_that_fails_fails_alone(house: Workspace, recorder: Recorder) -> None:
    # PostgreSQL's text holds no null character, and no database holds half a surrogate pair.
    broken = delivered(DeliveryKind.CLICKED, url="https://shop.example/\0\ud800")

    async with asyncio.timeout(SOON):
        first, failed, last = await asyncio.gather(
            recorder.record(house.id, arrivals(delivered(DeliveryKind.OPENED))),
            recorder.record(house.id, arrivals(broken)),
            recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED))),
            return_exceptions=True,
        )

    assert isinstance(failed, (DBAPIError, TypeError, ValueError))
    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    message = await house.message()
    assert (message["open_count"], message["click_count"]) == (1, 1)


async def test_after_a_failure_the_recorder_goes_on(house: Workspace, recorder: Recorder) -> None:
    broken = delivered(DeliveryKind.CLICKED, url="\ud800")
    with pytest.raises((DBAPIError, TypeError, ValueError)):
        await recorder.record(house.id, arrivals(broken))

    recorded = await recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED)))

    assert kinds(recorded) == [EventOutcome.ACCEPTED]


async def test_what_a_caller_hands_in_is_recorded_though_it_goes_away(
    house: Workspace, recorder: Recorder
) -> None:
    caller = asyncio.create_task(
        recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED)))
    )
    await asyncio.sleep(0)

    caller.cancel()
    async with asyncio.timeout(SOON):
        await recorder.drain()

    assert caller.cancelled() or caller.cancelling()
    assert (await house.message())["click_count"] == 1


async def test_a_caller_that_goes_away_does_not_harm_who_shares_its_transaction(
    house: Workspace, recorder: Recorder
) -> None:
    callers = [
        asyncio.create_task(recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED))))
        for _ in range(6)
    ]
    await asyncio.sleep(0)

    for caller in callers[::2]:
        caller.cancel()
    async with asyncio.timeout(SOON):
        results = await asyncio.gather(*callers[1::2])
        await recorder.drain()

    assert all(kinds(one) == [EventOutcome.ACCEPTED] for one in results)
    assert (await house.message())["click_count"] == 6


async def test_the_bell_rings_behind_the_commit(
    house: Workspace, recorder: Recorder, hub: Hub
) -> None:
    recorded = await recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED)))

    (head,) = await house.rows(tables.heads)
    assert hub.known(house.id) == recorded.seq == head["seq"]


async def test_nothing_new_does_not_ring(house: Workspace, recorder: Recorder, hub: Hub) -> None:
    click = delivered(DeliveryKind.CLICKED)
    await house.record(click)

    recorded = await recorder.record(house.id, arrivals(click))

    assert (recorded.seq, hub.known(house.id)) == (None, 0)


async def test_workspaces_are_recorded_beside_each_other(
    house: Workspace, recorder: Recorder
) -> None:
    other = await a_house(house.database)

    async with asyncio.timeout(SOON):
        await asyncio.gather(
            *(
                recorder.record(workspace.id, arrivals(delivered(DeliveryKind.CLICKED)))
                for workspace in (house, other) * 10
            )
        )

    assert [(await one.message())["click_count"] for one in (house, other)] == [10, 10]


async def test_a_large_group_is_split_into_whole_requests(
    house: Workspace, recorder: Recorder, clock: Clock
) -> None:
    batches = [
        [delivered(DeliveryKind.CLICKED, key=f"{request}-{n}") for n in range(300)]
        for request in range(7)
    ]

    async with asyncio.timeout(SOON):
        results = await asyncio.gather(
            *(recorder.record(house.id, arrivals(*batch)) for batch in batches)
        )

    assert [len(one.outcomes) for one in results] == [300] * 7
    assert (await house.message())["click_count"] == 2_100
    assert 3 <= clock.readings <= 4


async def test_past_its_limit_it_takes_nothing_more_and_loses_nothing_that_it_took(
    house: Workspace, recorder: Recorder
) -> None:
    batches = [
        arrivals(*(delivered(DeliveryKind.CLICKED, key=f"{request}-{n}") for n in range(1_000)))
        for request in range(WAITING_AT_MOST // 1_000)
    ]
    first = [asyncio.create_task(recorder.record(house.id, batch)) for batch in batches]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded, match="none of these was taken"):
        await recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED, key="late")))
    person = await recorder.record(
        house.id, arrivals(delivered(DeliveryKind.CLICKED, key="person")), is_single=True
    )
    async with asyncio.timeout(6 * SOON):
        taken = await asyncio.gather(*first)

    assert kinds(person) == [EventOutcome.ACCEPTED]
    assert all(set(kinds(one)) == {EventOutcome.ACCEPTED} for one in taken)
    assert (await house.message())["click_count"] == WAITING_AT_MOST + 1
    assert recorder.waiting == 0
    again = await recorder.record(house.id, arrivals(delivered(DeliveryKind.CLICKED, key="late")))
    assert kinds(again) == [EventOutcome.ACCEPTED]


async def test_what_failed_waits_no_longer(house: Workspace, recorder: Recorder) -> None:
    broken = Arrival(object(), "Shop")  # type: ignore[arg-type]

    with pytest.raises(AttributeError):
        await recorder.record(house.id, [broken])

    assert recorder.waiting == 0
