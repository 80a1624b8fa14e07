"""graphql-transport-ws: what the protocol says, and what bad clients do."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.routing import WebSocketRoute
from websockets.exceptions import InvalidStatus

from server.graphql_ws import OPERATIONS_AT_MOST, GraphQLSocket
from server.graphql_ws_messages import FRAME_AT_MOST
from server.services import Services
from tests.server.serving import (
    Serving,
    Socket,
    a_server,
    settings_for,
    with_routes,
)
from tests.server.small_schema import Spy, small_schema
from tests.support.waiting import soon

COUNT = "subscription Count($to: Int!) { count(to: $to) { number } }"
TICKS = "subscription Ticks($size: Int! = 1) { ticks(size: $size) { number text } }"


@pytest.fixture
async def socket(serving: Serving) -> AsyncIterator[Socket]:
    async with serving.socket() as socket:
        yield socket


def code(message: Any) -> str:
    assert message["type"] == "error"
    return str(message["payload"][0]["extensions"]["code"])


async def test_a_subscription_yields_its_events_and_completes(socket: Socket) -> None:
    await socket.subscribe("a", COUNT, to=2)

    assert [await socket.receive() for _ in range(3)] == [
        {"id": "a", "type": "next", "payload": {"data": {"count": {"number": 1}}}},
        {"id": "a", "type": "next", "payload": {"data": {"count": {"number": 2}}}},
        {"id": "a", "type": "complete"},
    ]


async def test_an_id_may_be_used_again_after_it_completed(socket: Socket) -> None:
    for _ in range(3):
        await socket.subscribe("a", COUNT, to=1)

        assert (await socket.receive())["type"] == "next"
        assert await socket.receive() == {"id": "a", "type": "complete"}


@pytest.mark.parametrize("query", ["{ workspace }", "mutation { bump }"])
async def test_queries_and_mutations_work_too(socket: Socket, query: str) -> None:
    await socket.subscribe("a", query)

    assert (await socket.receive())["type"] == "next"
    assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_operations_of_one_connection_run_side_by_side(socket: Socket, spy: Spy) -> None:
    await socket.subscribe("slow", "{ wait }")
    await soon(spy.began)
    await socket.subscribe("quick", "{ workspace }")

    first = await socket.receive()
    spy.go_on.set()

    assert first == {"id": "quick", "type": "next", "payload": {"data": {"workspace": "acme"}}}
    rest = [await socket.receive() for _ in range(3)]
    assert {"id": "slow", "type": "next", "payload": {"data": {"wait": 1}}} in rest


async def test_every_event_has_a_context_of_its_own(socket: Socket, spy: Spy) -> None:
    await socket.subscribe("a", "subscription { count(to: 3) { context } }")

    for _ in range(4):
        await socket.receive()

    assert len(spy.contexts) == 3


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (COUNT, {}, "BAD_USER_INPUT"),
        (COUNT, {"to": "x"}, "BAD_USER_INPUT"),
        ("subscription { refuses }", {}, "BAD_USER_INPUT"),
        ("query A { workspace } query B { workspace }", {}, "BAD_USER_INPUT"),
    ],
)
async def test_a_mistake_ends_its_operation_and_leaves_its_neighbours_alone(
    socket: Socket, spy: Spy, query: str, variables: dict[str, Any], expected: str
) -> None:
    await socket.subscribe("neighbour", "subscription { silence }")
    await soon(spy.began)

    await socket.subscribe("a", query, **variables)

    refused = await socket.receive()
    assert (refused["id"], code(refused)) == ("a", expected)
    spy.go_on.set()
    assert await socket.receive() == {
        "id": "neighbour",
        "type": "next",
        "payload": {"data": {"silence": 1}},
    }


async def test_a_source_that_breaks_shows_an_id_and_nothing_else(socket: Socket) -> None:
    await socket.subscribe("a", "subscription { breaks }")

    assert (await socket.receive())["payload"] == {"data": {"breaks": 1}}
    refused = await socket.receive()
    assert code(refused) == "INTERNAL_SERVER_ERROR"
    assert "swordfish" not in str(refused)


async def test_a_failing_field_of_a_query_is_data_with_errors(socket: Socket) -> None:
    await socket.subscribe("a", "{ workspace fail }")

    payload = (await socket.receive())["payload"]
    assert payload["data"] == {"workspace": "acme", "fail": None}
    assert payload["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_complete_ends_a_subscription_and_its_source(socket: Socket, spy: Spy) -> None:
    await socket.subscribe("a", TICKS)
    await socket.receive()

    await socket.send({"id": "a", "type": "complete"})

    await soon(spy.ended)
    await socket.send({"type": "ping"})
    while (message := await socket.receive())["type"] == "next":
        pass
    assert message == {"type": "pong"}


async def test_complete_of_an_unknown_operation_is_passed_over(socket: Socket) -> None:
    await socket.send({"id": "nobody", "type": "complete"})

    await socket.send({"type": "ping"})
    assert await socket.receive() == {"type": "pong"}


async def test_a_client_that_leaves_ends_its_sources(serving: Serving, spy: Spy) -> None:
    async with serving.socket() as socket:
        await socket.subscribe("a", "subscription { silence }")
        await soon(spy.began)

    await soon(spy.ended)


async def test_a_mutation_is_finished_for_a_client_that_left(serving: Serving, spy: Spy) -> None:
    async with serving.socket() as socket:
        await socket.subscribe("a", "mutation { bump(patiently: true) }")
        await soon(spy.began)
        await socket.send({"id": "a", "type": "complete"})

    spy.go_on.set()

    await soon(spy.ended)
    assert spy.bumps == 1


async def test_a_slow_client_is_not_queued_for(serving: Serving, spy: Spy) -> None:
    async with serving.raw_socket(max_queue=1, close_timeout=0.1) as socket:
        await socket.send({"type": "connection_init", "payload": {"token": serving.token}})
        await socket.receive()
        await socket.subscribe("a", TICKS, size=100_000)
        await socket.receive()

        await serving.until_the_buffers_are_full(spy)

        assert spy.ticks < 200
        taken = [(await socket.receive())["payload"]["data"]["ticks"]["number"] for _ in range(100)]
        assert taken == list(range(2, 102))


async def test_ping_is_answered_with_its_payload(socket: Socket) -> None:
    await socket.send({"type": "ping", "payload": {"at": 7}})

    assert await socket.receive() == {"type": "pong", "payload": {"at": 7}}


async def test_ping_is_answered_before_connection_init(serving: Serving) -> None:
    async with serving.raw_socket() as socket:
        await socket.send({"type": "ping"})

        assert await socket.receive() == {"type": "pong"}


async def test_pong_is_taken(socket: Socket) -> None:
    await socket.send({"type": "pong"})

    await socket.send({"type": "ping"})
    assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("key", ["Authorization", "authorization", "token"])
async def test_the_token_comes_in_the_payload(serving: Serving, key: str) -> None:
    value = serving.token if key == "token" else f"Bearer {serving.token}"
    async with serving.raw_socket() as socket:
        await socket.send({"type": "connection_init", "payload": {key: value}})

        assert await socket.receive() == {"type": "connection_ack"}


async def test_the_token_comes_in_the_header(serving: Serving) -> None:
    headers = {"Authorization": f"Bearer {serving.token}"}
    async with serving.raw_socket(additional_headers=headers) as socket:
        await socket.send({"type": "connection_init"})

        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"Authorization": "Bearer ts_1_wrong"},
        {"Authorization": 5},
        {"token": None},
        {"token": "ts_1_wrong"},
    ],
)
async def test_without_a_valid_token_the_socket_closes(
    serving: Serving, payload: dict[str, Any]
) -> None:
    async with serving.raw_socket() as socket:
        await socket.send({"type": "connection_init", "payload": payload})

        code, reason = await socket.until_closed()

    assert code == 4401
    assert reason is not None
    assert reason.startswith("Unauthorized")


async def test_subscribing_before_connection_init_closes(serving: Serving) -> None:
    async with serving.raw_socket() as socket:
        await socket.subscribe("a", COUNT, to=1)

        assert (await socket.until_closed())[0] == 4401


async def test_a_client_that_says_nothing_is_closed(sqlite_url: str, spy: Spy) -> None:
    def routes(services: Services) -> list[WebSocketRoute]:
        return [WebSocketRoute("/graphql", GraphQLSocket(services, init_timeout=0.05).handle)]

    async with (
        a_server(settings_for(sqlite_url), small_schema(spy), with_routes(routes)) as serving,
        serving.raw_socket() as socket,
    ):
        assert (await socket.until_closed())[0] == 4408


async def test_a_second_connection_init_closes(socket: Socket) -> None:
    await socket.send({"type": "connection_init", "payload": {}})

    assert (await socket.until_closed())[0] == 4429


async def test_an_id_in_use_closes(socket: Socket) -> None:
    await socket.subscribe("a", "subscription { silence }")
    await socket.subscribe("a", "subscription { silence }")

    assert await socket.until_closed() == (4409, "Subscriber for a already exists")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '"text"',
        "true",
        "{}",
        '{"type": null}',
        '{"type": 5}',
        '{"type": "start"}',
        '{"type": "next", "id": "a"}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "ping", "payload": "x"}',
        '{"type": "pong", "payload": 1}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ workspace }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ workspace }"}}',
        '{"type": "subscribe", "id": "a"}',
        '{"type": "subscribe", "id": "a", "payload": "{ workspace }"}',
        '{"type": "subscribe", "id": "a", "payload": []}',
        '{"type": "subscribe", "id": "a", "payload": {}}',
        '{"type": "subscribe", "id": "a", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "a", "payload": {"query": "{ workspace }", "variables": 1}}',
        '{"type": "complete"}',
        '{"type": "complete", "id": []}',
        '{"type": "' + "é" * 300 + '"}',
    ],
)
async def test_what_is_no_message_closes_with_a_reason(socket: Socket, frame: str) -> None:
    await socket.send(frame)

    code, reason = await socket.until_closed()
    assert code == 4400
    assert reason


async def test_a_binary_frame_closes_with_a_reason(socket: Socket) -> None:
    await socket.connection.send(b'{"type": "ping"}')

    assert await socket.until_closed() == (4400, "Binary frames are not of this protocol")


async def test_a_frame_beyond_the_limit_closes(socket: Socket) -> None:
    await socket.connection.send("x" * (FRAME_AT_MOST + 1))

    assert (await socket.until_closed())[0] == 1009


async def test_more_operations_than_allowed_are_refused_one_by_one(
    socket: Socket, spy: Spy
) -> None:
    for number in range(OPERATIONS_AT_MOST):
        await socket.subscribe(f"op{number}", "subscription { silence }")

    await socket.subscribe("one-more", "subscription { silence }")

    refused = await socket.receive()
    assert (refused["id"], code(refused)) == ("one-more", "TOO_MANY_OPERATIONS")
    await socket.send({"id": "op0", "type": "complete"})
    await socket.subscribe("one-more", COUNT, to=1)
    assert (await socket.receive())["id"] == "one-more"


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"]])
async def test_another_sub_protocol_is_refused(
    serving: Serving, subprotocols: list[str] | None
) -> None:
    async with serving.raw_socket(subprotocols=subprotocols) as socket:
        code, reason = await socket.until_closed()

    assert (code, reason) == (4406, "Ask for the sub-protocol graphql-transport-ws")


async def test_a_page_of_this_server_may_connect(serving: Serving) -> None:
    async with serving.raw_socket(origin=serving.url) as socket:
        await socket.send({"type": "ping"})

        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://["]
)
async def test_a_page_of_another_origin_may_not(serving: Serving, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with serving.raw_socket(origin=origin):
            pass

    assert refused.value.response.status_code == 403


async def test_a_page_of_a_listed_origin_may_connect(sqlite_url: str, spy: Spy) -> None:
    settings = settings_for(sqlite_url, allowed_origins=frozenset(["https://app.example"]))
    async with (
        a_server(settings, small_schema(spy)) as serving,
        serving.raw_socket(origin="https://app.example") as socket,
    ):
        await socket.send({"type": "ping"})

        assert await socket.receive() == {"type": "pong"}


async def test_a_server_that_ends_says_that_it_restarts(sqlite_url: str, spy: Spy) -> None:
    async with a_server(settings_for(sqlite_url), small_schema(spy)) as serving:
        async with serving.socket() as socket:
            await socket.subscribe("a", "subscription { silence }")
            await soon(spy.began)

            serving.server.end()

            assert (await socket.until_closed())[0] == 1012
        await soon(spy.ended)


async def test_memory_does_not_grow_with_the_number_of_events(serving: Serving, spy: Spy) -> None:
    """Of graphql-core 3.3.2's own subscription loop about 1 KB an event stayed behind."""
    async with serving.socket() as socket:
        await socket.subscribe("a", TICKS)
        for _ in range(500):
            await socket.receive()
        gc.collect()
        before = len(gc.get_objects())

        for _ in range(6_000):
            await socket.receive()

        gc.collect()
        assert len(gc.get_objects()) - before < 3_000
