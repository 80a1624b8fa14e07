"""The addresses beside the API: health, figures, the screen and the editor."""

import asyncio

import httpx
import pytest
from playwright.async_api import Page, expect
from prometheus_client.parser import text_string_to_metric_families

from store import workspaces
from tests.server.serving import NOW, Serving, a_server, settings_for
from tests.server.small_schema import Spy
from tests.support.postgres import PostgresServer
from tests.support.waiting import SOON


async def get(serving: Serving, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=serving.url, timeout=SOON) as client:
        return await client.get(path, headers=headers, follow_redirects=True)


async def figures(serving: Serving) -> dict[tuple[str, ...], float]:
    """Each figure by its name and the values of its labels."""
    answer = await get(serving, "/metrics")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_server_is_alive_and_ready(database_url: str) -> None:
    async with a_server(settings_for(database_url)) as serving:
        live, ready = await get(serving, "/livez"), await get(serving, "/readyz")

    assert (live.status_code, live.json()) == (200, {"alive": True})
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "database": True, "migrations": True}


async def test_a_server_whose_database_is_gone_lives_and_is_not_ready(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with a_server(settings_for(postgres_url)) as serving:
        postgres_server.stop()
        live, ready = await get(serving, "/livez"), await get(serving, "/readyz")
        answer = await serving.ask("{ viewer { workspace } }")
        metrics = await get(serving, "/metrics")
        postgres_server.start()
        again = await get(serving, "/readyz")

    assert (live.status_code, ready.status_code, again.status_code) == (200, 503, 200)
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert metrics.status_code == 200


async def test_a_database_of_another_version_is_not_ready(database_url: str) -> None:
    async with a_server(settings_for(database_url)) as serving:
        async with serving.services.database.write() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")

        ready = await get(serving, "/readyz")

    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "database": True, "migrations": False}


async def test_operations_and_answers_are_counted(serving: Serving) -> None:
    for query in ("{ workspace }", "{ workspace }", "{ fail }", "mutation { bump }", "{"):
        await serving.ask(query)
    await get(serving, "/no/such/page")

    counted = await figures(serving)

    assert counted["trackside_operations_total", "query", "ok"] == 2
    assert counted["trackside_operations_total", "query", "errors"] == 1
    assert counted["trackside_operations_total", "mutation", "ok"] == 1
    assert counted["trackside_operations_total", "any", "refused"] == 1
    assert counted["trackside_http_requests_total", "graphql", "200"] == 4
    assert counted["trackside_http_requests_total", "screen", "404"] == 1


async def test_sockets_and_subscriptions_are_counted_while_they_last(
    serving: Serving, spy: Spy
) -> None:
    async with serving.socket() as socket:
        await socket.subscribe("a", "subscription { count(to: 1) { number } }")
        await socket.receive()
        await socket.receive()
        await socket.subscribe("b", "subscription { silence }")
        async with asyncio.timeout(SOON):
            await spy.began.wait()
        during = await figures(serving)
    async with asyncio.timeout(SOON):
        await spy.ended.wait()
    after = await figures(serving)

    assert (during["trackside_sockets",], during["trackside_subscriptions",]) == (1, 1)
    assert during["trackside_subscription_batches_total",] == 1
    assert after["trackside_subscriptions",] == 0


async def test_the_head_of_every_log_is_told_without_a_name(serving: Serving) -> None:
    async with serving.services.database.write() as connection:
        await workspaces.create(connection, "a secret customer", NOW)

    text = (await get(serving, "/metrics")).text

    assert 'trackside_log_head{workspace="1"} 0.0' in text
    assert 'trackside_log_head{workspace="2"} 0.0' in text
    assert "secret" not in text


@pytest.mark.parametrize("path", ["/", "/app.js", "/graphiql/", "/graphiql/graphiql.js", "/livez"])
async def test_pages_load_and_run_nothing_but_our_files(serving: Serving, path: str) -> None:
    answer = await get(serving, path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/%2e%2e/pyproject.toml", "/..%2fpyproject.toml", "/var/secret.key"],
)
async def test_no_other_file_is_served(serving: Serving, path: str) -> None:
    assert (await get(serving, path)).status_code == 404


async def test_other_origins_may_ask_only_when_they_are_listed(sqlite_url: str) -> None:
    settings = settings_for(sqlite_url, allowed_origins=frozenset(["https://app.example"]))
    async with a_server(settings) as serving:
        listed = await get(serving, "/graphql", Origin="https://app.example")
        other = await get(serving, "/graphql", Origin="https://evil.example")

    assert listed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in other.headers


async def test_the_editor_asks_and_follows(serving: Serving, page: Page) -> None:
    await page.goto(f"{serving.url}/graphiql")
    await page.fill("#token", serving.token)
    await page.fill("#query", "query Q($n: Int!) { echo(n: $n) }")
    await page.fill("#variables", '{"n": 7, "to": 2}')
    await page.click("text=Run")
    await expect(page.locator("#answer")).to_contain_text('"echo": 7')

    await page.fill("#query", "# live\nsubscription S($to: Int!) { count(to: $to) { number } }")
    await page.press("#query", "Control+Enter")
    await expect(page.locator("#answer")).to_contain_text('"number": 2')

    await expect(page.locator("#answer")).to_contain_text('"number": 1')
    await expect(page.locator("#status")).to_have_text("Complete.")
