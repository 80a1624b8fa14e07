"""graphql-sse: what the protocol says, and what bad clients do."""

import gc
from typing import Any

import httpx
import pytest
from playwright.async_api import Page
from starlette.routing import Route

from server.graphql_http import GraphQLHttp
from server.services import Services
from store.words import Scope
from tests.server.events import EVENT_STREAM, Event, Events, listening
from tests.server.serving import Serving, a_server, a_token, settings_for, with_routes
from tests.server.small_schema import Spy, small_schema
from tests.support.waiting import SOON, soon

COUNT = "subscription Count($to: Int!) { count(to: $to) { number } }"
TICKS = "subscription Ticks($size: Int! = 1) { ticks(size: $size) { number text } }"
SILENCE = "subscription { silence }"
COMPLETE = Event("complete", "")


def code(event: Event) -> str:
    assert event.kind == "next"
    return str(event.data["errors"][0]["extensions"]["code"])


async def get(serving: Serving, token: str | None = None, /, **params: str) -> httpx.Response:
    """As EventSource does it: nothing but an address, and what it accepts."""
    async with httpx.AsyncClient(base_url=serving.url, timeout=SOON, verify=False) as client:  # noqa: S501
        address = {**params, **({"token": token} if token else {})}
        return await client.get("/graphql", params=address, headers={"Accept": EVENT_STREAM})


async def test_a_subscription_yields_its_events_and_completes(serving: Serving) -> None:
    async with listening(serving, COUNT, {"to": 2}) as events:
        said = await events.rest()

    assert said == [
        Event("next", {"data": {"count": {"number": 1}}}),
        Event("next", {"data": {"count": {"number": 2}}}),
        COMPLETE,
    ]


async def test_a_stream_is_neither_kept_nor_held_back_on_its_way(serving: Serving) -> None:
    async with listening(serving, SILENCE) as events:
        hint = await events.next_block()
        headers = events.response.headers

    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert hint.retry_ms is not None
    assert 1_000 <= hint.retry_ms <= 3_000


@pytest.mark.parametrize(
    ("query", "data"),
    [("{ workspace }", {"workspace": "acme"}), ("mutation { bump }", {"bump": 1})],
)
async def test_queries_and_mutations_work_too(
    serving: Serving, query: str, data: dict[str, Any]
) -> None:
    async with listening(serving, query) as events:
        assert await events.rest() == [Event("next", {"data": data}), COMPLETE]


async def test_every_event_has_a_context_of_its_own(serving: Serving, spy: Spy) -> None:
    async with listening(serving, "subscription { count(to: 3) { context } }") as events:
        await events.rest()

    assert len(spy.contexts) == 3


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (COUNT, {}, "BAD_USER_INPUT"),
        (COUNT, {"to": "x"}, "BAD_USER_INPUT"),
        ("query Q($n: Int!) { echo(n: $n) }", {}, "BAD_USER_INPUT"),
        ("subscription { refuses }", {}, "BAD_USER_INPUT"),
        ("query A { workspace } query B { workspace }", {}, "BAD_USER_INPUT"),
    ],
)
async def test_a_mistake_is_said_by_the_stream(
    serving: Serving, query: str, variables: dict[str, Any], expected: str
) -> None:
    async with listening(serving, query, variables) as events:
        refused, *rest = await events.rest()

    assert events.response.status_code == 200
    assert (code(refused), rest) == (expected, [COMPLETE])


async def test_a_source_that_breaks_shows_an_id_and_nothing_else(serving: Serving) -> None:
    async with listening(serving, "subscription { breaks }") as events:
        first, broken, *rest = await events.rest()

    assert first.data == {"data": {"breaks": 1}}
    assert (code(broken), rest) == ("INTERNAL_SERVER_ERROR", [COMPLETE])
    assert "swordfish" not in str(broken)


async def test_a_failing_field_is_data_with_errors(serving: Serving) -> None:
    async with listening(serving, "{ workspace fail }") as events:
        answer = await events.next()

    assert answer.data["data"] == {"workspace": "acme", "fail": None}
    assert code(answer) == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'{"query": 5}', b"\xff"])
async def test_what_is_no_request_is_400(serving: Serving, body: bytes) -> None:
    async with serving.client() as client:
        answer = await client.post(
            "/graphql",
            content=body,
            headers={"Accept": EVENT_STREAM, "Content-Type": "application/json"},
        )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("text/event-stream, */*", True),
        ("application/json;q=0.5, text/event-stream", True),
        ("application/json, text/event-stream", False),
        ("application/json, text/event-stream;q=0.5", False),
        ("text/event-stream;q=0", False),
        ("*/*", False),
    ],
)
async def test_a_query_is_a_stream_for_who_prefers_one(
    serving: Serving, accept: str, is_stream: bool
) -> None:
    async with listening(serving, "{ workspace }", Accept=accept) as events:
        answer = events.response

    assert answer.headers["content-type"].startswith(EVENT_STREAM) is is_stream


async def test_a_subscription_is_a_stream_for_who_takes_one_at_all(serving: Serving) -> None:
    accept = "application/graphql-response+json, application/json, text/event-stream"

    async with listening(serving, COUNT, {"to": 1}, Accept=accept) as events:
        said = await events.rest()

    assert said == [Event("next", {"data": {"count": {"number": 1}}}), COMPLETE]


async def test_a_client_that_leaves_ends_its_source(serving: Serving, spy: Spy) -> None:
    async with listening(serving, SILENCE):
        await soon(spy.began)

    await soon(spy.ended)


async def test_a_slow_client_is_not_queued_for(serving: Serving, spy: Spy) -> None:
    async with listening(serving, TICKS, {"size": 100_000}) as events:
        await events.next()

        await serving.until_the_buffers_are_full(spy)

        assert spy.ticks < 200
        taken = [(await events.next()).data["data"]["ticks"]["number"] for _ in range(100)]
        assert taken == list(range(2, 102))


async def test_a_quiet_stream_shows_that_it_lives(sqlite_url: str, spy: Spy) -> None:
    def routes(services: Services) -> list[Route]:
        return [Route("/graphql", GraphQLHttp(services, keep_alive=0.01).handle, methods=["POST"])]

    async with (
        a_server(settings_for(sqlite_url), small_schema(spy), with_routes(routes)) as serving,
        listening(serving, SILENCE) as events,
    ):
        await events.next_block()
        comments = [await events.next_block() for _ in range(3)]
        spy.go_on.set()
        said = await events.rest()

    assert comments == [Event(None)] * 3
    assert said == [Event("next", {"data": {"silence": 1}}), COMPLETE]


async def test_the_token_may_stand_in_the_address_when_it_only_reads(serving: Serving) -> None:
    reads, _ = await a_token(serving.services, serving.workspace_id, (Scope.READ,))

    answer = await get(serving, reads, query=COUNT, variables='{"to": 1}', operationName="Count")

    assert answer.status_code == 200
    assert 'data: {"data":{"count":{"number":1}}}\n\nevent: complete\ndata:\n\n' in answer.text


@pytest.mark.parametrize("scopes", [(Scope.READ, Scope.OPERATE), (Scope.ADMIN,), (Scope.OPERATE,)])
async def test_a_token_that_may_do_more_stays_out_of_the_address(
    serving: Serving, scopes: tuple[Scope, ...]
) -> None:
    token, _ = await a_token(serving.services, serving.workspace_id, scopes)

    answer = await get(serving, token, query=SILENCE)

    assert answer.status_code == 403
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert token not in answer.text


async def test_a_token_in_the_address_is_for_streams_that_are_got(serving: Serving) -> None:
    reads, _ = await a_token(serving.services, serving.workspace_id, (Scope.READ,))
    async with httpx.AsyncClient(base_url=serving.url, timeout=SOON) as client:
        got = await client.get("/graphql", params={"query": "{ workspace }", "token": reads})
        posted = await client.post(
            f"/graphql?token={reads}",
            json={"query": "{ workspace }"},
            headers={"Accept": EVENT_STREAM},
        )

    assert (got.status_code, posted.status_code) == (401, 401)


@pytest.mark.parametrize("token", [None, "ts_1_wrong", ""])
async def test_without_a_valid_token_nothing_is_streamed(
    serving: Serving, token: str | None
) -> None:
    answer = await get(serving, token, query=SILENCE)

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_mutation_by_get_is_refused(serving: Serving, spy: Spy) -> None:
    reads, _ = await a_token(serving.services, serving.workspace_id, (Scope.READ,))

    answer = await get(serving, reads, query="mutation { bump }")

    assert (answer.status_code, answer.headers["allow"], spy.bumps) == (405, "POST", 0)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
@pytest.mark.parametrize("accept", [EVENT_STREAM, f"application/json, {EVENT_STREAM}"])
async def test_a_page_of_another_origin_may_not_listen(
    serving: Serving, spy: Spy, origin: str, accept: str
) -> None:
    async with listening(serving, SILENCE, Origin=origin, Accept=accept) as events:
        body = await events.response.aread()

    assert events.response.status_code == 403
    assert b"TRACKSIDE_ALLOWED_ORIGINS" in body
    assert not spy.began.is_set()


async def test_a_page_of_a_listed_origin_may_listen(sqlite_url: str, spy: Spy) -> None:
    origin = "https://app.example"
    settings = settings_for(sqlite_url, allowed_origins=frozenset([origin]))
    async with a_server(settings, small_schema(spy)) as serving:
        async with serving.client() as client:
            asked = await client.options(
                "/graphql",
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization,last-event-id",
                },
            )
        async with listening(serving, COUNT, {"to": 1}, Origin=origin) as events:
            said = await events.rest()

    assert asked.status_code == 200
    assert events.response.headers["access-control-allow-origin"] == origin
    assert said[-1] == COMPLETE


async def test_streams_are_counted_while_they_last(serving: Serving, spy: Spy) -> None:
    async with serving.client() as client:
        async with listening(serving, COUNT, {"to": 2}) as events:
            await events.rest()
        async with listening(serving, SILENCE):
            await soon(spy.began)
            during = (await client.get("/metrics")).text
        await soon(spy.ended)
        after = (await client.get("/metrics")).text

    assert "trackside_event_streams 1.0" in during
    assert "trackside_subscriptions 1.0" in during
    assert "trackside_subscription_batches_total 2.0" in during
    assert "trackside_event_streams 0.0" in after


async def test_a_browser_listens_by_its_own_event_source(serving: Serving, page: Page) -> None:
    reads, _ = await a_token(serving.services, serving.workspace_id, (Scope.READ,))
    await page.goto(f"{serving.url}/graphiql/")

    heard = await page.evaluate(
        """([query, token]) => new Promise((resolve, reject) => {
            const heard = [];
            const address = new URLSearchParams({ query, token });
            const source = new EventSource(`/graphql?${address}`);
            source.addEventListener("next", ({ data }) => heard.push(JSON.parse(data)));
            source.addEventListener("complete", () => { source.close(); resolve(heard); });
            source.onerror = () => reject(new Error("the stream broke off"));
        })""",
        ["subscription { count(to: 2) { number } }", reads],
    )

    assert heard == [{"data": {"count": {"number": number}}} for number in (1, 2)]


async def test_memory_does_not_grow_with_the_number_of_events(serving: Serving) -> None:
    async with listening(serving, TICKS) as events:
        await taken(events, 500)
        gc.collect()
        before = len(gc.get_objects())

        await taken(events, 6_000)

        gc.collect()
        assert len(gc.get_objects()) - before < 3_000


async def taken(events: Events, count: int) -> None:
    for _ in range(count):
        await events.next()
