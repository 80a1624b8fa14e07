"""client-examples/frontend, run in a browser as its README says, over a server that dies."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route

from store.words import DeliveryKind, Scope
from tests.client_examples.conftest import Sender
from tests.support.trackside import ROOT, Trackside
from tests.support.waiting import SOON

_FRONTEND = ROOT / "client-examples" / "frontend"
_KINDS = "subscription($after: LogCursor) { communicationEvents(after: $after) { %s } }"
KINDS = _KINDS % "cursor events { kind }"
BROKEN = _KINDS % "cursor nonsense"

# Each takes [token, query, after].
WEBSOCKET = """
async ([token, query, after]) => {
  const { createClient } = await import("/try/node_modules/graphql-ws/dist/client.js");
  const { follow } = await import("/try/follow-websocket.js");
  const client = createClient({
    url: location.origin.replace("http", "ws") + "/graphql",
    connectionParams: async () => ({ Authorization: `Bearer ${token}` }),
    retryAttempts: %s,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    shouldRetry: () => true,
  });
  window.stop = follow(client, {
    query,
    variables: { after },
    onBatch: (batch) => batch.events.forEach(({ kind }) => heard(kind)),
    onRefused: (reason) => refused(JSON.stringify(reason.code ?? reason)),
  });
}
"""
RETRIES_OF_GRAPHQL_WS = WEBSOCKET % "Infinity"
RETRIES_OF_OURS = WEBSOCKET % "0"
EVENT_SOURCE = """
async ([token, query, after]) => {
  const { follow } = await import("/try/follow-events.js");
  window.stop = follow("/graphql", {
    token: async () => token,
    query,
    variables: { after },
    onBatch: (batch) => batch.events.forEach(({ kind }) => heard(kind)),
    onRefused: (errors) => refused(JSON.stringify(errors)),
  });
}
"""
EACH_WAY = pytest.mark.parametrize(
    "way",
    [RETRIES_OF_GRAPHQL_WS, RETRIES_OF_OURS, EVENT_SOURCE],
    ids=["graphql-ws", "graphql-ws-without-retries", "EventSource"],
)
EACH_TRANSPORT = pytest.mark.parametrize(
    "way", [RETRIES_OF_GRAPHQL_WS, EVENT_SOURCE], ids=["graphql-ws", "EventSource"]
)


class PackagesMissing(Exception):
    """What the page loads was not installed; the message says what to do."""


class Browser:
    """A page of the server's origin that loads the example, and what it hears."""

    def __init__(self, page: Page, token: str) -> None:
        self.page = page
        self.token = token
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._refused: asyncio.Queue[Any] = asyncio.Queue()

    async def open(self, trackside: Trackside) -> None:
        await self.page.route("**/try/**", _serve)
        await self.page.expose_function("heard", self._heard.put_nowait)
        await self.page.expose_function(
            "refused", lambda reason: self._refused.put_nowait(json.loads(reason))
        )
        await self.page.goto(f"{trackside.url}/livez")

    async def follow(self, way: str, after: str | None = None, query: str = KINDS) -> None:
        await self.page.evaluate(way, [self.token, query, after])

    async def hear(self, number: int) -> list[str]:
        """The next events, by their kinds."""
        async with asyncio.timeout(SOON):
            return [await self._heard.get() for _ in range(number)]

    async def refusal(self) -> Any:
        async with asyncio.timeout(SOON):
            return await self._refused.get()

    @property
    def has_heard_all(self) -> bool:
        return self._heard.empty()


async def _serve(route: Route) -> None:
    """The example's files, as if the server had them: a page of another's would need CORS."""
    path = _FRONTEND / route.request.url.partition("/try/")[2]
    await route.fulfill(path=path, content_type="text/javascript")


@pytest.fixture
async def browser(page: Page, trackside: Trackside) -> Browser:
    if not (_FRONTEND / "node_modules" / "graphql-ws").is_dir():
        raise PackagesMissing("The package graphql-ws is missing: `make packages` installs it.")
    opened = Browser(page, await trackside.make_token(Scope.READ))
    await opened.open(trackside)
    return opened


@pytest.fixture
async def after(trackside: Trackside, sender: Sender) -> str:
    """The place in the log behind a message that was just announced."""
    await sender.introduce()
    await sender.send("first")
    log = await trackside.ask("{ deliveryEvents(first: 1) { pageInfo { endCursor } } }")
    cursor: str = log["deliveryEvents"]["pageInfo"]["endCursor"]
    return cursor


@EACH_WAY
async def test_each_event_comes_once_over_a_killed_server(
    trackside: Trackside, sender: Sender, browser: Browser, after: str, way: str
) -> None:
    await browser.follow(way, after)
    await sender.report("first", DeliveryKind.SENT)
    heard = await browser.hear(1)
    trackside.server.kill()
    await asyncio.to_thread(trackside.server.start)
    await sender.report("first", DeliveryKind.DELIVERED)
    await sender.report("first", DeliveryKind.OPENED)
    heard += await browser.hear(2)

    assert heard == ["SENT", "DELIVERED", "OPENED"]
    assert browser.has_heard_all


async def test_a_proxy_without_a_server_does_not_end_an_event_source(
    sender: Sender, browser: Browser, after: str
) -> None:
    answers = iter([503, 503])

    async def proxy(route: Route) -> None:
        if status := next(answers, None):
            await route.fulfill(status=status, body="<html>No server</html>")
        else:
            await route.continue_()

    await browser.page.route("**/graphql?*", proxy)
    await browser.follow(EVENT_SOURCE, after)
    await sender.report("first", DeliveryKind.SENT)

    assert await browser.hear(1) == ["SENT"]


@EACH_TRANSPORT
async def test_a_batch_that_was_not_taken_comes_again(
    sender: Sender, browser: Browser, after: str, way: str
) -> None:
    await sender.report("first", DeliveryKind.SENT)

    # EventSource's own listener fails as a script of the page does, which the page reports.
    await browser.page.evaluate("""
        () => {
          const take = window.heard;
          window.heard = (kind) => {
            take(kind);
            window.heard = take;
            throw new Error("Not taken");
          };
          window.addEventListener("error", (event) => event.preventDefault());
        }
    """)
    await browser.follow(way, after)

    assert await browser.hear(2) == ["SENT", "SENT"]


@pytest.mark.parametrize(
    ("way", "reason"), [(RETRIES_OF_GRAPHQL_WS, "4401"), (EVENT_SOURCE, "UNAUTHENTICATED")]
)
async def test_a_token_that_is_not_known_is_refused(
    browser: Browser, way: str, reason: str
) -> None:
    browser.token = "ts_1_wrong"

    await browser.follow(way)

    assert reason in json.dumps(await browser.refusal())


async def test_a_token_that_may_write_is_kept_out_of_addresses(
    trackside: Trackside, browser: Browser
) -> None:
    browser.token = trackside.token

    await browser.follow(EVENT_SOURCE)

    (error,) = await browser.refusal()
    assert error["extensions"]["code"] == "FORBIDDEN"


@EACH_TRANSPORT
async def test_a_document_that_is_wrong_is_refused_with_its_errors(
    browser: Browser, way: str
) -> None:
    await browser.follow(way, query=BROKEN)

    (error,) = await browser.refusal()
    assert "nonsense" in error["message"]


@EACH_TRANSPORT
async def test_whoever_stops_hears_no_more(
    sender: Sender, browser: Browser, after: str, way: str
) -> None:
    await browser.follow(way, after)
    await browser.page.evaluate("stop()")

    await browser.follow(way, after)
    await sender.report("first", DeliveryKind.SENT)

    assert await browser.hear(1) == ["SENT"]
    assert browser.has_heard_all
