"""Tracked links: who follows one is led on, whatever happens, and every click counts once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog

from resolvers.tracked_links import TrackedLink, token
from server.links import GIF
from store.types import new_id
from tests.server.serving import Serving, a_server, settings_for
from tests.support.waiting import SOON

TARGET = "https://shop.example/caf\u00e9;a=1?x=1&y=a%20b#top"
MORE_TARGETS = ["https://shop.example/third", "https://shop.example/fourth"]
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SECOND_TARGET = "http://shop.example/second"

WRITE = """
mutation Write($journey: UpsertJourneyInput!, $contacts: UpsertContactsInput!) {
  upsertJourney(input: $journey) { userErrors { message } }
  upsertContacts(input: $contacts) { userErrors { message } }
}
"""
RECORD = """
mutation Record($input: RecordEventsInput!) {
  recordEvents(input: $input) {
    results { outcome error { message } links { target url } openPixel unsubscribe }
    userErrors { message }
  }
}
"""
READ = """
query Message {
  communication(externalId: "mail-1") {
    status clickCount lastClickedUrl rawClickCount: clickCount(includeSuspectedBots: true)
    events(first: 50) { nodes { kind url source isSuspectedBot botSignals } }
  }
}
"""


@dataclass
class Mail:
    """A message that was sent, and the paths of what it carries."""

    serving: Serving
    click: str
    second_click: str
    pixel: str
    links: list[str]
    unsubscribe: str

    def browser(self) -> httpx.AsyncClient:
        """Whoever opens the message: without a token."""
        return httpx.AsyncClient(
            base_url=self.serving.url, timeout=SOON, headers={"User-Agent": BROWSER}
        )

    async def state(self) -> Any:
        return (await self.serving.ask(READ))["data"]["communication"]

    async def kinds(self) -> list[str]:
        return [event["kind"] for event in (await self.state())["events"]["nodes"]]


@pytest.fixture
async def mail(database_url: str) -> AsyncIterator[Mail]:
    async with a_server(settings_for(database_url)) as serving:
        yield await a_mail(serving)


async def a_mail(serving: Serving) -> Mail:
    happened = datetime.now(UTC).isoformat()
    await serving.ask(
        WRITE,
        journey={
            "externalId": "welcome",
            "name": "Welcome",
            "steps": [{"key": "hello", "name": "Hello", "channel": "EMAIL"}],
        },
        contacts={"contacts": [{"externalUsername": "ada"}]},
    )
    answer = await serving.ask(
        RECORD,
        input={
            "events": [
                {
                    "journeyEntered": {
                        "key": "1",
                        "journey": "welcome",
                        "contact": {"externalUsername": "ada"},
                        "entry": "entry-1",
                        "occurredAt": happened,
                    }
                },
                {
                    "communication": {
                        "key": "2",
                        "communication": "mail-1",
                        "entry": "entry-1",
                        "channel": "EMAIL",
                        "resource": "Hello",
                        "links": [TARGET, SECOND_TARGET, *MORE_TARGETS],
                        "occurredAt": happened,
                    }
                },
            ]
        },
    )
    result = answer["data"]["recordEvents"]["results"][1]
    assert result["outcome"] == "ACCEPTED", result
    links = [urlsplit(link["url"]).path for link in result["links"]]
    pixel, unsubscribe = (urlsplit(result[name]).path for name in ("openPixel", "unsubscribe"))
    return Mail(serving, links[0], links[1], pixel, links, unsubscribe)


async def test_a_click_leads_to_the_stored_target_and_is_recorded(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.click)

    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/caf%C3%A9;a=1?x=1&y=a%20b#top"
    assert answer.headers["cache-control"] == "no-store"
    state = await mail.state()
    assert (state["status"], state["clickCount"]) == ("CLICKED", 1)
    assert state["lastClickedUrl"] == TARGET
    assert state["events"]["nodes"][-1] == {
        "kind": "CLICKED",
        "url": TARGET,
        "source": "link",
        "isSuspectedBot": False,
        "botSignals": [],
    }


async def test_every_click_counts(mail: Mail) -> None:
    async with mail.browser() as browser:
        for path in (mail.click, mail.click, mail.second_click):
            await browser.get(path)

    state = await mail.state()
    assert (state["clickCount"], state["lastClickedUrl"]) == (3, SECOND_TARGET)


async def test_a_look_is_no_click(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.head(mail.click)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://shop.example/")
    state = await mail.state()
    assert (state["status"], state["clickCount"], state["rawClickCount"]) == ("QUEUED", 0, 1)


async def test_the_request_does_not_choose_the_target(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.click, params={"url": "https://evil.example"})

    assert answer.headers["location"].startswith("https://shop.example/")


async def test_an_open_is_recorded_and_shows_nothing(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.pixel)

    assert (answer.status_code, answer.content) == (200, GIF)
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    assert (await mail.state())["status"] == "OPENED"


async def test_a_links_token_stands_for_the_pixel_too(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.click.replace("/c/", "/o/") + ".gif")

    assert answer.content == GIF
    assert await mail.kinds() == ["QUEUED", "OPENED"]


async def test_a_look_at_the_pixel_is_no_open(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.head(mail.pixel)

    assert answer.status_code == 200
    assert (await mail.state())["status"] == "QUEUED"


async def test_the_pixel_leads_nowhere(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.pixel.replace("/o/", "/c/").removesuffix(".gif"))

    assert answer.status_code == 404
    assert await mail.kinds() == ["QUEUED"]


@pytest.mark.parametrize("make", ["cut", "changed", "nonsense", "empty", "of_nobody"])
async def test_an_unknown_token_says_so_kindly_and_records_nothing(mail: Mail, make: str) -> None:
    whole = mail.click.removeprefix("/c/")
    nobody = TrackedLink(mail.serving.workspace_id, new_id(), 1)
    text = {
        "cut": whole[:-3],
        "changed": whole[:-1] + ("A" if whole[-1] != "A" else "B"),
        "nonsense": "%00%ff",
        "empty": "",
        "of_nobody": token(mail.serving.services.signer, nobody),
    }[make]

    async with mail.browser() as browser:
        answer = await browser.get(f"/c/{text}")
        picture = await browser.get(f"/o/{text}.gif")

    assert (answer.status_code, picture.status_code) == (404, 404)
    if make != "empty":
        assert "This link leads nowhere" in answer.text
    assert await mail.kinds() == ["QUEUED"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_other_methods_record_nothing(mail: Mail, method: str) -> None:
    async with mail.browser() as browser:
        answer = await browser.request(method, mail.click)

    assert answer.status_code == 405
    assert await mail.kinds() == ["QUEUED"]


async def test_the_contact_is_led_on_when_recording_fails(sqlite_url: str) -> None:
    async with a_server(settings_for(sqlite_url)) as serving:
        mail = await a_mail(serving)
        async with serving.services.database.write() as connection:
            await connection.exec_driver_sql(
                "CREATE TRIGGER broken BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'full'); END"
            )

        with structlog.testing.capture_logs() as logged:
            async with mail.browser() as browser:
                answer = await browser.get(mail.click)
                picture = await browser.get(mail.pixel)

        assert (answer.status_code, picture.status_code) == (302, 200)
        assert [line["event"] for line in logged].count("link_not_recorded") == 2


async def test_the_contact_is_led_on_while_the_database_is_busy(sqlite_url: str) -> None:
    async with a_server(settings_for(sqlite_url)) as serving:
        mail = await a_mail(serving)
        async with mail.browser() as browser:
            async with serving.services.database.write():
                answer = await browser.get(mail.click)
            await serving.services.recorder.drain()

        assert answer.status_code == 302
        assert "CLICKED" in await mail.kinds()


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ({"User-Agent": ""}, "NO_AGENT"),
        ({"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "ROBOT_AGENT"),
        ({"User-Agent": "BarracudaCentral/1.0"}, "ROBOT_AGENT"),
        ({"Sec-Purpose": "prefetch;prerender"}, "PREFETCH"),
        ({"X-Moz": "prefetch"}, "PREFETCH"),
    ],
)
async def test_a_robots_click_is_kept_with_its_signal_and_counted_apart(
    mail: Mail, headers: dict[str, str], signal: str
) -> None:
    async with mail.browser() as browser:
        answer = await browser.get(mail.click, headers=headers)

    assert answer.status_code == 302
    state = await mail.state()
    assert (state["status"], state["clickCount"], state["rawClickCount"]) == ("QUEUED", 0, 1)
    assert state["events"]["nodes"][-1]["botSignals"] == [signal]


async def test_the_mail_proxy_of_apple_opens_nothing(mail: Mail) -> None:
    async with mail.browser() as browser:
        await browser.get(mail.pixel, headers={"User-Agent": "Mozilla/5.0"})

    state = await mail.state()
    assert state["status"] == "QUEUED"
    assert state["events"]["nodes"][-1]["botSignals"] == ["MAIL_PROXY"]


async def test_a_scanner_is_known_by_its_third_link_and_then_by_all_that_it_did(
    mail: Mail,
) -> None:
    async with mail.browser() as browser:
        for path in mail.links[:2]:
            await browser.get(path)
        taken_for_a_person = await mail.state()
        await browser.get(mail.links[2])

    assert (taken_for_a_person["status"], taken_for_a_person["clickCount"]) == ("CLICKED", 2)
    state = await mail.state()
    assert (state["status"], state["clickCount"], state["rawClickCount"]) == ("QUEUED", 0, 3)
    assert state["lastClickedUrl"] is None
    clicks = [one for one in state["events"]["nodes"] if one["kind"] == "CLICKED"]
    assert [one["botSignals"] for one in clicks] == [["ALL_LINKS_AT_ONCE"]] * 3
    counted = await mail.serving.ask(
        """{ journey(externalId: "welcome") { statistics { communications { clicked rawClicked } }
            communications(filter: {isClicked: true}) { totalCount { value } } } }"""
    )
    journey = counted["data"]["journey"]
    assert journey["statistics"]["communications"] == {"clicked": 0, "rawClicked": 1}
    assert journey["communications"]["totalCount"]["value"] == 0


async def test_unsubscribing_asks_first_and_acts_on_a_post(mail: Mail) -> None:
    document = """{ contact(externalUsername: "ada") {
        consents { channel isSubscribed source } } }"""
    async with mail.browser() as browser:
        asked = await browser.get(mail.unsubscribe)
        before = await mail.serving.ask(document)
        done = await browser.post(mail.unsubscribe)

    assert (asked.status_code, done.status_code) == (200, 200)
    assert '<form method="post">' in asked.text
    assert "You are unsubscribed" in done.text
    assert before["data"]["contact"]["consents"] == []
    after = await mail.serving.ask(document)
    assert after["data"]["contact"]["consents"] == [
        {"channel": "EMAIL", "isSubscribed": False, "source": "unsubscribe"}
    ]
    assert (await mail.state())["status"] == "UNSUBSCRIBED"


async def test_a_mail_program_unsubscribes_with_one_click(mail: Mail) -> None:
    body, headers = {"List-Unsubscribe": "One-Click"}, {"User-Agent": ""}
    async with mail.browser() as browser:
        answers = [
            await browser.post(mail.unsubscribe, data=body, headers=headers) for _ in range(2)
        ]

    assert [one.status_code for one in answers] == [200, 200]
    assert (await mail.state())["status"] == "UNSUBSCRIBED"


async def test_another_links_token_unsubscribes_nobody(mail: Mail) -> None:
    async with mail.browser() as browser:
        answer = await browser.post(mail.click.replace("/c/", "/u/"))

    assert answer.status_code == 404
    assert (await mail.state())["status"] == "QUEUED"
