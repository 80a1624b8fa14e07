"""The hub: waits end when the log grew, whatever becomes of the broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from store import Database
from store.types import new_id
from subscriptions.hub import Hub
from tests.support.postgres import PostgresServer
from tests.support.valkey import ValkeyServer
from tests.support.waiting import SOON, settle

LONG = 60.0
"""A poll interval that no test lives to see: what wakes in time was woken."""


@asynccontextmanager
async def a_hub(
    url: str = "memory://", *, poll_interval: float = LONG, has_broker: bool = True
) -> AsyncIterator[Hub]:
    hub = Hub(url, poll_interval=poll_interval)
    await hub.start()
    try:
        if has_broker:
            async with asyncio.timeout(SOON):
                await hub.until_listening()
        yield hub
    finally:
        await hub.stop()


@pytest.fixture(params=["postgres", "redis"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """A broker that rings between processes."""
    name = {"postgres": "postgres_url", "redis": "valkey_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url.replace("postgresql+asyncpg", "postgres")


async def test_a_wait_ends_when_the_log_grows() -> None:
    async with a_hub() as hub, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hub.wait(1, 41))
        await settle()

        hub.ring(1, [], 42)

        await waiting


async def test_what_is_already_known_is_not_waited_for() -> None:
    async with a_hub() as hub, asyncio.timeout(SOON):
        hub.ring(1, [], 42)

        await hub.wait(1, 41)


async def test_a_ring_of_what_was_read_already_does_not_wake() -> None:
    async with a_hub() as hub:
        waiting = asyncio.create_task(hub.wait(1, 42))
        await settle()

        hub.ring(1, [], 42)
        await settle()

        assert not waiting.done()
        waiting.cancel()


async def test_another_workspaces_ring_does_not_wake() -> None:
    async with a_hub() as hub:
        waiting = asyncio.create_task(hub.wait(1, 0))
        await settle()

        hub.ring(2, [], 42)
        await settle()

        assert not waiting.done()
        waiting.cancel()


async def test_another_journeys_ring_does_not_wake() -> None:
    ours, other = new_id(), new_id()
    async with a_hub() as hub, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hub.wait(1, 0, journey_ids=frozenset([ours])))
        await settle()

        hub.ring(1, [other], 1)
        await settle()
        assert not waiting.done()
        hub.ring(1, [other, ours], 2)

        await waiting


async def test_a_ring_for_no_journey_in_particular_wakes_everybody() -> None:
    async with a_hub() as hub, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hub.wait(1, 0, journey_ids=frozenset([new_id()])))
        await settle()

        hub.ring(1, [], 1)

        await waiting


async def test_without_a_ring_the_wait_ends_with_the_poll_interval() -> None:
    async with a_hub(poll_interval=0.01) as hub, asyncio.timeout(SOON):
        await hub.wait(1, 0)


async def test_waits_of_a_log_that_went_back_do_not_spin() -> None:
    # Without a broker: the echo of the ring would come after the correction.
    async with a_hub("redis://127.0.0.1:1/0", has_broker=False) as hub:
        hub.ring(1, [], 1000)

        hub.correct(1, known=1000, seq=900)

        waiting = asyncio.create_task(hub.wait(1, 900))
        await settle()
        assert not waiting.done()
        waiting.cancel()


async def test_a_ring_during_a_correction_is_not_lost() -> None:
    async with a_hub("redis://127.0.0.1:1/0", has_broker=False) as hub, asyncio.timeout(SOON):
        hub.ring(1, [], 1000)
        known = hub.known(1)

        hub.ring(1, [], 1001)
        hub.correct(1, known=known, seq=900)

        await hub.wait(1, 1000)


async def test_a_wake_up_between_reading_and_waiting_is_not_lost() -> None:
    async with a_hub() as hub, asyncio.timeout(SOON):
        seen = hub.wakes

        hub.wake_all()

        await hub.wait(1, 0, since=seen)


async def test_a_ring_is_heard_in_another_process(broker_url: str) -> None:
    async with a_hub(broker_url) as ringing, a_hub(broker_url) as hearing, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hearing.wait(7, 41))
        await settle()

        ringing.ring(7, [new_id() for _ in range(100)], 42)

        await waiting


async def test_a_ring_that_names_too_many_journeys_wakes_everybody(valkey_url: str) -> None:
    async with a_hub(valkey_url) as ringing, a_hub(valkey_url) as hearing, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hearing.wait(7, 0, journey_ids=frozenset([new_id()])))
        await settle()

        ringing.ring(7, [new_id() for _ in range(1000)], 42)

        await waiting


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_valkey_may_go_and_come_back(
    valkey_server: ValkeyServer, valkey_url: str, ending: str
) -> None:
    async with a_hub(valkey_url) as ringing, a_hub(valkey_url) as hearing, asyncio.timeout(50):
        await asyncio.to_thread(getattr(valkey_server, ending))
        await until_deaf(ringing, hearing)
        ringing.ring(1, [], 1)
        await asyncio.to_thread(valkey_server.start)

        await rung_over(ringing, hearing)


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_postgresql_may_go_and_come_back(
    postgres_server: PostgresServer, postgres_url: str, ending: str
) -> None:
    url = postgres_url.replace("postgresql+asyncpg", "postgres")
    async with a_hub(url) as ringing, a_hub(url) as hearing, asyncio.timeout(50):
        await asyncio.to_thread(getattr(postgres_server, ending))
        await until_deaf(ringing, hearing)
        ringing.ring(1, [], 1)
        await asyncio.to_thread(postgres_server.start)

        await rung_over(ringing, hearing)


async def test_who_waited_while_the_broker_was_away_reads_when_it_is_back(
    valkey_server: ValkeyServer, valkey_url: str
) -> None:
    async with a_hub(valkey_url) as hub, asyncio.timeout(50):
        await asyncio.to_thread(valkey_server.kill)
        await until_deaf(hub)
        waiting = asyncio.create_task(hub.wait(1, 0))
        await settle()

        await asyncio.to_thread(valkey_server.start)

        await waiting


async def test_with_a_dead_broker_ones_own_rings_still_wake() -> None:
    async with a_hub("redis://127.0.0.1:1/0", has_broker=False) as hub, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hub.wait(1, 0))
        await settle()

        hub.ring(1, [], 1)

        await waiting
        assert not hub.is_listening


async def test_what_others_say_on_the_channel_is_passed_over(valkey_url: str) -> None:
    async with a_hub(valkey_url) as hub, asyncio.timeout(SOON):
        waiting = asyncio.create_task(hub.wait(1, 0))

        async with Redis.from_url(valkey_url) as other:
            for message in ["", "nonsense", "1:zz:3", "1::x", ":::", "ping:other", "1::7"]:
                await other.publish("trackside", message)

        await waiting


async def test_a_commit_by_another_process_wakes_on_sqlite(sqlite_url: str) -> None:
    here, elsewhere = Database(sqlite_url), Database(sqlite_url)
    hub = Hub("memory://", poll_interval=LONG, watch=here.data_version)
    await hub.start()
    try:
        async with asyncio.timeout(SOON):
            wakes = hub.wakes
            while hub.wakes == wakes:
                await hub.wait(1, 0, since=wakes)
            waiting = asyncio.create_task(hub.wait(1, 0))
            await settle()

            async with elsewhere.write() as connection:
                await connection.execute(
                    text("INSERT INTO workspaces (name, created_at) VALUES ('acme', 0)")
                )

            await waiting
    finally:
        await hub.stop()
        await here.dispose()
        await elsewhere.dispose()


async def until_deaf(*hubs: Hub) -> None:
    for hub in hubs:
        while hub.is_listening:
            await hub.wait(0, 0, 0.01)


async def rung_over(ringing: Hub, hearing: Hub) -> None:
    """Returns when a ring of one arrives at the other, and not by a wake-up of everybody."""
    await ringing.until_listening()
    await hearing.until_listening()
    waiting = asyncio.create_task(hearing.wait(9, 0))
    await settle()
    ringing.ring(9, [], 1)
    await waiting
