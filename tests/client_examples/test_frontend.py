"""client-examples/frontend, run in a browser as its README says, over a server that dies."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route

from store.words import DeliveryKind
from tests.client_examples.conftest import Sender
from tests.support.trackside import ROOT, Trackside
from tests.support.waiting import SOON

_FRONTEND = ROOT / "client-examples" / "frontend"
_KINDS = "subscription($after: LogCursor) { communicationEvents(after: $after) { %s } }"
KINDS = _KINDS % "cursor events { kind }"
BROKEN = _KINDS % "cursor nonsense"

FOLLOW_WEBSOCKET = """
async ([token, query, after, options]) => {
  const { createClient } = await import("/try/node_modules/graphql-ws/dist/client.js");
  const { follow } = await import("/try/follow-websocket.js");
  const client = createClient({
    url: location.origin.replace("http", "ws") + "/graphql",
    connectionParams: async () => ({ Authorization: `Bearer ${token}` }),
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    shouldRetry: () => true,
    ...options,
  });
  const stop = follow(client, {
    query,
    variables: { after },
    onBatch: (batch) => batch.events.forEach(({ kind }) => heard(kind)),
    onRefused: (reason) => refused(JSON.stringify(reason.code ?? reason)),
  });
  Object.assign(window, { stop, client });
}
"""
ITS_OWN_RETRIES = {"retryAttempts": 1_000_000}
NO_RETRIES = {"retryAttempts": 0}


class PackagesMissing(Exception):
    """What the page loads was not installed; the message says what to do."""


class Browser:
    """A page of the server's origin that can load the example."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.refused: asyncio.Queue[Any] = asyncio.Queue()

    async def open(self, trackside: Trackside) -> None:
        await self.page.route("**/try/**", _serve)
        await self.page.expose_function("heard", self.heard.put_nowait)
        await self.page.expose_function(
            "refused", lambda reason: self.refused.put_nowait(json.loads(reason))
        )
        await self.page.goto(f"{trackside.url}/livez")

    async def follow(self, trackside: Trackside, **different: Any) -> None:
        asked: dict[str, Any]
        asked = {"token": trackside.token, "query": KINDS, "after": None, "options": {}}
        asked |= different
        await self.page.evaluate(FOLLOW_WEBSOCKET, [*asked.values()])

    async def hear(self, number: int) -> list[str]:
        """The next events, by their kinds."""
        async with asyncio.timeout(SOON):
            return [await self.heard.get() for _ in range(number)]


async def _serve(route: Route) -> None:
    """The example's files, as if the server had them: a page of another's would need CORS."""
    path = _FRONTEND / route.request.url.partition("/try/")[2]
    await route.fulfill(path=path, content_type="text/javascript")


@pytest.fixture
async def browser(page: Page, trackside: Trackside) -> Browser:
    if not (_FRONTEND / "node_modules" / "graphql-ws").is_dir():
        raise PackagesMissing("The package graphql-ws is missing: `make packages` installs it.")
    opened = Browser(page)
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


@pytest.mark.parametrize("options", [ITS_OWN_RETRIES, NO_RETRIES])
async def test_each_event_comes_once_over_killed_servers(
    trackside: Trackside, sender: Sender, browser: Browser, after: str, options: dict[str, int]
) -> None:
    await browser.follow(trackside, after=after, options=options)
    await sender.report("first", DeliveryKind.SENT)
    heard = await browser.hear(1)
    for kind in (DeliveryKind.DELIVERED, DeliveryKind.OPENED):
        trackside.server.kill()
        await asyncio.to_thread(trackside.server.start)
        await sender.report("first", kind)
        heard += await browser.hear(1)

    assert heard == ["SENT", "DELIVERED", "OPENED"]
    assert browser.heard.empty()


async def test_a_batch_that_was_not_taken_comes_again(
    trackside: Trackside, sender: Sender, browser: Browser, after: str
) -> None:
    await browser.page.evaluate(
        """
        () => {
          const take = window.heard;
          window.heard = (kind) => {
            take(kind);
            window.heard = take;
            throw new Error("Not taken");
          };
        }
        """
    )
    await sender.report("first", DeliveryKind.SENT)

    await browser.follow(trackside, after=after, options=ITS_OWN_RETRIES)

    assert await browser.hear(2) == ["SENT", "SENT"]


async def test_a_token_that_is_not_known_is_refused_once(
    trackside: Trackside, browser: Browser
) -> None:
    await browser.follow(trackside, token="ts_1_wrong", options=ITS_OWN_RETRIES)

    async with asyncio.timeout(SOON):
        assert await browser.refused.get() == 4401


async def test_a_document_that_is_wrong_is_refused_with_its_errors(
    trackside: Trackside, browser: Browser
) -> None:
    await browser.follow(trackside, query=BROKEN)

    async with asyncio.timeout(SOON):
        (error,) = await browser.refused.get()
    assert "nonsense" in error["message"]


async def test_whoever_stops_hears_no_more(
    trackside: Trackside, sender: Sender, browser: Browser, after: str
) -> None:
    await browser.follow(trackside, after=after)
    await browser.page.evaluate("stop()")

    await browser.follow(trackside, after=after)
    await sender.report("first", DeliveryKind.SENT)

    assert await browser.hear(1) == ["SENT"]
    assert browser.heard.empty()
