"""GraphQL over HTTP: every answer is GraphQL, every error has a code."""

import json
from typing import Any

import httpx
import pytest
import structlog
from graphql import get_introspection_query

from server.graphql_http import BODY_AT_MOST
from store import tokens
from store.words import Scope
from tests.server.serving import NOW, Serving, a_token
from tests.server.small_schema import Spy

GRAPHQL_JSON = "application/graphql-response+json"


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def post(serving: Serving, body: bytes | str, **headers: str) -> httpx.Response:
    async with serving.client() as client:
        return await client.post(
            "/graphql", content=body, headers={"Content-Type": "application/json", **headers}
        )


async def test_a_query_is_answered(serving: Serving) -> None:
    answer = await serving.ask("query Q($n: Int!) { workspace echo(n: $n) }", n=7)

    assert answer == {"data": {"workspace": "acme", "echo": 7}}


async def test_every_operation_has_a_context_of_its_own(serving: Serving, spy: Spy) -> None:
    async with serving.client() as client:
        for _ in range(2):
            await client.post("/graphql", json={"query": "{ workspace }"})

    assert len(spy.contexts) == 2


async def test_a_mutation_is_carried_out(serving: Serving, spy: Spy) -> None:
    answer = await serving.ask("mutation { bump }")

    assert (answer, spy.bumps) == ({"data": {"bump": 1}}, 1)


async def test_the_named_one_of_several_operations_runs(serving: Serving) -> None:
    document = "query A { echo(n: 1) } query B { echo(n: 2) }"

    answer = await post(serving, json.dumps({"query": document, "operationName": "B"}))

    assert answer.json() == {"data": {"echo": 2}}


@pytest.mark.parametrize("name", [None, "C"])
async def test_an_operation_that_is_not_there_is_told(serving: Serving, name: str | None) -> None:
    document = "query A { echo(n: 1) } query B { echo(n: 2) }"

    answer = await post(serving, json.dumps({"query": document, "operationName": name}))

    assert (answer.status_code, code(answer.json())) == (400, "BAD_USER_INPUT")
    assert "A, B" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        "5",
        "null",
        "[]",
        '"text"',
        "true",
        "1.5",
        "",
        "{",
        "{'query': 1}",
        "\ud800".encode("utf-8", "surrogatepass"),
        "[" * 100_000,
        '{"query": NaN}',
        "{}",
        '{"query": null}',
        '{"query": 5}',
        '{"query": ""}',
        '{"query": ["{ workspace }"]}',
        '{"query": "{ workspace }", "variables": []}',
        '{"query": "{ workspace }", "variables": "{}"}',
        '{"query": "{ workspace }", "operationName": 5}',
        '{"query": "{ workspace }", "extensions": []}',
        '[{"query": "{ workspace }"}, {"query": "{ workspace }"}]',
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL_JSON, "application/json"])
async def test_what_is_no_graphql_request_is_400_with_a_code(
    serving: Serving, body: str | bytes, accept: str
) -> None:
    answer = await post(serving, body, Accept=accept)

    assert (answer.status_code, code(answer.json())) == (400, "BAD_REQUEST")
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ workspace", {}, "GRAPHQL_PARSE_FAILED"),
        ("\x00", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ('{ echo(n: "1") }', {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(n: 99999999999) }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (f"{{ echo(n: {'9' * 5000}) }}", {}, "GRAPHQL_VALIDATION_FAILED"),
        (f"query Q($n: Int = {'9' * 5000}) {{ echo(n: $n) }}", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($n: Int!) { echo(n: $n) }", {}, "BAD_USER_INPUT"),
        ("query Q($n: Int!) { echo(n: $n) }", {"n": "1"}, "BAD_USER_INPUT"),
        ("query Q($n: Int!) { echo(n: $n) }", {"n": None}, "BAD_USER_INPUT"),
        ("query Q($n: Int!) { echo(n: $n) }", {"n": 2**40}, "BAD_USER_INPUT"),
        ("query Q($c: Choice!) { choose(choice: $c) }", {"c": {}}, "BAD_USER_INPUT"),
        ("query Q($c: Choice!) { choose(choice: $c) }", {"c": {"a": 1, "b": 2}}, "BAD_USER_INPUT"),
        ("query Q($c: Choice!) { choose(choice: $c) }", {"c": {"a": None}}, "BAD_USER_INPUT"),
        ("{ choose(choice: {a: 1, b: 2}) }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_JSON, 400), ("application/json", 200)])
async def test_a_request_that_cannot_run_has_a_code_and_no_data(
    serving: Serving,
    query: str,
    variables: dict[str, Any],
    expected: str,
    accept: str,
    status: int,
) -> None:
    body = json.dumps({"query": query, "variables": variables})

    answer = await post(serving, body, Accept=accept)

    assert (answer.status_code, code(answer.json())) == (status, expected)
    assert "data" not in answer.json()


async def test_an_argument_that_is_null_at_last_is_the_clients_mistake(serving: Serving) -> None:
    answer = await serving.ask("query Q($n: Int = 1) { echo(n: $n) }", n=None)

    assert code(answer) == "BAD_USER_INPUT"


async def test_many_mistakes_are_told_in_part(serving: Serving) -> None:
    answer = await serving.ask("{" + " ".join(f"n{number}" for number in range(200)) + "}")

    assert len(answer["errors"]) == 21


async def test_a_fault_shows_an_id_and_nothing_else(
    serving: Serving,
) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await serving.ask("{ workspace fail }")

    assert answer["data"] == {"workspace": "acme", "fail": None}
    assert code(answer) == "INTERNAL_SERVER_ERROR"
    assert answer["errors"][0]["path"] == ["fail"]
    error_id = answer["errors"][0]["extensions"]["errorId"]
    assert error_id in answer["errors"][0]["message"]
    assert [(line["error_id"], str(line["exc_info"])) for line in logged] == [
        (error_id, "the password is swordfish")
    ]
    assert "swordfish" not in json.dumps(answer)


async def test_a_null_where_none_may_be_is_our_fault(serving: Serving) -> None:
    answer = await serving.ask("{ mustNotBeNull }")

    assert (answer["data"], code(answer)) == (None, "INTERNAL_SERVER_ERROR")


async def test_a_refusal_of_the_schema_keeps_its_code_and_its_words(serving: Serving) -> None:
    answer = await serving.ask("{ refuse }")

    assert (code(answer), answer["errors"][0]["message"]) == ("BAD_USER_INPUT", "-1 is too small.")


async def test_a_missing_scope_is_told(serving: Serving) -> None:
    token, _ = await a_token(serving.services, serving.workspace_id, (Scope.READ,))
    async with serving.client(token) as client:
        answer = (await client.post("/graphql", json={"query": "{ administrate }"})).json()

    assert (answer["data"], code(answer)) == ({"administrate": None}, "FORBIDDEN")
    assert "admin" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Basic YTpi",
        "Bearer ts_1_wrong",
        "Bearer ts_x_y",
        "Bearer ts_99999999999999999999_y",
        "Bearer ts_²_y",
    ],
)
@pytest.mark.parametrize("query", ["{ workspace }", "{ __schema { types { name } } }", "{", ""])
async def test_without_a_valid_token_there_is_no_data(
    serving: Serving, header: str | None, query: str
) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    async with httpx.AsyncClient(base_url=serving.url) as client:
        answer = await client.post("/graphql", json={"query": query}, headers=headers)  # type: ignore[arg-type]

    assert (answer.status_code, code(answer.json())) == (401, "UNAUTHENTICATED")
    assert "data" not in answer.json()
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_token_stops_working(serving: Serving) -> None:
    token, token_id = await a_token(serving.services, serving.workspace_id)
    async with serving.services.database.write() as connection:
        await tokens.revoke(connection, serving.workspace_id, token_id, NOW)

    async with serving.client(token) as client:
        answer = await client.post("/graphql", json={"query": "{ workspace }"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, GRAPHQL_JSON),
        ("*/*", GRAPHQL_JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        ("application/json", "application/json"),
        (f"{GRAPHQL_JSON}; charset=utf-8, application/json; charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", GRAPHQL_JSON),
        ("application/json;q=nonsense", GRAPHQL_JSON),
        ("text/html", GRAPHQL_JSON),
    ],
)
async def test_the_answers_type_is_the_one_asked_for(
    serving: Serving, accept: str | None, expected: str
) -> None:
    async with serving.client() as client:
        if accept is None:
            del client.headers["Accept"]
        else:
            client.headers["Accept"] = accept
        answer = await client.post("/graphql", json={"query": "{ workspace }"})

    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_read(serving: Serving, content_type: str) -> None:
    answer = await post(serving, '{"query": "mutation { bump }"}', **{"Content-Type": content_type})

    assert (answer.status_code, code(answer.json())) == (415, "BAD_REQUEST")


async def test_get_answers_a_query(serving: Serving) -> None:
    async with serving.client() as client:
        answer = await client.get(
            "/graphql",
            params={"query": "query Q($n: Int!) { echo(n: $n) }", "variables": '{"n": 7}'},
        )

    assert answer.json() == {"data": {"echo": 7}}


async def test_get_changes_nothing(serving: Serving, spy: Spy) -> None:
    async with serving.client() as client:
        answer = await client.get("/graphql", params={"query": "mutation { bump }"})

    assert (answer.status_code, answer.headers["allow"], spy.bumps) == (405, "POST", 0)


@pytest.mark.parametrize("params", [{}, {"query": "{ workspace }", "variables": "{"}])
async def test_a_get_that_is_no_request_is_400(serving: Serving, params: dict[str, str]) -> None:
    async with serving.client() as client:
        answer = await client.get("/graphql", params=params)

    assert (answer.status_code, code(answer.json())) == (400, "BAD_REQUEST")


async def test_a_subscription_is_sent_to_the_transports_that_stream(serving: Serving) -> None:
    async with serving.client() as client:
        answer = await client.post(
            "/graphql", json={"query": "subscription { count(to: 1) { number } }"}
        )

    assert (answer.status_code, code(answer.json())) == (400, "BAD_REQUEST")
    for transport in ("graphql-transport-ws", "graphql-sse"):
        assert transport in answer.text


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_beyond_the_limit_is_413(serving: Serving, is_announced: bool) -> None:
    body = b" " * (BODY_AT_MOST + 1)

    async def in_pieces() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with serving.client() as client:
        answer = await client.post(
            "/graphql",
            content=body if is_announced else in_pieces(),
            headers={"Content-Type": "application/json"},
        )

    assert (answer.status_code, code(answer.json())) == (413, "BAD_REQUEST")


async def test_a_body_at_the_limit_is_read(serving: Serving) -> None:
    request = b'{"query": "{ workspace }"}'

    answer = await post(serving, request + b" " * (BODY_AT_MOST - len(request)))

    assert answer.json() == {"data": {"workspace": "acme"}}


async def test_introspection_of_the_usual_tools_fits(serving: Serving) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )

    answer = await serving.ask(query)

    assert "errors" not in answer
