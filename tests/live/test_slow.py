"""Slow and long: a client that does not read costs the server no memory, nor does a long stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from benchmarks.processes import usage
from tests.live import truth, watching
from tests.live.crowd import Crowd, a_crowd
from tests.live.house import House, Partner, a_client, a_house
from tests.live.truth import Verdict
from tests.live.watching import Watching
from tests.support.trackside import TracksideServer

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20
_BATCHES = "trackside_subscription_batches_total"

BATCH = 250
ATTENTIVE = 2
SLOW = 8
MISSED = 12_000
"""Events that the slow ones do not read: some 20 MB for each of them. Sockets hold 4 MB."""

_A_MESSAGE = "communication { id externalId channel status createdAt sentAt deliveredAt }"
WIDE = (
    "subscription Wide($after: LogCursor) { communicationEvents(after: $after) {"
    " cursor gap { reason } events { id "
    + " ".join(f"c{number}: {_A_MESSAGE}" for number in range(8))
    + " } } }"
)

EXECUTED_FOR = 3
LONG = 30_000
"""Events; a kilobyte of each, left behind for each of the three, would be 60 MB in the last two
thirds."""


@pytest.fixture
async def server(postgres_url: str) -> AsyncIterator[TracksideServer]:
    """On PostgreSQL: SQLite's page caches grow inside the server until they are full."""
    server = TracksideServer(postgres_url)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_clients_that_stop_reading_cost_no_memory_and_catch_up_exactly(
    server: TracksideServer,
) -> None:
    house = await a_house(server)
    partner = Partner(house, batch=BATCH)
    attentive = watching.everything(ATTENTIVE)
    slow = watching.everything(SLOW, document=WIDE)
    async with following(house, attentive) as others, following(house, slow) as crowd:
        await partner.write(1_000)
        await heard(crowd, house, slow)

        await crowd.read(False)
        told, batches = (await others.seen())["messages"], await batches_of(server)
        held = []
        for _ in range(4):
            await partner.write(MISSED // 4)
            await heard(others, house, attentive)
            held.append(usage(server.pid).resident_bytes / MIB)
        told = (await others.seen())["messages"] - told
        batches = await batches_of(server) - batches
        await crowd.read(True)
        verdict = await heard(crowd, house, slow)

    assert verdict.is_exact, verdict
    # The server stopped sending to them, and kept nothing for them.
    assert batches < told + SLOW * told / ATTENTIVE / 2
    # Half of what they do not read comes behind the second reading: 80 MB, if it were kept. What is
    # kept anyway, the newest rows and a batch for each, is not quite full by then.
    assert max(held) - held[1] < 24, held


async def test_a_stream_of_thirty_thousand_events_leaves_nothing_behind(
    server: TracksideServer,
) -> None:
    house = await a_house(server)
    partner = Partner(house, batch=BATCH)
    one = watching.everything(1)
    # Each says something of its own, so that all is executed for each of them.
    kinds = [
        replace(one, asked=replace(one.asked, variables={"number": number}))
        for number in range(EXECUTED_FOR)
    ]
    async with following(house, *kinds) as crowd:
        held = []
        for _ in range(3):
            await partner.write(LONG // 3)
            await heard(crowd, house, *kinds)
            held.append(usage(server.pid).resident_bytes / MIB)
        verdict = await heard(crowd, house, *kinds)

    assert verdict.is_exact, verdict
    # What is kept anyway goes on filling for a while: seen to end at 30 MB, after 50,000 events.
    assert held[-1] - held[0] < 30, held


def following(house: House, *kinds: Watching) -> AbstractAsyncContextManager[Crowd]:
    watchers = [kind.watchers for kind in kinds]
    return a_crowd(*watchers, ports=house.ports, token=house.home.token, after=house.start)


async def batches_of(server: TracksideServer) -> float:
    """How many the server has sent, to all subscribers."""
    async with a_client() as client:
        told = (await client.get(f"{server.url}/metrics")).text
    (line,) = (each for each in told.splitlines() if each.startswith(f"{_BATCHES} "))
    return float(line.split()[1])


async def heard(crowd: Crowd, house: House, *kinds: Watching) -> Verdict:
    """Returns when each has had all that is in the log by now."""
    rows = await truth.rows_of(house)
    return await truth.judge(crowd, [kind.expected(rows) for kind in kinds])
