"""What the browser tests assume about their page."""

import pytest
from playwright.async_api import Page

from tests.support import chromium


async def test_a_page_runs_its_scripts(page: Page) -> None:
    await page.set_content("<p></p><script>document.querySelector('p').append('hello')</script>")

    assert await page.inner_text("p") == "hello"


async def test_a_script_that_fails_fails_the_test(chromium_path: str) -> None:
    with pytest.raises(AssertionError, match="nobody is not defined"):
        async with chromium.open_page(chromium_path) as page:
            await page.set_content("<script>nobody()</script>")


def test_a_missing_browser_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(chromium.ChromiumMissing, match="apt-get install chromium"):
        chromium.path()
