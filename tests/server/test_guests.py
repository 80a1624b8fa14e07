"""Guests: connections end with their token, have a number, and wait for nobody."""

import pytest
from websockets.exceptions import ConnectionClosedError

from store import tokens
from store.types import SECOND, Id
from store.words import Scope
from tests.server.events import Event, listening
from tests.server.serving import Serving, Socket, a_server, a_token, settings_for, with_guests
from tests.server.small_schema import Spy, small_schema
from tests.support.postgres import PostgresServer
from tests.support.waiting import soon

COUNT = "subscription Count($to: Int!) { count(to: $to) { number } }"
TICKS = "subscription Ticks($size: Int! = 1) { ticks(size: $size) { number text } }"
SILENCE = "subscription { silence }"
COMPLETE = Event("complete", "")


async def test_a_token_that_is_revoked_ends_its_sockets_quiet_as_they_are(
    database_url: str, spy: Spy
) -> None:
    async with a_server(
        settings_for(database_url), small_schema(spy), with_guests(checked_every=0.05)
    ) as serving:
        token, token_id = await a_token(serving.services, serving.workspace_id, (Scope.READ,))
        async with serving.socket(token) as socket, serving.socket() as neighbour:
            await socket.subscribe("a", "subscription { silence }")
            await soon(spy.began)

            await revoke(serving, token_id)

            assert await socket.until_closed() == (4403, "Forbidden: the token was revoked")
            await soon(spy.ended)
            await neighbour.send({"type": "ping"})
            assert await neighbour.receive() == {"type": "pong"}
        async with serving.raw_socket() as again:
            await again.send({"type": "connection_init", "payload": {"token": token}})
            assert (await again.until_closed())[0] == 4401


async def test_a_token_that_expires_ends_its_sockets_at_that_moment(
    sqlite_url: str, spy: Spy
) -> None:
    async with a_server(
        settings_for(sqlite_url), small_schema(spy), with_guests(checked_every=3600)
    ) as serving:
        token, _ = await a_token(
            serving.services, serving.workspace_id, expires_at=serving.services.now() + 2 * SECOND
        )
        async with serving.socket(token) as socket:
            await socket.subscribe("a", TICKS)
            await socket.receive()

            with pytest.raises(ConnectionClosedError, match="4403"):
                await never_ending(socket)

    assert socket.connection.close_reason == "Forbidden: the token has expired"
    assert spy.ended.is_set()


async def test_a_token_may_have_so_many_connections(sqlite_url: str, spy: Spy) -> None:
    async with (
        a_server(settings_for(sqlite_url), small_schema(spy), with_guests(at_most=2)) as serving,
        serving.socket(),
    ):
        other, _ = await a_token(serving.services, serving.workspace_id)
        async with serving.socket() as second:
            async with serving.raw_socket() as third:
                await third.send({"type": "connection_init", "payload": {"token": serving.token}})
                code, reason = await third.until_closed()
            async with serving.socket(other):
                pass
            await second.subscribe("a", "subscription { silence }")
            await soon(spy.began)
        await soon(spy.ended)

        async with serving.socket() as again:
            await again.send({"type": "ping"})
            assert await again.receive() == {"type": "pong"}

    assert code == 1013
    assert reason is not None
    assert reason.startswith("Too many connections: this token has 2 open.")


async def test_a_database_that_is_away_is_no_reason_to_stay_away(
    postgres_server: PostgresServer, postgres_url: str, spy: Spy
) -> None:
    async with a_server(settings_for(postgres_url), small_schema(spy)) as serving:
        postgres_server.stop()
        async with serving.raw_socket() as socket:
            await socket.send({"type": "connection_init", "payload": {"token": serving.token}})

            code, reason = await socket.until_closed()
        postgres_server.start()
        async with serving.socket():
            pass

    assert code == 1013
    assert reason is not None
    assert reason.startswith("This failed here")


async def test_a_token_that_is_revoked_ends_its_streams_quiet_as_they_are(
    database_url: str, spy: Spy
) -> None:
    async with a_server(settings_for(database_url), small_schema(spy), with_guests()) as serving:
        token, token_id = await a_token(serving.services, serving.workspace_id)
        async with listening(serving, SILENCE, token=token) as events:
            await soon(spy.began)

            await revoke(serving, token_id)
            refused, *rest = await events.rest()
        async with listening(serving, SILENCE, token=token) as again:
            assert again.response.status_code == 401

    assert (str(refused.data["errors"][0]["extensions"]["code"]), rest) == (
        "UNAUTHENTICATED",
        [COMPLETE],
    )
    assert refused.data["errors"][0]["message"] == "This stream has ended: the token was revoked."
    assert spy.ended.is_set()


async def test_a_token_that_expires_ends_its_streams_at_that_moment(
    sqlite_url: str, spy: Spy
) -> None:
    async with a_server(
        settings_for(sqlite_url), small_schema(spy), with_guests(checked_every=3600)
    ) as serving:
        token, _ = await a_token(
            serving.services, serving.workspace_id, expires_at=serving.services.now() + 2 * SECOND
        )
        async with listening(serving, TICKS, token=token) as events:
            *_, refused, last = await events.rest()

    assert (str(refused.data["errors"][0]["extensions"]["code"]), last) == (
        "UNAUTHENTICATED",
        COMPLETE,
    )
    assert refused.data["errors"][0]["message"] == "This stream has ended: the token has expired."


async def test_a_token_may_have_so_many_streams(sqlite_url: str, spy: Spy) -> None:
    async with a_server(
        settings_for(sqlite_url), small_schema(spy), with_guests(at_most=2)
    ) as serving:
        async with serving.socket(), listening(serving, SILENCE):
            await soon(spy.began)
            async with listening(serving, SILENCE) as third:
                refused = await third.response.aread()
        await soon(spy.ended)

        async with listening(serving, COUNT, {"to": 1}) as again:
            assert (await again.rest())[-1] == COMPLETE

    assert third.response.status_code == 429
    assert third.response.headers["retry-after"] == "5"
    assert b"TOO_MANY_CONNECTIONS" in refused


async def test_a_database_that_is_away_is_told(
    postgres_server: PostgresServer, postgres_url: str, spy: Spy
) -> None:
    async with a_server(settings_for(postgres_url), small_schema(spy)) as serving:
        postgres_server.stop()
        async with listening(serving, SILENCE) as events:
            body = await events.response.aread()
        postgres_server.start()

    assert events.response.status_code == 500
    assert b"INTERNAL_SERVER_ERROR" in body


async def test_a_client_that_does_not_read_is_told_when_it_reads_on(
    sqlite_url: str, spy: Spy
) -> None:
    async with a_server(settings_for(sqlite_url), small_schema(spy), with_guests()) as serving:
        token, token_id = await a_token(serving.services, serving.workspace_id)
        async with serving.raw_socket(max_queue=1) as socket:
            await socket.send({"type": "connection_init", "payload": {"token": token}})
            await socket.receive()
            await socket.subscribe("a", TICKS, size=100_000)
            await serving.until_the_buffers_are_full(spy)

            await revoke(serving, token_id)
            await soon(spy.ended)

            with pytest.raises(ConnectionClosedError, match="4403"):
                await never_ending(socket)


async def test_a_stream_that_nobody_reads_ends_with_its_token(sqlite_url: str, spy: Spy) -> None:
    async with a_server(settings_for(sqlite_url), small_schema(spy), with_guests()) as serving:
        token, token_id = await a_token(serving.services, serving.workspace_id)
        async with listening(serving, TICKS, {"size": 100_000}, token=token):
            await serving.until_the_buffers_are_full(spy)

            await revoke(serving, token_id)

            await soon(spy.ended)


async def revoke(serving: Serving, token_id: Id) -> None:
    async with serving.services.database.write() as connection:
        await tokens.revoke(connection, serving.workspace_id, token_id, 1)


async def never_ending(socket: Socket) -> None:
    while True:
        await socket.receive()
