"""Referral links: who follows one is led to the landing page, which learns the code."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.referrals import with_code
from store import Connection, referral_links, tables
from store.drafts import JourneyDraft
from store.journeys import upsert
from store.referral_links import new_code, workspace_of
from store.types import Id
from store.words import LinkKind
from tests.server.serving import NOW, Serving, a_server, settings_for
from tests.support.factories import Workspace, a_contact
from tests.support.waiting import SOON

LANDING = "https://shop.example/welcome?a=1&b=x%20y&ts_code=old#top"
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
UPSERT = """mutation ($contacts: [ContactInput!]!) { upsertContacts(input: {contacts: $contacts}) {
    results { error { code message } contact { externalUsername source
      referredBy { externalUsername } lastInteractionAt } } } }"""
READ = """query ($code: String!) { referralLink(code: $code) {
    kind code url visits signUps contact { externalUsername } journey { externalId } } }"""
RECORD = """mutation ($events: [EventInput!]!) { recordEvents(input: {events: $events}) {
    results { outcome error { code message } } } }"""


@dataclass
class Shared:
    """Ada's links into the journey welcome."""

    serving: Serving
    workspace: Workspace
    share: str
    flow: str

    async def follow(self, path: str, **options: Any) -> httpx.Response:
        options.setdefault("headers", PERSON)
        async with httpx.AsyncClient(base_url=self.serving.url, timeout=SOON) as client:
            return await client.request(options.pop("method", "GET"), path, **options)

    async def link(self, code: str) -> Any:
        return (await self.serving.ask(READ, code=code))["data"]["referralLink"]


@pytest.fixture
async def shared(database_url: str) -> AsyncIterator[Shared]:
    async with a_server(settings_for(database_url)) as serving:
        workspace = Workspace(serving.services.database, serving.workspace_id)
        ada = await a_contact(workspace)
        await make(workspace, ada)
        codes = {row["kind"]: row["code"] for row in await workspace.rows(tables.referral_links)}
        yield Shared(serving, workspace, codes["REFERRAL"], codes["FLOW"])


async def make(workspace: Workspace, contact_id: Id, landing_url: str | None = LANDING) -> int:
    async def work(connection: Connection) -> int:
        draft = JourneyDraft("welcome", "Welcome", landing_url=landing_url)
        journey_id = await upsert(connection, workspace.id, draft, NOW)
        return await referral_links.make(
            connection, workspace.id, journey_id, [contact_id], list(LinkKind), NOW
        )

    return await workspace.database.transact(work)


@pytest.mark.parametrize("path", ["r", "f"])
async def test_who_follows_a_link_is_led_to_the_landing_page(shared: Shared, path: str) -> None:
    code = shared.share if path == "r" else shared.flow

    answer = await shared.follow(f"/{path}/{code}")

    assert answer.status_code == 302
    assert answer.headers["location"] == (
        f"https://shop.example/welcome?a=1&b=x%20y&ts_code={code}#top"
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_visits_of_people_are_counted(shared: Shared) -> None:
    for _ in range(2):
        await shared.follow(f"/r/{shared.share}")
    await shared.follow(f"/r/{shared.share}", method="HEAD")
    await shared.follow(f"/r/{shared.share}", headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
    await shared.follow(f"/r/{shared.share}", headers={**PERSON, "Sec-Purpose": "prefetch"})

    found = await shared.link(shared.share)

    assert found == {
        "kind": "REFERRAL",
        "code": shared.share,
        "url": f"https://trackside.example/r/{shared.share}",
        "visits": 2,
        "signUps": 0,
        "contact": {"externalUsername": "ada"},
        "journey": {"externalId": "welcome"},
    }
    assert (await shared.link(shared.flow))["visits"] == 0


@pytest.mark.parametrize(
    "code", ["1-abcdefghij", "nonsense", "1-", "%00", "zzzzzzzzzzz-abcdefghij"]
)
async def test_an_unknown_code_is_told_kindly(shared: Shared, code: str) -> None:
    answer = await shared.follow(f"/r/{code}")

    assert answer.status_code == 404
    assert "This link leads nowhere" in answer.text


async def test_a_link_leads_only_by_its_own_path(shared: Shared) -> None:
    assert (await shared.follow(f"/f/{shared.share}")).status_code == 404
    assert (await shared.follow(f"/r/{shared.flow}")).status_code == 404


async def test_a_journey_that_has_no_landing_page_any_more_is_told_kindly(shared: Shared) -> None:
    (ada,) = await shared.workspace.rows(tables.contacts)
    await make(shared.workspace, ada["id"], landing_url=None)

    assert (await shared.follow(f"/r/{shared.share}")).status_code == 404


async def test_the_same_contact_keeps_its_links(shared: Shared) -> None:
    (ada,) = await shared.workspace.rows(tables.contacts)

    made = await make(shared.workspace, ada["id"])

    assert made == 0
    assert len(await shared.workspace.rows(tables.referral_links)) == 2


async def test_a_sign_up_is_a_referred_contact_and_counts_once(shared: Shared) -> None:
    friend = {"externalUsername": "bob", "referredByCode": shared.share}

    await shared.serving.ask(UPSERT, contacts=[friend])
    answer = await shared.serving.ask(UPSERT, contacts=[friend])

    (result,) = answer["data"]["upsertContacts"]["results"]
    contact = result["contact"]
    assert (contact["source"], contact["referredBy"]) == ("REFERRED", {"externalUsername": "ada"})
    assert contact["lastInteractionAt"] is not None
    assert (await shared.link(shared.share))["signUps"] == 1


async def test_a_sign_up_redeems_the_promo_of_who_referred(shared: Shared) -> None:
    await shared.serving.ask(
        """mutation { upsertPromo(input: {externalId: "friend", name: "Friend",
        journey: "welcome"}) { userErrors { message } } }"""
    )
    friends = [
        {"externalUsername": name, "referredByCode": shared.share} for name in ("bob", "eve")
    ]

    await shared.serving.ask(UPSERT, contacts=friends)

    (redemption,) = await shared.workspace.rows(tables.promo_redemptions)
    rows = await shared.workspace.rows(tables.contacts, external_username="ada")
    assert redemption["kind"] == "REFERRED_FRIEND"
    assert redemption["contact_id"] == rows[0]["id"]
    assert rows[0]["last_interaction_at"] == redemption["at"]
    found = await shared.serving.ask(
        "{ contacts(filter: {promo: {redeemedBy: [REFERRED_FRIEND]}}) "
        "{ nodes { externalUsername } } }"
    )
    assert found["data"]["contacts"]["nodes"] == [{"externalUsername": "ada"}]


async def test_what_comes_by_a_flow_link_is_the_contacts_own(shared: Shared) -> None:
    facts = {"contact": {"linkCode": shared.flow}, "facts": {"shoe": 42}}

    answer = await shared.serving.ask(RECORD, events=[an_event(shared, facts=facts)])

    (result,) = answer["data"]["recordEvents"]["results"]
    assert (result["outcome"], result["error"]) == ("ACCEPTED", None)
    (fact,) = await shared.workspace.rows(tables.contact_facts)
    (ada,) = await shared.workspace.rows(tables.contacts)
    assert fact["contact_id"] == ada["id"]
    (journey,) = (await shared.workspace.rows(tables.journeys))[:1]
    found = await shared.serving.ask(
        "query ($id: [ID!]) { contacts(filter: {journeyId: $id}) { nodes { externalUsername } } }",
        id=[f"jrn_{journey['id'].hex()}"],
    )
    assert found["data"]["contacts"]["nodes"] == [{"externalUsername": "ada"}]


async def test_what_comes_by_a_referral_link_is_not_the_owners(shared: Shared) -> None:
    facts = {"contact": {"linkCode": shared.share}, "facts": {"shoe": 42}}

    answer = await shared.serving.ask(RECORD, events=[an_event(shared, facts=facts)])

    (result,) = answer["data"]["recordEvents"]["results"]
    assert result["error"]["code"] == "UNKNOWN_CONTACT"
    assert "register them with upsertContacts and referredByCode" in result["error"]["message"]


async def test_two_codes_of_one_contact_in_one_call_both_mean_it(shared: Shared) -> None:
    async def second(connection: Connection) -> int:
        draft = JourneyDraft("spring", "Spring", landing_url=LANDING)
        journey_id = await upsert(connection, shared.workspace.id, draft, NOW)
        (ada,) = await shared.workspace.rows(tables.contacts)
        return await referral_links.make(
            connection, shared.workspace.id, journey_id, [ada["id"]], [LinkKind.FLOW], NOW
        )

    await shared.workspace.database.transact(second)
    links = await shared.workspace.rows(tables.referral_links, kind="FLOW")
    events = [
        an_event(shared, link["code"], facts={"contact": {"linkCode": link["code"]}})
        for link in links
    ]

    answer = await shared.serving.ask(RECORD, events=events)

    outcomes = [one["outcome"] for one in answer["data"]["recordEvents"]["results"]]
    assert outcomes == ["ACCEPTED", "ACCEPTED"]


async def test_an_unknown_code_is_null(shared: Shared) -> None:
    assert await shared.link(new_code(shared.workspace.id)) is None
    assert await shared.link("nonsense\0") is None


def an_event(shared: Shared, key: str = "k", **event: Any) -> dict[str, Any]:
    ((kind, values),) = event.items()
    now = datetime.fromtimestamp(shared.serving.services.now() / 1_000_000, UTC)
    return {kind: {"key": key, "occurredAt": now.isoformat(), **values}}


@pytest.mark.parametrize("workspace_id", [1, 35, 36, 12345678901])
def test_a_code_names_its_workspace(workspace_id: int) -> None:
    assert workspace_of(new_code(workspace_id)) == workspace_id


@pytest.mark.parametrize(
    ("target", "led_to"),
    [
        ("https://a.example", "https://a.example?ts_code=1-x"),
        ("https://a.example/?q", "https://a.example/?q&ts_code=1-x"),
        ("https://a.example/?q=%2F&q=2#f?x", "https://a.example/?q=%2F&q=2&ts_code=1-x#f?x"),
        ("https://a.example/?ts_codes=1&ts_code=", "https://a.example/?ts_codes=1&ts_code=1-x"),
    ],
)
def test_the_code_is_added_to_whatever_query_there_is(target: str, led_to: str) -> None:
    assert with_code(target, "1-x") == led_to
