"""Failover: a database that went back to an older copy and was written on is another log. Whoever
had more of the first is told so, and not given the wrong events."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.live import truth
from tests.live.following import following, told, until_had
from tests.live.house import Partner, a_house
from tests.support.postgres import PostgresServer
from tests.support.trackside import TracksideServer
from tests.support.waiting import SOON

pytestmark = pytest.mark.timeout(240)

LOST = 100
"""Events that were committed after the copy was made."""


@pytest.fixture
async def server(
    postgres_server: PostgresServer, postgres_url: str
) -> AsyncIterator[TracksideServer]:
    assert postgres_server.is_running
    server = TracksideServer(postgres_url)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.mark.parametrize("written_on", [LOST, 250])
async def test_a_cursor_of_the_lost_time_is_told_to_be_unknown(
    server: TracksideServer, postgres_server: PostgresServer, written_on: int
) -> None:
    house = await a_house(server)
    await Partner(house, prefix="kept").write(50)
    await asyncio.to_thread(postgres_server.keep_copy)
    await Partner(house, prefix="lost").write(LOST)
    async with following(house, house.start) as subscriber:
        await until_had(subscriber, truth.deliveries(await truth.rows_of(house)))
    await asyncio.to_thread(postgres_server.bring_back_copy)
    await asyncio.to_thread(postgres_server.start)
    await Partner(house, prefix="other").write(written_on)

    async with following(house, subscriber.cursor) as resumed:
        everything = truth.deliveries(await truth.rows_of(house, is_whole=True))
        await until_had(resumed, everything)

    assert resumed.gaps == ["UNKNOWN_EPOCH"]
    assert resumed.had_before_gaps[0].count == 0
    assert resumed.had.digest == everything.digest


async def test_a_cursor_from_before_the_copy_goes_on_without_a_gap(
    server: TracksideServer, postgres_server: PostgresServer
) -> None:
    house = await a_house(server)
    await Partner(house, prefix="kept").write(50)
    await asyncio.to_thread(postgres_server.keep_copy)
    await Partner(house, prefix="lost").write(LOST)
    await asyncio.to_thread(postgres_server.bring_back_copy)
    await asyncio.to_thread(postgres_server.start)
    await Partner(house, prefix="other").write(2 * LOST)

    async with following(house, house.start) as subscriber:
        expected = truth.deliveries(await truth.rows_of(house))
        await until_had(subscriber, expected)

    assert subscriber.gaps == []
    assert subscriber.had.digest == expected.digest


@pytest.mark.parametrize("written_on", [LOST, 250])
async def test_who_is_connected_all_the_time_is_told_as_well(
    server: TracksideServer, postgres_server: PostgresServer, written_on: int
) -> None:
    house = await a_house(server)
    await Partner(house, prefix="kept").write(50)
    await asyncio.to_thread(postgres_server.keep_copy)
    async with following(house, house.start) as subscriber:
        await until_had(subscriber, truth.deliveries(await truth.rows_of(house)))
        await Partner(house, prefix="lost").write(LOST)
        lost = truth.deliveries(await truth.rows_of(house))
        await until_had(subscriber, lost)

        await asyncio.to_thread(postgres_server.bring_back_copy)
        await asyncio.to_thread(postgres_server.start)
        await Partner(house, prefix="other").write(written_on)

        everything = truth.deliveries(await truth.rows_of(house, is_whole=True))
        async with asyncio.timeout(SOON):
            while not subscriber.gaps:
                await told(subscriber)
        await until_had(subscriber, everything)

    assert subscriber.gaps == ["UNKNOWN_EPOCH"]
    assert subscriber.had_before_gaps[0].digest == lost.digest
    assert subscriber.had.digest == everything.digest


async def test_who_came_just_before_is_told_as_well(
    server: TracksideServer, postgres_server: PostgresServer
) -> None:
    house = await a_house(server)
    await asyncio.to_thread(postgres_server.keep_copy)
    await Partner(house, prefix="lost").write(LOST)
    lost = truth.deliveries(await truth.rows_of(house))
    async with following(house, house.start) as subscriber:
        await until_had(subscriber, lost)
        await asyncio.to_thread(postgres_server.bring_back_copy)
        await asyncio.to_thread(postgres_server.start)
        await Partner(house, prefix="other").write(LOST)

        everything = truth.deliveries(await truth.rows_of(house, is_whole=True))
        async with asyncio.timeout(SOON):
            while not subscriber.gaps:
                await told(subscriber)
        await until_had(subscriber, everything)

    assert subscriber.had_before_gaps[0].digest == lost.digest
    assert subscriber.had.digest == everything.digest
