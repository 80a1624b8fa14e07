"""The end of a server: every client is told to come back, and not all in the same moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from server import closing
from server.graphql_ws import PROTOCOL
from tests.server.events import EVENT_STREAM, Events
from tests.server.serving import Socket, a_server, settings_for
from tests.server.small_schema import Spy, small_schema
from tests.support.trackside import Trackside, TracksideServer
from tests.support.waiting import SOON, soon

FOLLOW = "subscription { communicationEvents { cursor } }"
SOCKETS = 40
STREAMS = 5


@pytest.fixture(params=["one process", "two workers"])
async def trackside(request: pytest.FixtureRequest) -> AsyncIterator[Trackside]:
    if request.param == "one process":
        server = TracksideServer(request.getfixturevalue("sqlite_url"))
    else:
        server = TracksideServer(
            request.getfixturevalue("postgres_url"),
            broadcast_url=request.getfixturevalue("valkey_url"),
            workers=2,
        )
    await asyncio.to_thread(server.start)
    yield await server.a_workspace()
    await asyncio.to_thread(server.stop)


async def a_socket(trackside: Trackside, ending: AsyncExitStack) -> Socket:
    address = trackside.url.replace("http", "ws", 1) + "/graphql"
    connecting = connect(address, subprotocols=[Subprotocol(PROTOCOL)], proxy=None)
    return Socket(await ending.enter_async_context(connecting))


async def a_subscriber(trackside: Trackside, ending: AsyncExitStack) -> Socket:
    socket = await a_socket(trackside, ending)
    await socket.send({"type": "connection_init", "payload": {"token": trackside.token}})
    await socket.receive()
    await socket.subscribe("a", FOLLOW)
    assert (await socket.receive())["type"] == "next"
    return socket


async def a_stream(trackside: Trackside, ending: AsyncExitStack) -> Events:
    client = await ending.enter_async_context(httpx.AsyncClient(timeout=SOON))
    response = await ending.enter_async_context(
        client.stream(
            "POST",
            f"{trackside.url}/graphql",
            json={"query": FOLLOW},
            headers={"Accept": EVENT_STREAM, "Authorization": f"Bearer {trackside.token}"},
        )
    )
    events = Events(response)
    assert (await events.next()).kind == "next"
    return events


async def test_sigterm_tells_every_client_to_come_back(trackside: Trackside) -> None:
    async with AsyncExitStack() as ending:
        sockets = [await a_subscriber(trackside, ending) for _ in range(SOCKETS)]
        sockets += [await a_socket(trackside, ending) for _ in range(SOCKETS)]
        streams = [await a_stream(trackside, ending) for _ in range(STREAMS)]

        stopping = asyncio.create_task(asyncio.to_thread(trackside.server.stop))
        closed = [await socket.until_closed() for socket in sockets]
        last_words = [[block async for block in stream.blocks()] for stream in streams]
        await stopping

    assert closed == [(1012, "Service Restart")] * 2 * SOCKETS
    for blocks in last_words:
        assert [block.kind for block in blocks] == [None]
        assert blocks[0].retry_ms is not None


async def test_a_client_that_does_not_read_is_told_when_it_reads_on(
    sqlite_url: str, spy: Spy
) -> None:
    async with (
        a_server(settings_for(sqlite_url), small_schema(spy)) as serving,
        serving.raw_socket(max_queue=1) as socket,
    ):
        await socket.send({"type": "connection_init", "payload": {"token": serving.token}})
        await socket.receive()
        await socket.subscribe("a", "subscription { ticks(size: 100000) { number text } }")
        await socket.receive()

        serving.server.end()
        await soon(spy.ended)

        with pytest.raises(ConnectionClosedError, match="1012"):
            await never_ending(socket)


async def never_ending(socket: Socket) -> None:
    while True:
        await socket.receive()


async def test_a_mutation_that_began_is_finished(sqlite_url: str, spy: Spy) -> None:
    async with a_server(settings_for(sqlite_url), small_schema(spy)) as serving:
        async with serving.socket() as socket:
            await socket.subscribe("a", "mutation { bump(patiently: true) }")
            await soon(spy.began)

            serving.server.end()
            code, _ = await socket.until_closed()
        spy.go_on.set()

    assert (code, spy.bumps) == (1012, 1)


@given(st.integers(1, 100_000))
def test_thousands_are_ended_within_seconds_and_few_at_once(streams: int) -> None:
    delay = closing.delay(streams)

    assert 0 <= delay <= min(streams / 500, 5)
