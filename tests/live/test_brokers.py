"""Several processes and their doorbell: what is written through one is heard at all of them, soon
while the broker lives, and all the same when it, a server or a worker dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from subscriptions.hub import POLL_INTERVAL_S
from tests.live import truth, watching
from tests.live.crowd import a_crowd
from tests.live.following import following, until_had
from tests.live.house import House, Partner, a_house
from tests.live.subscriber import Subscriber
from tests.support.postgres import PostgresServer
from tests.support.process import children
from tests.support.trackside import TracksideServer
from tests.support.valkey import ValkeyServer
from tests.support.waiting import SOON

pytestmark = pytest.mark.timeout(240)

SUBSCRIBERS = 40
EVENTS = 2_000
A_SECOND = 200
RINGS = 5

Broker = PostgresServer | ValkeyServer


@pytest.fixture(params=["postgres", "redis"])
def broker(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, postgres_url: str
) -> tuple[str, Broker]:
    """What rings between processes: the URL for it and its server."""
    if request.param == "postgres":
        return postgres_url.replace("postgresql+asyncpg", "postgres"), postgres_server
    valkey: ValkeyServer = request.getfixturevalue("valkey_server")
    return valkey.url, valkey


async def test_what_is_written_through_one_process_is_heard_at_another_at_once(
    postgres_url: str, broker: tuple[str, Broker]
) -> None:
    url, server = broker
    one, other = (TracksideServer(postgres_url, broadcast_url=url) for _ in range(2))
    async with running(one, other) as house:
        partner = Partner(house.through(one), senders=1)
        async with following(house.through(other), house.start) as subscriber:
            await until_listening(one, other)
            delays = [await rung(partner, subscriber)]

            await asyncio.to_thread(server.kill)
            await until_listening(one, other, is_listening=False)
            await asyncio.to_thread(server.start)
            await until_listening(one, other)
            delays.append(await rung(partner, subscriber))

    # Polls alone would take longer: each waits anew from when the last events were told.
    assert max(delays) < RINGS * POLL_INTERVAL_S / 2


async def test_subscribers_of_two_servers_miss_nothing_when_all_is_restarted_under_load(
    postgres_url: str, broker: tuple[str, Broker]
) -> None:
    url, server = broker
    one, other = (TracksideServer(postgres_url, broadcast_url=url) for _ in range(2))
    async with running(one, other) as house:

        async def restart_all(partner: Partner) -> None:
            await partner.until(EVENTS // 5)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await partner.until(2 * EVENTS // 5)
            await asyncio.to_thread(one.kill)
            await asyncio.to_thread(one.start)
            await partner.until(3 * EVENTS // 5)
            await asyncio.to_thread(other.stop)
            await asyncio.to_thread(other.start)

        kinds = watching.mixed(SUBSCRIBERS, house)
        async with a_crowd(
            *(kind.watchers for kind in kinds),
            ports=house.ports,
            token=house.home.token,
            after=house.start,
            leave_every_s=5,
            away_s=0.5,
        ) as crowd:
            partner = Partner(house)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(partner.write(EVENTS, a_second=A_SECOND))
                tasks.create_task(restart_all(partner))
            rows = await truth.rows_of(house)
            verdict = await truth.judge(crowd, [kind.expected(rows) for kind in kinds])

    assert verdict.is_exact, verdict


async def test_subscribers_of_two_workers_hear_all_and_survive_the_death_of_one(
    postgres_url: str, broker: tuple[str, Broker]
) -> None:
    server = TracksideServer(postgres_url, broadcast_url=broker[0], workers=2)
    async with (
        running(server) as house,
        a_crowd(
            watching.everything(SUBSCRIBERS).watchers,
            ports=house.ports,
            token=house.home.token,
            after=house.start,
        ) as crowd,
    ):
        partner = Partner(house)
        await partner.write(EVENTS // 2)
        heard = await truth.judge(
            crowd, [watching.everything(1).expected(await truth.rows_of(house))]
        )

        os.kill(workers_of(server)[0], signal.SIGKILL)
        await partner.write(EVENTS // 2)
        heard_after = await truth.judge(
            crowd, [watching.everything(1).expected(await truth.rows_of(house))]
        )
        seen = await crowd.seen()

    assert heard.is_exact, heard
    assert heard_after.is_exact, heard_after
    # They were spread over both.
    assert 0 < seen["lost"] < SUBSCRIBERS


@asynccontextmanager
async def running(*servers: TracksideServer) -> AsyncIterator[House]:
    """A house behind these servers, which are ended with the block."""
    try:
        for server in servers:
            await asyncio.to_thread(server.start)
        yield await a_house(*servers)
    finally:
        for server in servers:
            await asyncio.to_thread(server.stop)


async def until_listening(*servers: TracksideServer, is_listening: bool = True) -> None:
    """Returns when all of them say so of their doorbells."""
    said = f"trackside_doorbell_listening {float(is_listening)}"
    async with asyncio.timeout(2 * SOON), httpx.AsyncClient(timeout=SOON) as client:
        for server in servers:
            while said not in (await client.get(f"{server.url}/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # Another process tells only what it is asked.


async def rung(partner: Partner, subscriber: Subscriber) -> float:
    """For how long in all, after each of RINGS acknowledgements, it was told nothing."""
    loop = asyncio.get_running_loop()
    waited = 0.0
    for _ in range(RINGS):
        await partner.write(1)
        begun = loop.time()
        await until_had(subscriber, truth.deliveries(await truth.rows_of(partner.house)))
        waited += loop.time() - begun
    return waited


def workers_of(server: TracksideServer) -> Sequence[int]:
    """Not Python's own helper, which the first of them started."""
    told_by = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children(server.pid)}
    return [pid for pid, command in told_by.items() if "resource_tracker" not in command]
