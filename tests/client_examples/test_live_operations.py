"""The live operations page, in a real browser against a real server."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from store import Database
from store.words import Channel, DeliveryKind, Scope
from tests.client_examples.conftest import TARGET, Sender
from tests.support.trackside import Trackside
from tests.support.waiting import SOON

expect.set_options(timeout=SOON * 1000)

NEWEST = """
query($first: Int!) {
  communications(first: $first) {
    nodes { id status resource { name } contact { firstName lastName } }
  }
}
"""


async def open_board(page: Page, trackside: Trackside, query: str = "") -> None:
    await page.goto(f"{trackside.url}/{query}#token={trackside.token}")
    await expect(state(page)).to_have_text("Live")


def state(page: Page) -> Locator:
    return page.locator("#state")


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def cell(page: Page, row: int, name: str) -> Locator:
    return rows(page).nth(row).locator(f"td.{name}")


async def shown(page: Page) -> list[list[str]]:
    """Id and status of each row, in the order of the page."""
    found: list[list[str]] = await rows(page).evaluate_all(
        "rows => rows.map((row) => [row.dataset.id, row.dataset.status])"
    )
    return found


async def in_the_api(trackside: Trackside, first: int = 100) -> list[list[str]]:
    data: Any = await trackside.ask(NEWEST, first=first)
    return [[node["id"], node["status"]] for node in data["communications"]["nodes"]]


async def test_the_page_shows_the_newest_communications_as_the_api_tells_them(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send(*(f"m{number}" for number in range(120)))
    await sender.report("m119", DeliveryKind.DELIVERED)

    await open_board(page, trackside)

    await expect(rows(page)).to_have_count(100)
    assert await shown(page) == await in_the_api(trackside)
    await expect(cell(page, 0, "status")).to_have_text("Delivered")
    await expect(cell(page, 0, "contact")).to_have_text("Ada Lovelace")
    await expect(cell(page, 0, "resource")).to_have_text("Welcome mail")
    await expect(cell(page, 0, "channel")).to_have_text("E-mail")
    await expect(page.locator("#total")).to_have_text("120")
    await expect(page.locator("#workspace")).to_have_text(trackside.workspace)


async def test_a_message_arrives_and_its_click_changes_its_row(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("before")
    await open_board(page, trackside)

    link = await sender.send("after")
    await expect(rows(page)).to_have_count(2)
    await expect(cell(page, 0, "status")).to_have_text("Queued")
    async with httpx.AsyncClient(timeout=SOON) as browser:
        await browser.get(link, headers={"User-Agent": "Mozilla/5.0"})

    await expect(cell(page, 0, "status")).to_have_text("Clicked")
    await expect(cell(page, 0, "action")).to_have_text(re.compile(r"^Clicked \d\d:\d\d:\d\d$"))
    await expect(cell(page, 0, "action")).to_have_attribute("title", TARGET)
    await expect(cell(page, 0, "time").nth(1)).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    await expect(rows(page)).to_have_count(2)


async def test_a_killed_server_costs_no_row_and_repeats_none(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("m1", "m2", "m3")
    await open_board(page, trackside)
    await sender.send("m4")
    await expect(rows(page)).to_have_count(4)

    trackside.server.kill()
    await page.context.set_offline(True)
    trackside.server.start()
    await sender.send("m5", "m6")
    await sender.report("m1", DeliveryKind.BOUNCED)
    await expect(state(page)).to_have_text("Reconnecting")
    await page.context.set_offline(False)
    await expect(state(page)).to_have_text("Live")

    await expect(rows(page)).to_have_count(6)
    await expect(cell(page, 5, "status")).to_have_text("Bounced")
    assert await shown(page) == await in_the_api(trackside)
    # What was read again is not counted again.
    await expect(page.locator("[data-tally=created]")).to_have_text("3")
    await expect(page.locator("[data-tally=failed]")).to_have_text("1")


async def test_journeys_channels_and_resource_names_filter_list_and_events(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.introduce("tournament")
    await sender.send("mail", resource="Welcome mail")
    await sender.send("sms", channel=Channel.SMS, resource="Welcome text")
    await sender.send("push", journey="tournament", channel=Channel.PUSH, resource="A seat")
    await open_board(page, trackside)
    await expect(rows(page)).to_have_count(3)

    await page.get_by_role("radio", name="The welcome journey").check()
    await expect(rows(page)).to_have_count(2)
    await page.get_by_role("checkbox", name="SMS").check()
    await page.get_by_role("checkbox", name="Push").check()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_label("Resource name contains").fill("TEXT")
    await expect(page).to_have_url(re.compile("resource=TEXT"))
    await expect(state(page)).to_have_text("Live")
    await sender.send("mail again", resource="Welcome text")
    await sender.send("sms again", channel=Channel.SMS, resource="Another text")

    await expect(page.locator("#rows td.resource")).to_have_text(["Another text", "Welcome text"])
    await page.get_by_role("button", name="Clear filters").click()
    await expect(rows(page)).to_have_count(5)


async def test_a_bookmark_keeps_the_filters(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("mail")
    await sender.send("sms", channel=Channel.SMS)

    await open_board(page, trackside, "?channel=SMS")

    await expect(rows(page)).to_have_count(1)
    await expect(cell(page, 0, "channel")).to_have_text("SMS")
    await expect(page.get_by_role("checkbox", name="SMS")).to_be_checked()


async def test_holding_still_keeps_the_rows_until_going_on(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("m1")
    await open_board(page, trackside)
    await expect(rows(page)).to_have_count(1)

    await page.get_by_role("button", name="Hold still").click()
    await sender.send("m2")
    await expect(page.locator("#pause")).to_have_text("Go on (1 changed)")
    await expect(rows(page)).to_have_count(1)
    await page.locator("#pause").click()

    await expect(rows(page)).to_have_count(2)


async def test_the_page_holds_the_newest_500_rows(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await open_board(page, trackside)

    await sender.send(*(f"m{number}" for number in range(650)))

    await expect(rows(page)).to_have_count(500)
    newest = [node[0] for node in await in_the_api(trackside)]
    assert [row[0] for row in await shown(page)][:100] == newest
    await sender.report("m0", DeliveryKind.BOUNCED)
    await expect(page.locator("[data-tally=failed]")).to_have_text("1")
    await expect(rows(page)).to_have_count(500)


async def test_a_foreign_log_is_a_gap_that_is_said_and_healed(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("m1")
    await open_board(page, trackside)
    await expect(rows(page)).to_have_count(1)

    trackside.server.kill()
    await begin_another_log(trackside)
    trackside.server.start()
    await sender.send("m2")

    await expect(page.locator("#notice")).to_contain_text("The list was read again")
    await expect(state(page)).to_have_text("Live")
    await expect(rows(page)).to_have_count(2)
    assert await shown(page) == await in_the_api(trackside)


async def begin_another_log(trackside: Trackside) -> None:
    """As after a restored backup."""
    database = Database(trackside.server.database_url)
    async with database.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE heads SET epoch = x'0102030405060708' WHERE workspace_id = ?",
            (trackside.workspace_id,),
        )
    await database.dispose()


async def test_an_empty_workspace_says_so(page: Page, trackside: Trackside) -> None:
    await open_board(page, trackside)

    await expect(page.locator("#empty")).to_contain_text("No communications yet")
    await expect(page.locator("#communications")).to_be_hidden()


async def test_names_are_shown_as_text_and_never_run(
    page: Page, trackside: Trackside, sender: Sender
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    await sender.introduce(first_name=evil)
    await sender.send("m1", resource=evil)

    await open_board(page, trackside)

    await expect(cell(page, 0, "contact")).to_have_text(f"{evil} Lovelace")
    await expect(cell(page, 0, "resource")).to_have_text(evil)
    await expect(page.locator("#rows img")).to_have_count(0)


async def test_the_token_leaves_the_address_and_stays_with_the_tab(
    page: Page, trackside: Trackside
) -> None:
    await open_board(page, trackside)

    assert page.url == f"{trackside.url}/"
    await page.reload()
    await expect(state(page)).to_have_text("Live")


@pytest.mark.parametrize(
    ("scopes", "words"), [((), "does not know this token"), ((Scope.INTEGRATE,), "scope read")]
)
async def test_a_token_that_will_not_do_is_told_in_words(
    page: Page, trackside: Trackside, scopes: tuple[Scope, ...], words: str
) -> None:
    token = await trackside.make_token(*scopes) if scopes else "ts_1_wrong"
    await page.goto(trackside.url)
    await page.get_by_label("Token with the scope read").fill(token)

    await page.get_by_role("button", name="Open").click()

    await expect(page.get_by_role("alert")).to_contain_text(words)
    await page.get_by_label("Token with the scope read").fill(trackside.token)
    await page.get_by_role("button", name="Open").click()
    await expect(state(page)).to_have_text("Live")


async def test_everything_the_page_loads_comes_from_the_server_itself(
    page: Page, trackside: Trackside
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await open_board(page, trackside)

    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(trackside.url)] == []
