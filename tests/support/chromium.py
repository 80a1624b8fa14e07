"""Chromium: the machine's own browser, driven by Playwright."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

# Without a screen or a sandbox, and silent towards the network.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class ChromiumMissing(Exception):
    """There is no Chromium on this machine; the message says what to do."""


def path() -> str:
    """Where the browser's program lies."""
    found = shutil.which("chromium")
    if found is None:
        raise ChromiumMissing(
            "The browser tests need Chromium: apt-get install chromium, as root. "
            "`make test` does so itself when it runs as root."
        )
    return found


@asynccontextmanager
async def open_page(executable: str) -> AsyncIterator[Page]:
    """A page of a new browser with an empty profile; fails when a script of the page failed."""
    failures: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = await browser.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
        await browser.close()
    assert failures == [], f"The page's scripts failed: {failures}"
