"""generateReferralLinks: each contact's own links, made once, as a file."""

from pathlib import Path
from typing import Any

import pytest

from store import tables
from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.schema.mailing import mailing
from tests.schema.test_export_journey import download, table
from tests.schema.working import a_worker, finished
from tests.support.factories import a_contact, a_journey, a_workspace

GENERATE = """mutation ($input: GenerateReferralLinksInput!) {
    generateReferralLinks(input: $input) {
      job { id kind } userErrors { code field message } } }"""
LANDING = "https://shop.example/welcome"
LINKS = """{ contacts { nodes { externalUsername referralLinks { kind code url } } } }"""


@pytest.fixture
async def shop(api: Api) -> Api:
    """Ada and Bob, and the journey spring that has a landing page."""
    await a_contact(
        api.workspace, "bob", email="bob@example.org", first_name="Bob", status=ContactStatus.NONE
    )
    await a_journey(api.workspace, "spring", landing_url=LANDING)
    return api


async def journey_id(api: Api, name: str = "spring") -> str:
    (row,) = await api.workspace.rows(tables.journeys, external_id=name)
    return f"jrn_{row['id'].hex()}"


async def generate(api: Api, **asked: Any) -> dict[str, Any]:
    given = {"journeyId": await journey_id(api), "kinds": ["REFERRAL"], "contacts": {"all": True}}
    data = await api.ask(GENERATE, input=given | asked)
    payload: dict[str, Any] = data["generateReferralLinks"]
    return payload


async def generated(api: Api, files: Path, **asked: Any) -> list[dict[str, str]]:
    async with a_worker(api, files=files):
        payload = await generate(api, **asked)
        assert payload["userErrors"] == []
        job = await finished(api, payload["job"]["id"])
    assert job["state"] == "COMPLETED", job
    return table((await download(api, files, job["downloadUrl"])).content)


async def refused(api: Api, **asked: Any) -> tuple[str, list[str], str]:
    payload = await generate(api, **asked)
    assert payload["job"] is None
    (error,) = payload["userErrors"]
    assert await api.workspace.rows(tables.referral_links) == []
    return error["code"], error["field"], error["message"]


async def test_each_contact_gets_its_links(shop: Api, tmp_path: Path) -> None:
    ada, bob = await generated(shop, tmp_path, kinds=["FLOW", "REFERRAL"])

    codes = {
        (row["contact_id"], row["kind"]): row["code"]
        for row in await shop.workspace.rows(tables.referral_links)
    }
    own = {
        row["external_username"]: row["id"] for row in await shop.workspace.rows(tables.contacts)
    }
    assert len(set(codes.values())) == 4
    assert ada["externalUsername"] == "ada"
    assert bob == {
        "externalUsername": "bob",
        "email": "bob@example.org",
        "firstName": "Bob",
        "lastName": "",
        "referralLink": f"https://track.example/r/{codes[own['bob'], 'REFERRAL']}",
        "flowLink": f"https://track.example/f/{codes[own['bob'], 'FLOW']}",
    }


async def test_the_same_contact_and_journey_give_the_same_link(shop: Api, tmp_path: Path) -> None:
    first = await generated(shop, tmp_path)
    await a_contact(shop.workspace, "eve")

    again = await generated(shop, tmp_path)

    assert again[:2] == first
    assert again[2]["externalUsername"] == "eve"
    assert len(await shop.workspace.rows(tables.referral_links)) == 3


async def test_links_of_another_journey_are_others(shop: Api, tmp_path: Path) -> None:
    await a_journey(shop.workspace, "autumn", landing_url=LANDING)
    spring = await generated(shop, tmp_path)

    autumn = await generated(shop, tmp_path, journeyId=await journey_id(shop, "autumn"))

    assert {one["referralLink"] for one in spring} & {
        one["referralLink"] for one in autumn
    } == set()
    assert await generated(shop, tmp_path) == spring


async def test_the_chosen_alone_get_links_with_the_columns_chosen(
    shop: Api, tmp_path: Path
) -> None:
    lines = await generated(
        shop,
        tmp_path,
        contacts={"filter": {"status": ["NONE"]}},
        columns=["REFERRAL_LINK", "EMAIL"],
    )

    (line,) = lines
    assert list(line) == ["referralLink", "email"]
    assert line["email"] == "bob@example.org"
    assert len(await shop.workspace.rows(tables.referral_links)) == 1


async def test_the_contact_shows_its_links(shop: Api, tmp_path: Path) -> None:
    lines = await generated(shop, tmp_path)

    found = (await shop.ask(LINKS))["contacts"]["nodes"]

    assert {one["externalUsername"]: one["referralLinks"][0]["url"] for one in found} == {
        line["externalUsername"]: line["referralLink"] for line in lines
    }


async def test_the_list_is_mailed_to_the_tokens_own_address(shop: Api, tmp_path: Path) -> None:
    async with mailing(shop) as server:
        lines = await generated(shop, tmp_path, email="ops@example.org")

    (mail,) = server.mails
    assert (mail["To"], mail["Subject"]) == (
        "ops@example.org",
        "spring-links-2026-11-22.csv is ready",
    )
    (file,) = mail.iter_attachments()
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert table(content) == lines


async def test_the_list_is_mailed_to_nobody_who_is_not_allowed(shop: Api) -> None:
    async with mailing(shop) as server:
        code, field, _ = await refused(shop, email="eve@example.org")

    assert (code, field, server.mails) == ("RECIPIENT_NOT_ALLOWED", ["email"], [])


async def test_a_journey_without_a_landing_page_is_refused(shop: Api) -> None:
    assert await refused(shop, journeyId=await journey_id(shop, "welcome")) == (
        "NO_LANDING_URL",
        ["journeyId"],
        'The journey "Welcome" has no landing page to which a link could lead: give it a '
        "landingUrl with upsertJourney.",
    )


async def test_an_unknown_journey_is_refused(shop: Api) -> None:
    code, field, _ = await refused(shop, journeyId="jrn_" + 32 * "0")

    assert (code, field) == ("NOT_FOUND", ["journeyId"])


async def test_a_journey_of_another_workspace_is_not_found(shop: Api) -> None:
    other = Api(await a_workspace(shop.workspace.database))
    other_journey = await journey_id(shop)

    data = await other.ask(
        GENERATE,
        input={"journeyId": other_journey, "kinds": ["FLOW"], "contacts": {"all": True}},
    )

    assert [one["code"] for one in data["generateReferralLinks"]["userErrors"]] == ["NOT_FOUND"]


async def test_no_kind_is_refused(shop: Api) -> None:
    assert (await refused(shop, kinds=[]))[:2] == ("INVALID", ["kinds"])


async def test_no_contact_is_refused(shop: Api) -> None:
    assert (await refused(shop, contacts={"ids": []}))[0] == "EMPTY_SELECTION"


async def test_a_column_that_is_named_twice_is_refused(shop: Api) -> None:
    assert (await refused(shop, columns=["EMAIL", "EMAIL"]))[0] == "INVALID"


async def test_the_same_key_answers_with_the_same_job(shop: Api) -> None:
    first = await generate(shop, idempotencyKey="k1")
    again = await generate(shop, idempotencyKey="k1")

    assert again == first


async def test_the_scope_operate_is_needed(shop: Api) -> None:
    reader = Api(shop.workspace, (Scope.READ, Scope.INTEGRATE))
    asked = {"journeyId": await journey_id(shop), "kinds": ["FLOW"], "contacts": {"all": True}}

    _, (error,) = await reader.run(GENERATE, input=asked)

    assert "needs the scope operate" in error.message
